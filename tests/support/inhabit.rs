//! A network for the machine itself, as one that is in use has.

use super::Machine;

/// Makes that network. `lo` is there and up.
///
/// ```text
/// netns upstream            the machine                                  netns app
/// 10.0.0.1/16  eth0 ------- eth0 10.0.0.5/16, default via 10.0.0.1
/// fd10::1/64                     fd10::5/64, default via fd10::1
///                           docker0 172.17.0.1/16 -- vethapp ----------- eth0 172.17.0.2/16
/// ```
const INHABIT: &str = include_str!("inhabit.sh");

/// Takes it away again.
const VACATE: &str = "
    ip route del blackhole 198.51.100.0/24
    ip link del dev eth0
    ip link del dev docker0
    ip link del dev vethapp
    ip netns del upstream
    ip netns del app
    ip rule del pref 1000
    ip -6 rule del pref 1000
    ip address del 10.255.0.1/32 dev lo
    echo 0 >/proc/sys/net/ipv4/ip_forward
    ! command -v nft >/dev/null || nft delete table inet own
    rm /run/own /tmp/own";

impl Machine {
    /// Gives the machine what one has that is in use: links with neighbours that answer, addresses, routes, a second table and
    /// rules that lead to it, settings of its own, namespaces that `ip netns` knows, and files; and rules of nftables where
    /// that is installed.
    #[track_caller]
    pub(crate) fn inhabit(&self) {
        self.root_command("sh").args(&["-euc", INHABIT]).run().success();
    }

    /// Takes away what [`Machine::inhabit`] gave.
    #[track_caller]
    pub(crate) fn vacate(&self) {
        self.root_command("sh").args(&["-euc", VACATE]).run().success();
    }
}

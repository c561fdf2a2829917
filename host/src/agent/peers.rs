//! Whom the machine is talking to: what a lab takes from it by mistake is missed most there.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::plan::MachinePeer;

/// TCP_ESTABLISHED, as proc_pid_net(5) prints it.
const ESTABLISHED: &str = "01";

/// Lists the other ends of the established TCP connections in the network namespace of this thread, and the name servers.
pub(super) fn peers() -> Vec<MachinePeer> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let connected = ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"].map(read);
    let connected = connected.iter().flat_map(|table| established(table));
    let connected =
        connected.map(|address| MachinePeer { address, what: "talks to it (an established TCP connection)" });
    let resolv_conf = read("/etc/resolv.conf");
    let servers = name_servers(&resolv_conf).map(|address| MachinePeer { address, what: "has it as name server" });
    connected.chain(servers).filter(|peer| !peer.address.is_loopback()).collect()
}

pub(crate) fn established(table: &str) -> impl Iterator<Item = IpAddr> {
    table.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace().skip(2);
        let (remote, state) = (words.next()?, words.next()?);
        if state == ESTABLISHED { address(remote.split_once(':')?.0) } else { None }
    })
}

/// Reads an address as it is in memory, in words of four bytes.
fn address(text: &str) -> Option<IpAddr> {
    let words = text.as_bytes().chunks(8).map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok());
    let bytes: Vec<u8> = words.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some(Ipv4Addr::from(four).into());
    }
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical())
}

pub(crate) fn name_servers(resolv_conf: &str) -> impl Iterator<Item = IpAddr> {
    resolv_conf.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        if words.next()? == "nameserver" { words.next()?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a little-endian kernel prints it.
    #[cfg(target_endian = "little")]
    #[test]
    fn other_ends_of_established_connections_are_read_in_both_families() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue\n\
            0: 00000000:0016 00000000:0000 0A 00000000:00000000\n\
            1: 0500000A:0016 0907A8C0:C350 01 00000000:00000000\n\
            2: 0500000A:0016 0A07A8C0:C351 06 00000000:00000000\n\
            3: 0500000A:0016 zz:C351 01 00000000:00000000\n";
        assert_eq!(established(table).collect::<Vec<_>>(), ["192.168.7.9".parse::<IpAddr>().unwrap()]);
        let table = "heading\n\
            0: X:0016 B80D0120000000000000000001000000:C350 01 0:0\n\
            1: X:0016 0000000000000000FFFF00000907A8C0:C350 01 0:0\n";
        let expected: [IpAddr; 2] = ["2001:db8::1".parse().unwrap(), "192.168.7.9".parse().unwrap()];
        assert_eq!(established(table).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn name_servers_are_read_and_the_rest_passed_over() {
        let text = "# nameserver 10.0.0.1\nsearch lan\nnameserver 192.168.1.1\nnameserver fe80::1%eth0\nnameserver\n";
        assert_eq!(name_servers(text).collect::<Vec<_>>(), ["192.168.1.1".parse::<IpAddr>().unwrap()]);
    }
}

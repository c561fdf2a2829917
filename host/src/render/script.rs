//! `orchestrator plan --format ip`: the steps as a shell script.

use std::fmt::Write as _;

use crate::plan::{Step, Word, Words};
use crate::topology::settings::{CONF, IPV4, IPV6};
use crate::topology::{Limits, LinkName, NetnsName, Place, Topology};

/// What is done to a new netns, which has copied settings of the machine. They are written below `/proc/sys/net`, which shows the
/// netns of whoever opens it, as sysctl(8) may be missing.
fn set_defaults() -> String {
    let (conf, ipv4, ipv6) = (CONF.join(" "), IPV4.join(" "), IPV6.join(" "));
    format!(
        "
# Takes from a new netns the settings that it has copied from the machine.
set_defaults() {{
    ip netns exec \"$1\" sh -euc '
        set_to_0() {{
            [ -e \"$1\" ] || return 0
            # A shell that reads byte by byte sees no end of the line there.
            read -r value <\"$1\" || :
            [ \"$value\" = 0 ] || echo 0 >\"$1\"
        }}
        for conf in {conf}; do
            for setting in {ipv4}; do
                set_to_0 /proc/sys/net/ipv4/conf/$conf/$setting
            done
            for setting in {ipv6}; do
                set_to_0 /proc/sys/net/ipv6/conf/$conf/$setting
            done
        done'
}}
"
    )
}

const SET_FORWARDING: &str = "
# Has the netns in which the rest of the command line runs forward packets (1), or not (0).
set_forwarding() {
    on=$1
    shift
    \"$@\" sh -euc '
        echo \"$0\" >/proc/sys/net/ipv4/ip_forward
        [ ! -d /proc/sys/net/ipv6 ] || echo \"$0\" >/proc/sys/net/ipv6/conf/all/forwarding' \"$on\"
}
";

/// The link-local addresses go first, so that the links get them anew, from the kernel or by the next commands.
const SET_AUTOCONFIGURATION: &str = "
# Has the netns in which the rest of the command line runs configure its links by itself (1), or not (0).
set_autoconfiguration() {
    on=$1
    shift
    \"$@\" sh -euc '
        [ -d /proc/sys/net/ipv6 ] || exit 0
        for conf in /proc/sys/net/ipv6/conf/*; do
            case ${conf##*/} in
                all | lo) continue ;;
                default) ;;
                *) ip -6 address flush dev \"${conf##*/}\" scope link ;;
            esac
            echo $((1 - $0)) >$conf/addr_gen_mode
        done' \"$on\"
}
";

/// `ip` knows a netns by its name, and this one has none.
const HOST: &str = "
host=/proc/$$/ns/net
";

/// Returns a script for `sh` that makes the network of `steps`, which are those of a new lab, with the netns that it is run in as
/// the host. Each word that is not of `ip` itself is quoted.
pub fn ip_script(digest: &str, steps: &[Step]) -> String {
    let mut script = Script { network: unlimited(), lines: String::new(), uses_host: false };
    for step in steps {
        script.step(step);
    }
    let Script { lines, uses_host, .. } = script;
    let mut text = format!(
        "#!/bin/sh
# Makes the network {digest}, as `orchestrator plan --format ip` wrote it down.
# For root. The network namespace in which it runs plays the host.
set -eu
"
    );
    let uses = |wanted: fn(&Step) -> bool| steps.iter().any(wanted);
    let helpers = [
        (uses_host, HOST.to_owned()),
        (uses(|step| matches!(step, Step::AddNetns { .. })), set_defaults()),
        (uses(|step| matches!(step, Step::SetForwarding { .. })), SET_FORWARDING.to_owned()),
        (uses(|step| matches!(step, Step::SetAutoconfiguration { .. })), SET_AUTOCONFIGURATION.to_owned()),
    ];
    text.extend(helpers.into_iter().filter_map(|(used, helper)| used.then_some(helper)));
    text.push('\n');
    text + &lines
}

fn unlimited() -> Topology {
    Topology::new(Limits { netns: usize::MAX, links: usize::MAX, addresses_and_routes: usize::MAX }).rehearsal()
}

struct Script {
    /// The network after the steps so far.
    network: Topology,
    lines: String,
    /// The host was an argument.
    uses_host: bool,
}

impl Script {
    fn step(&mut self, step: &Step) {
        if let Step::RemoveNetns { netns } = step {
            self.remove_pairs(netns);
        }
        // A step that does not fit, as it is not of a new lab, is written all the same.
        let _ = step.play(&mut self.network);
        match step {
            Step::AddNetns { netns, .. } => {
                self.line(&step.words());
                let _ = writeln!(self.lines, "set_defaults {}", quoted(netns.as_str()));
            }
            Step::SetForwarding { netns, on } => {
                let _ = write!(self.lines, "set_forwarding {}", u8::from(*on));
                self.within(netns);
            }
            // A link can be quietened only once it is there, and only while it is down.
            Step::SetAutoconfiguration { netns, on } => {
                let _ = write!(self.lines, "set_autoconfiguration {}", u8::from(*on));
                self.within(netns);
            }
            Step::AddVeth { near, near_controller, near_up: true, far, queues } => {
                let (near, near_controller, far) = (near.clone(), near_controller.clone(), far.clone());
                let link = near.place.clone();
                self.line(&Step::AddVeth { near, near_controller, near_up: false, far, queues: *queues }.words());
                self.set_up(link);
            }
            Step::SetUp { link } => self.set_up(link.clone()),
            _ => self.line(&step.words()),
        }
    }

    /// Ends a line with the rest of a command line that is run in a netns.
    fn within(&mut self, netns: &NetnsName) {
        if !netns.is_host() {
            let _ = write!(self.lines, " ip netns exec {}", quoted(netns.as_str()));
        }
        self.lines.push('\n');
    }

    /// Removes the veths that lead out of a netns which is to go: they would go with it, but later than the next command comes.
    fn remove_pairs(&mut self, netns: &NetnsName) {
        let Ok(id) = self.network.find_netns(netns) else { return };
        let peers = self.network.links_of(id).filter_map(|link| self.network.peer(link).ok());
        let outside: Vec<Place> =
            peers.map(|peer| self.network.place_of(peer)).filter(|place| place.netns != *netns).collect();
        for link in outside {
            self.step(&Step::RemoveLink { link });
        }
    }

    /// Sets a link up whose link-local address is a step of its own, if it is to have one.
    fn set_up(&mut self, link: Place) {
        let standing = self.network.find_place(&link).ok().and_then(|id| self.network.standing(id));
        let speaks_ipv6 = standing.is_none_or(crate::topology::Link::has_ipv6);
        let configures_itself = self.network.find_place(&link).is_ok_and(|id| self.network.configures_itself(id));
        if speaks_ipv6 && !configures_itself && link.link != LinkName::lo() {
            self.line(&Words::quieten(&link));
        }
        self.line(&Step::SetUp { link }.words());
    }

    fn line(&mut self, words: &Words) {
        for (at, word) in words.iter().enumerate() {
            self.lines.push_str(if at == 0 { "" } else { " " });
            match word {
                Word::Fixed(text) | Word::Detail(text) => self.lines.push_str(text),
                Word::Given(text) => self.lines.push_str(&quoted(text)),
                Word::Host => {
                    self.uses_host = true;
                    self.lines.push_str("\"$host\"");
                }
            }
        }
        self.lines.push('\n');
    }
}

/// Quotes a word so that a shell takes it as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::difference;
    use crate::topology::NetnsId;

    fn link_name(text: &str) -> LinkName {
        LinkName::parse(text).unwrap()
    }

    /// The steps to a network that `draw` draws with a netns `red` in it.
    fn steps(draw: impl Fn(&mut Topology, NetnsId)) -> Vec<Step> {
        let mut network = unlimited();
        let empty = network.clone();
        let red = network.add_netns(NetnsName::parse("red").unwrap()).unwrap();
        draw(&mut network, red);
        difference(&empty, &network).unwrap()
    }

    /// The lines of a script behind its helpers.
    fn lines(steps: &[Step]) -> Vec<String> {
        let script = ip_script("sha256:0", steps);
        script.lines().skip_while(|line| !line.starts_with("ip ")).map(str::to_owned).collect()
    }

    #[test]
    fn word_that_a_shell_would_read_is_quoted() {
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
        assert_eq!(quoted("a'b; c"), r"'a'\''b; c'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn link_is_quietened_before_it_is_up() {
        let script = lines(&steps(|network, red| {
            let br0 = network.add_bridge(NetnsId::HOST, link_name("br0")).unwrap();
            let (port, eth0) = network.add_veth(NetnsId::HOST, link_name("v1"), red, link_name("eth0")).unwrap();
            network.add_port(br0, port).unwrap();
            for link in [br0, port, eth0] {
                network.set_up(link).unwrap();
            }
        }));
        for link in ["ip link set dev 'br0'", "ip link set dev 'v1'", "ip -n 'red' link set dev 'eth0'"] {
            let at = script.iter().position(|line| *line == format!("{link} up")).unwrap();
            assert_eq!(script[at - 1], format!("{link} addrgenmode none"));
        }
        let made = script.iter().find(|line| line.contains("'v1'")).unwrap();
        assert!(made.contains(" master 'br0' type veth peer name 'eth0' netns 'red' "), "{made}");
    }

    #[test]
    fn link_without_ipv6_and_lo_are_not_quietened() {
        let script = lines(&steps(|network, red| {
            let lo = network.find_link(red, &LinkName::lo()).unwrap();
            let (small, _) = network.add_veth(red, link_name("a"), red, link_name("b")).unwrap();
            network.set_mtu(small, 1000).unwrap();
            network.set_up(small).unwrap();
            network.set_up(lo).unwrap();
        }));
        assert!(script.contains(&"ip -n 'red' link set dev 'a' up".to_owned()), "{script:#?}");
        assert!(!script.iter().any(|line| line.contains("addrgenmode")), "{script:#?}");
    }

    #[test]
    fn netns_that_goes_has_its_pairs_removed_before() {
        let mut steps = steps(|network, red| {
            network.add_veth(NetnsId::HOST, link_name("v1"), red, link_name("eth0")).unwrap();
            network.add_veth(red, link_name("a"), red, link_name("b")).unwrap();
        });
        steps.push(Step::RemoveNetns { netns: NetnsName::parse("red").unwrap() });
        let script = lines(&steps);
        assert_eq!(script[script.len() - 2..], ["ip link del dev 'v1'", "ip netns del 'red'"]);
    }

    #[test]
    fn host_as_an_argument_is_a_path() {
        // The end in `red` is the near one, as it is a port.
        let steps = steps(|network, red| {
            let br0 = network.add_bridge(red, link_name("br0")).unwrap();
            let (_, port) = network.add_veth(NetnsId::HOST, link_name("v1"), red, link_name("eth0")).unwrap();
            network.add_port(br0, port).unwrap();
        });
        let script = ip_script("sha256:0", &steps);
        assert!(script.contains("peer name 'v1' netns \"$host\" "), "{script}");
        assert!(script.contains("\nhost=/proc/$$/ns/net\n"), "{script}");
    }

    #[test]
    fn settings_go_by_files_and_helpers_come_only_where_they_are_used() {
        let forwarding = steps(|network, red| {
            network.set_forwarding(red, true).unwrap();
            network.set_forwarding(NetnsId::HOST, true).unwrap();
        });
        assert_eq!(
            lines(&forwarding),
            ["ip netns add 'red'", "set_defaults 'red'", "set_forwarding 1 ip netns exec 'red'", "set_forwarding 1",]
        );
        let script = ip_script("sha256:0", &[]);
        assert!(!script.contains("set_defaults") && !script.contains("set_forwarding") && !script.contains("$host"));
        assert!(script.starts_with("#!/bin/sh\n# Makes the network sha256:0, "), "{script}");
    }
}

//! A step in the words of `ip`.
//!
//! They are put together here alone: a step shown to people joins them, and a script quotes those that are given to `ip`.

use std::fmt;

use super::{NewLink, NewRoute, Step};
use crate::topology::{LinkName, NetnsName, Place, QUEUES};

/// One word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A word of the command's own language.
    Fixed(&'static str),
    /// The same, for what only a machine minds: people are not shown it.
    Detail(&'static str),
    /// A name, an address or a number.
    Given(String),
    /// The host as an argument: it has no name that `ip` knows.
    Host,
}

/// One command, word by word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<Word>);

impl Words {
    /// Starts with `ip`, and `-n NETNS` unless that is the host.
    fn ip(netns: &NetnsName) -> Self {
        let words = Self(vec![Word::Fixed("ip")]);
        if netns.is_host() { words } else { words.fixed("-n").given(netns) }
    }

    /// Starts with `ip link VERB dev LINK`.
    fn link(verb: &'static str, link: &Place) -> Self {
        Self::ip(&link.netns).fixed("link").fixed(verb).fixed("dev").given(&link.link)
    }

    fn fixed(mut self, words: &'static str) -> Self {
        self.0.extend(words.split(' ').map(Word::Fixed));
        self
    }

    fn given(mut self, word: impl ToString) -> Self {
        self.0.push(Word::Given(word.to_string()));
        self
    }

    fn netns(mut self, netns: &NetnsName) -> Self {
        self.0.push(if netns.is_host() { Word::Host } else { Word::Given(netns.to_string()) });
        self
    }

    /// The queues each way. The one that a veth has for which nobody asked is there because with more of them the kernel takes
    /// longer to make it.
    fn queues(mut self, queues: u32) -> Self {
        if queues == QUEUES {
            self.0.extend("numtxqueues 1 numrxqueues 1".split(' ').map(Word::Detail));
            return self;
        }
        self.fixed("numtxqueues").given(queues).fixed("numrxqueues").given(queues)
    }

    /// What a new link is made with.
    fn new_link(self, link: &NewLink) -> Self {
        let words = self.fixed("address").given(link.mac);
        link.mtu.into_iter().fold(words, |words, mtu| words.fixed("mtu").given(mtu))
    }

    fn controller(self, bridge: Option<&LinkName>) -> Self {
        bridge.into_iter().fold(self, |words, bridge| words.fixed("master").given(bridge))
    }

    fn route(verb: &'static str, link: &Place, route: &NewRoute) -> Self {
        let mut words = Self::ip(&link.netns).fixed("route").fixed(verb).given(route.destination);
        if let Some(gateway) = route.gateway {
            words = words.fixed("via").given(gateway);
        }
        words = words.fixed("dev").given(&link.link);
        if route.connected {
            words = words.fixed("proto kernel");
        }
        if let Some(source) = route.source {
            words = words.fixed("src").given(source);
        }
        if route.metric == 0 { words } else { words.fixed("metric").given(route.metric) }
    }

    /// `ip link set dev LINK addrgenmode none`: the kernel gives the link no link-local address by itself.
    pub fn quieten(link: &Place) -> Self {
        Self::link("set", link).fixed("addrgenmode none")
    }

    /// Returns the words.
    pub fn iter(&self) -> impl Iterator<Item = &Word> {
        self.0.iter()
    }
}

impl fmt::Display for Words {
    /// Joins the words, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().filter_map(|word| match word {
            Word::Fixed(text) => Some(*text),
            Word::Given(text) => Some(text.as_str()),
            Word::Host => Some("host"),
            Word::Detail(_) => None,
        });
        for (at, word) in shown.enumerate() {
            f.write_str(if at == 0 { "" } else { " " })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl Step {
    /// Returns the same act as an `ip` command.
    pub fn words(&self) -> Words {
        match self {
            Self::AddNetns { netns, .. } => Words::ip(&NetnsName::host()).fixed("netns add").given(netns),
            Self::RemoveNetns { netns } => Words::ip(&NetnsName::host()).fixed("netns del").given(netns),
            Self::SetForwarding { netns, on } => set_forwarding(netns, *on),
            Self::SetAutoconfiguration { netns, on } => sysctl(netns).fixed(if *on {
                "net.ipv6.conf.default.addr_gen_mode=0"
            } else {
                "net.ipv6.conf.default.addr_gen_mode=1"
            }),
            Self::AddVeth { near, near_controller, near_up, far, queues } => {
                let words = Words::ip(&near.place.netns).fixed("link add name").given(&near.place.link);
                let words = words.queues(*queues).new_link(near).controller(near_controller.as_ref());
                let words = if *near_up { words.fixed("up") } else { words };
                let words = words.fixed("type veth peer name").given(&far.place.link);
                words.fixed("netns").netns(&far.place.netns).queues(*queues).new_link(far)
            }
            Self::AddBridge { bridge } => {
                let words = Words::ip(&bridge.place.netns).fixed("link add name");
                words.given(&bridge.place.link).new_link(bridge).fixed("type bridge")
            }
            Self::RemoveLink { link } => Words::link("del", link),
            Self::SetNetns { link, target, name, mac } => {
                let words = Words::link("set", link).fixed("netns").netns(target);
                words.fixed("name").given(name).fixed("address").given(mac)
            }
            Self::SetName { link, name, mac } => {
                Words::link("set", link).fixed("name").given(name).fixed("address").given(mac)
            }
            Self::SetUp { link } => Words::link("set", link).fixed("up"),
            Self::SetDown { link } => Words::link("set", link).fixed("down"),
            Self::SetMtu { link, mtu } => Words::link("set", link).fixed("mtu").given(mtu),
            Self::SetController { link, controller: None } => Words::link("set", link).fixed("nomaster"),
            Self::SetController { link, controller } => Words::link("set", link).controller(controller.as_ref()),
            Self::AddAddress { link, address, detect_duplicates } => {
                let words = Words::ip(&link.netns).fixed("address add").given(address);
                let words = words.fixed("dev").given(&link.link);
                if address.addr().is_ipv6() && !detect_duplicates { words.fixed("nodad") } else { words }
            }
            Self::RemoveAddress { link, address } => {
                let words = Words::ip(&link.netns).fixed("address del").given(address);
                words.fixed("dev").given(&link.link)
            }
            // Other links may have one to the same network.
            Self::AddRoute { link, route } if route.connected => Words::route("append", link, route),
            Self::AddRoute { link, route } => Words::route("add", link, route),
            Self::RemoveRoute { link, route } => Words::route("del", link, route),
        }
    }
}

fn sysctl(netns: &NetnsName) -> Words {
    let words = Words(Vec::new());
    let words = if netns.is_host() { words } else { words.fixed("ip netns exec").given(netns) };
    words.fixed("sysctl -q -w")
}

fn set_forwarding(netns: &NetnsName, on: bool) -> Words {
    sysctl(netns).fixed(if on {
        "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
    } else {
        "net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0"
    })
}

impl fmt::Display for Step {
    /// The same act as an `ip` command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::MacAddress;

    fn place(netns: &str, link: &str) -> Place {
        Place { netns: NetnsName::parse(netns).unwrap(), link: LinkName::parse(link).unwrap() }
    }

    fn new_link(netns: &str, link: &str) -> NewLink {
        let place = place(netns, link);
        NewLink { mac: MacAddress([2, 0, 0, 0, 0, 1]), place, mtu: None }
    }

    #[test]
    fn step_reads_as_one_command() {
        let route = NewRoute {
            destination: "10.9.0.0/16".parse().unwrap(),
            gateway: Some("10.0.0.1".parse().unwrap()),
            metric: 7,
            connected: false,
            source: None,
        };
        let netns = NetnsName::parse("red").unwrap();
        let steps = [
            (Step::AddNetns { netns: netns.clone(), hub: true }, "ip netns add red"),
            (Step::SetUp { link: place("host", "br0") }, "ip link set dev br0 up"),
            (
                Step::AddAddress {
                    link: place("red", "eth0"),
                    address: "2001:db8::1/64".parse().unwrap(),
                    detect_duplicates: false,
                },
                "ip -n red address add 2001:db8::1/64 dev eth0 nodad",
            ),
            (
                Step::AddAddress {
                    link: place("red", "eth0"),
                    address: "2001:db8::1/64".parse().unwrap(),
                    detect_duplicates: true,
                },
                "ip -n red address add 2001:db8::1/64 dev eth0",
            ),
            (
                Step::AddRoute { link: place("red", "eth0"), route },
                "ip -n red route add 10.9.0.0/16 via 10.0.0.1 dev eth0 metric 7",
            ),
            (
                Step::SetForwarding { netns, on: true },
                "ip netns exec red sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
            ),
            (Step::SetController { link: place("host", "veth1"), controller: None }, "ip link set dev veth1 nomaster"),
        ];
        for (step, words) in steps {
            assert_eq!(step.to_string(), words);
        }
    }

    #[test]
    fn people_are_not_shown_how_many_queues_a_veth_has() {
        let step = Step::AddVeth {
            near: new_link("red", "eth0"),
            near_controller: None,
            near_up: false,
            far: new_link("host", "veth1"),
            queues: QUEUES,
        };
        assert_eq!(
            step.to_string(),
            "ip -n red link add name eth0 address 02:00:00:00:00:01 \
             type veth peer name veth1 netns host address 02:00:00:00:00:01"
        );
        assert!(step.words().iter().any(|word| *word == Word::Detail("numtxqueues")));
        assert!(step.words().iter().any(|word| *word == Word::Host));
    }
}

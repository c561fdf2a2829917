//! What `ip` is told, done on the model.

use orchestrator::topology::{Destination, LinkId, LinkName, NetnsId, NetnsName, Refusal, Topology};

/// Why a command was not done; the model's refusal, as a test knows nothing of its own to refuse.
pub(crate) type Outcome = Result<(), Refusal>;

/// Does a command of `ip` on the model.
///
/// The words are those that a test types: `dev` is always there, and a command of another form is the test's fault.
#[track_caller]
pub(crate) fn play(network: &mut Topology, command: &str) -> Outcome {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words[..] {
        ["ip", "netns", "add", name] => network.add_netns(netns_name(name)).map(drop),
        ["forward", netns, on] => network.set_forwarding(network.find_netns(&netns_name(netns))?, on == "1"),
        ["ip", "netns", "del", name] => network.remove_netns(network.find_netns(&netns_name(name))?),
        ["ip", "-n", netns, ref rest @ ..] | ["ip", "-6", "-n", netns, ref rest @ ..] => {
            let netns = network.find_netns(&netns_name(netns))?;
            play_in(network, netns, rest).unwrap_or_else(|| panic!("`{command}` is not known to the model"))
        }
        _ => panic!("`{command}` is not known to the model"),
    }
}

/// Does what follows `ip -n NETNS`; it is `None` where that is not known.
fn play_in(network: &mut Topology, netns: NetnsId, words: &[&str]) -> Option<Outcome> {
    match *words {
        ["link", "add", "name", name, "type", "bridge"] => Some(network.add_bridge(netns, link_name(name)).map(drop)),
        ["link", "add", "name", name, "type", "veth", "peer", "name", peer] => {
            Some(network.add_veth(netns, link_name(name), netns, link_name(peer)).map(drop))
        }
        ["link", "add", "name", name, "type", "veth", "peer", "name", peer, "netns", other] => Some((|| {
            let other = network.find_netns(&netns_name(other))?;
            network.add_veth(netns, link_name(name), other, link_name(peer)).map(drop)
        })()),
        [
            "link",
            "add",
            "name",
            name,
            "numtxqueues",
            queues,
            "numrxqueues",
            _,
            "type",
            "veth",
            "peer",
            "name",
            peer,
            "numtxqueues",
            _,
            "numrxqueues",
            _,
            "netns",
            other,
        ] => {
            let queues = queues.parse().ok()?;
            Some((|| {
                let other = network.find_netns(&netns_name(other))?;
                network.add_veth_with_queues(netns, link_name(name), other, link_name(peer), queues).map(drop)
            })())
        }
        ["link", "del", "dev", link] => Some((|| network.remove_link(find(network, netns, link)?))()),
        ["link", "set", "dev", link, ref change @ ..] => {
            let found = find(network, netns, link);
            change_link(network, netns, found, change)
        }
        [object @ ("address" | "route"), verb @ ("add" | "del"), ref rest @ ..] => {
            let add = verb == "add";
            if object == "address" { address(network, netns, add, rest) } else { route(network, netns, add, rest) }
        }
        _ => None,
    }
}

fn change_link(
    network: &mut Topology,
    netns: NetnsId,
    found: Result<LinkId, Refusal>,
    words: &[&str],
) -> Option<Outcome> {
    let id = match found {
        Ok(id) => id,
        Err(refusal) => return Some(Err(refusal)),
    };
    Some(match *words {
        ["up"] => network.set_up(id),
        ["down"] => network.set_down(id),
        ["mtu", bytes] => network.set_mtu(id, bytes.parse().ok()?),
        ["name", name] => network.set_name(id, link_name(name)),
        ["netns", target] => network.find_netns(&netns_name(target)).and_then(|to| network.set_netns(id, to)),
        ["master", bridge] => find(network, netns, bridge).and_then(|bridge| network.add_port(bridge, id)),
        ["nomaster"] => network.remove_port(id),
        _ => return None,
    })
}

fn address(network: &mut Topology, netns: NetnsId, add: bool, words: &[&str]) -> Option<Outcome> {
    let [cidr, "dev", link, ..] = *words else { return None };
    let cidr = cidr.parse().ok()?;
    Some(
        find(network, netns, link)
            .and_then(|id| if add { network.add_address(id, cidr) } else { network.remove_address(id, cidr) }),
    )
}

fn route(network: &mut Topology, netns: NetnsId, add: bool, words: &[&str]) -> Option<Outcome> {
    let destination = match *words.first()? {
        // `ip` means IPv4 where nothing says IPv6.
        "default" if !add => Destination::Network("0.0.0.0/0".parse().ok()?),
        "default" => Destination::Default,
        network => Destination::Network(network.parse().ok()?),
    };
    Some(match words[1..] {
        [] if !add => network.remove_route(netns, destination),
        ["via", gateway] if add => network.add_route(netns, destination, gateway.parse().ok()?),
        ["via", gateway, "dev", link] if add => {
            let gateway = gateway.parse().ok()?;
            find(network, netns, link).and_then(|id| network.add_route_via(id, destination, gateway))
        }
        ["dev", link] if add => find(network, netns, link).and_then(|id| network.add_route_on_link(id, destination)),
        _ => return None,
    })
}

fn find(network: &Topology, netns: NetnsId, name: &str) -> Result<LinkId, Refusal> {
    network.find_link(netns, &link_name(name))
}

#[track_caller]
fn link_name(text: &str) -> LinkName {
    LinkName::parse(text).unwrap_or_else(|error| panic!("a test names a link `{text}`: {error}"))
}

#[track_caller]
fn netns_name(text: &str) -> NetnsName {
    NetnsName::parse(text).unwrap_or_else(|error| panic!("a test names a netns `{text}`: {error}"))
}

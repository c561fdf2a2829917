//! What labs on the machine's own network meet there.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::firewall::{Family, Policy, forward_policy};
use super::{Check, settings, words};

const GROUP: &str = "--on-host";

/// Says what `run --on-host` would meet.
pub(super) fn checks(rootless: bool, deadline: Instant) -> Vec<Check> {
    let name = "change this network";
    let may = if rootless {
        Check::no(GROUP, name, "that takes CAP_SYS_ADMIN and CAP_NET_ADMIN").remedy("run as root")
    } else {
        Check::yes(GROUP, name, "that of the netns in which this runs")
    };
    vec![
        may,
        bridged("IPv4 across a bridge", Family::Ipv4, rootless, deadline),
        bridged("IPv6 across a bridge", Family::Ipv6, rootless, deadline),
        forwarding(),
    ]
}

/// Says whether frames that a bridge passes from port to port are let through. With br_netfilter they go the way of packets that
/// are routed, and docker has those dropped.
fn bridged(name: &str, family: Family, rootless: bool, deadline: Instant) -> Check {
    let setting = format!("net.bridge.bridge-nf-call-{}", family.iptables());
    match settings::number(&setting) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && Path::new("/proc/sys/net").is_dir() => {
            return Check::yes(GROUP, name, "no firewall there: br_netfilter is not loaded");
        }
        Err(error) => return Check::unknown(GROUP, name, format!("{setting}: {}", settings::why_not(&error))),
        Ok(0) => return Check::yes(GROUP, name, format!("no firewall there: {setting} is 0")),
        Ok(_) if rootless => {
            return Check::unknown(GROUP, name, "a firewall may drop it, which only root can see");
        }
        Ok(_) => {}
    }
    match forward_policy(family, deadline) {
        Ok(Policy::Accept) => Check::yes(GROUP, name, "the firewall's FORWARD policy is not DROP"),
        Ok(Policy::Drop) => {
            let program = family.iptables();
            Check::no(GROUP, name, "the firewall's FORWARD policy is DROP, as docker has it").remedy(format!(
                "for a bridge `br0`: `sudo {program} -I FORWARD -i br0 -o br0 -j ACCEPT`, or for all: `sudo sysctl {setting}=0`"
            ))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Check::unknown(GROUP, name, "a firewall may drop it, and no `nft` is there")
                .remedy("to know, install nftables")
        }
        Err(error) => {
            Check::unknown(GROUP, name, format!("a firewall may drop it, and can't be asked: {}", words(&error)))
        }
    }
}

fn forwarding() -> Check {
    let (name, setting) = ("routing to other links", "net.ipv4.ip_forward");
    match settings::number(setting) {
        Ok(0) => Check::no(GROUP, name, format!("{setting} is 0; bridges do without"))
            .remedy(format!("if a lab is to be reached from elsewhere: `sudo sysctl {setting}=1`")),
        Ok(_) => Check::yes(GROUP, name, format!("{setting} is 1")),
        Err(error) => Check::unknown(GROUP, name, format!("{setting}: {}", settings::why_not(&error))),
    }
}

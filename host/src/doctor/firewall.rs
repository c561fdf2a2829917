//! What becomes of packets that are passed on, as `nft -j list ruleset` and `iptables -S FORWARD` say.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::features::release;
use super::program::ask;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    /// The program that has to do with its rules.
    pub(super) fn iptables(self) -> &'static str {
        match self {
            Self::Ipv4 => "iptables",
            Self::Ipv6 => "ip6tables",
        }
    }
}

/// What becomes of what no rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Accept,
    Drop,
}

/// Asks what policy there is for packets that are passed on. Only root can.
///
/// There may be two sets of rules, nft's and those of the old iptables. A set that the kernel has not loaded is not asked for,
/// as that would load it.
pub(super) fn forward_policy(family: Family, deadline: Instant) -> io::Result<Policy> {
    let answers = [nft(family, deadline), legacy(family, deadline)];
    if answers.iter().any(|answer| matches!(answer, Ok(Policy::Drop))) {
        return Ok(Policy::Drop);
    }
    answers.into_iter().collect::<io::Result<Vec<_>>>().map(|_| Policy::Accept)
}

fn nft(family: Family, deadline: Instant) -> io::Result<Policy> {
    if !has_nftables() {
        return Ok(Policy::Accept);
    }
    match ask("nft", &["-j", "list", "ruleset"], deadline) {
        Ok(said) => of_nft(&said, family).ok_or_else(|| io::Error::other("`nft` does not print its JSON")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => iptables(&["nft"], family, deadline),
        Err(error) => Err(error),
    }
}

/// Tells whether the kernel has nftables: loaded, built in, or in a kernel that does not load modules.
fn has_nftables() -> bool {
    let built_in = || {
        let modules = Path::new("/lib/modules").join(release()?);
        fs::read_to_string(modules.join("modules.builtin")).ok()
    };
    Path::new("/sys/module/nf_tables").exists() || built_in().is_none_or(|list| list.contains("/nf_tables.ko"))
}

fn legacy(family: Family, deadline: Instant) -> io::Result<Policy> {
    let names = match family {
        Family::Ipv4 => "/proc/net/ip_tables_names",
        Family::Ipv6 => "/proc/net/ip6_tables_names",
    };
    match fs::read_to_string(names) {
        Ok(names) if names.lines().any(|name| name == "filter") => iptables(&["legacy", ""], family, deadline),
        Ok(_) => Ok(Policy::Accept),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Policy::Accept),
        Err(error) => Err(error),
    }
}

/// Asks the first of some variants of iptables(8) that is there.
fn iptables(variants: &[&str], family: Family, deadline: Instant) -> io::Result<Policy> {
    let mut missing = io::ErrorKind::NotFound.into();
    for variant in variants {
        let program = format!("{} {variant}", family.iptables()).trim_end().replace(' ', "-");
        match ask(&program, &["-S", "FORWARD"], deadline) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing = error,
            said => {
                let policy = of_iptables(&said?);
                return policy.ok_or_else(|| io::Error::other(format!("`{program}` does not print its rules")));
            }
        }
    }
    Err(missing)
}

/// Finds the policy among nft's chains: one that drops is enough.
pub(super) fn of_nft(said: &str, family: Family) -> Option<Policy> {
    let ruleset: Value = serde_json::from_str(said).ok()?;
    let own = match family {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ip6",
    };
    let drops = |chain: &Value| {
        let is_of = |name: &str| chain["family"] == name;
        chain["hook"] == "forward" && chain["policy"] == "drop" && (is_of(own) || is_of("inet") || is_of("bridge"))
    };
    let dropping = ruleset["nftables"].as_array()?.iter().any(|object| drops(&object["chain"]));
    Some(if dropping { Policy::Drop } else { Policy::Accept })
}

/// Finds the policy in the line `-P FORWARD DROP`.
pub(super) fn of_iptables(said: &str) -> Option<Policy> {
    said.lines().find_map(|line| match line.strip_prefix("-P FORWARD ")?.split(' ').next()? {
        "ACCEPT" => Some(Policy::Accept),
        // Or a policy that is of somebody's own making.
        _ => Some(Policy::Drop),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruleset(chain: &str) -> String {
        format!(
            r#"{{"nftables": [{{"metainfo": {{"version": "1.0.9", "release_name": "Old Doc Yak #3", "json_schema_version": 1}}}},
            {{"table": {{"family": "ip", "name": "filter", "handle": 1}}}}, {{"chain": {chain}}}]}}"#
        )
    }

    #[test]
    fn policy_of_docker_is_found_in_what_nft_prints() {
        let docker = ruleset(
            r#"{"family": "ip", "table": "filter", "name": "FORWARD", "handle": 2, "type": "filter", "hook": "forward",
                "prio": 0, "policy": "drop"}"#,
        );
        assert_eq!(of_nft(&docker, Family::Ipv4), Some(Policy::Drop));
        assert_eq!(of_nft(&docker, Family::Ipv6), Some(Policy::Accept));
        for (family, policy) in [("inet", Policy::Drop), ("bridge", Policy::Drop), ("arp", Policy::Accept)] {
            let other = docker.replace(r#""family": "ip", "table""#, &format!(r#""family": "{family}", "table""#));
            assert_eq!(of_nft(&other, Family::Ipv6), Some(policy), "{family}");
        }
    }

    #[test]
    fn other_chains_of_nft_do_not_matter() {
        for chain in [
            r#"{"family": "ip", "name": "INPUT", "type": "filter", "hook": "input", "policy": "drop"}"#,
            r#"{"family": "ip", "name": "FORWARD", "type": "filter", "hook": "forward", "policy": "accept"}"#,
            r#"{"family": "ip", "name": "DOCKER-USER", "handle": 9}"#,
        ] {
            assert_eq!(of_nft(&ruleset(chain), Family::Ipv4), Some(Policy::Accept), "{chain}");
        }
        assert_eq!(of_nft(r#"{"nftables": []}"#, Family::Ipv4), Some(Policy::Accept));
        assert_eq!(of_nft("", Family::Ipv4), None);
        assert_eq!(of_nft("[]", Family::Ipv4), None);
    }

    #[test]
    fn policy_is_found_in_what_iptables_prints() {
        let docker = "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -j ACCEPT\n";
        assert_eq!(of_iptables(docker), Some(Policy::Drop));
        assert_eq!(of_iptables("-P FORWARD ACCEPT -c 12 345\n"), Some(Policy::Accept));
        assert_eq!(of_iptables("-A FORWARD -j DROP\n"), None);
        assert_eq!(of_iptables(""), None);
    }
}

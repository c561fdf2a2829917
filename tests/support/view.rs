//! All that a netns of a lab has, as `ip -j` shows it, so that a test sees what should not be there as well.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use serde_json::Value;

use super::{Machine, Outcome};

/// A lab that stands, as the witness goes round in it.
pub(crate) struct LabView<'m> {
    machine: &'m Machine,
    lab: String,
    agent: u32,
}

impl Machine {
    /// Returns the view of a lab that stands.
    #[track_caller]
    pub(crate) fn view(&self, lab: &str) -> LabView<'_> {
        LabView { machine: self, lab: lab.to_owned(), agent: self.agent_pid(lab) }
    }
}

impl LabView<'_> {
    /// Lists the links of a netns by name, `lo` first, then its main table, one line each and nothing left out:
    ///
    /// ```text
    /// lo up 127.0.0.1/8 ::1/128
    /// ceth1 up 172.16.0.2/24 link-local
    /// default via 172.16.0.1 dev ceth1
    /// 172.16.0.0/24 dev ceth1 proto kernel scope link src 172.16.0.2
    /// ```
    ///
    /// A link has `mtu N` if it is not the usual one, and `master BRIDGE`. `link-local` is the address made from its MAC
    /// address, with its route. Routes are in the words of `ip route`, without what comes and goes with a carrier.
    #[track_caller]
    pub(crate) fn netns(&self, netns: &str) -> Vec<String> {
        let (links, mut routes) = self.read(netns);
        let mut lines: Vec<String> = links.iter().map(|link| link_line(link, &mut routes)).collect();
        lines.sort_by_key(|line| (!line.starts_with("lo "), line.clone()));
        routes.sort_by_key(|route| (route.contains(':'), !route.starts_with("default "), route.clone()));
        lines.extend(routes);
        lines
    }

    /// Returns what `ip -j -d address` has of one link.
    #[track_caller]
    pub(crate) fn link(&self, netns: &str, name: &str) -> Value {
        let (links, _) = self.read(netns);
        let found = links.iter().find(|link| link["ifname"] == name).cloned();
        found.unwrap_or_else(|| panic!("netns `{netns}` has no link `{name}`: {links:?}"))
    }

    /// Returns the links of a netns by index, as `ip -j -d address` has them, and its main table in words.
    #[track_caller]
    pub(crate) fn read(&self, netns: &str) -> (Vec<Value>, Vec<String>) {
        let script = "ip -j -d address; echo --; ip -j -4 route; echo --; ip -j -6 route";
        let enter = format!("--net={}", self.path(netns));
        let read = self.machine.root_command("nsenter").args(&[&enter, "--", "sh", "-ec", script]).run();
        let lists: Vec<Vec<Value>> = read.success().stdout().split("--\n").map(|list| items(list, &read)).collect();
        let [links, ipv4, ipv6] = &lists[..] else { panic!("`ip -j` printed something else: {read}") };
        (links.clone(), ipv4.iter().chain(ipv6).map(route_line).collect())
    }

    /// Removes the lab.
    #[track_caller]
    pub(crate) fn down(self) {
        self.machine.orchestrator(&["down", &self.lab]).success();
    }

    /// Counts the namespaces that the lab's agent holds, the host with them.
    #[track_caller]
    pub(crate) fn netns_count(&self) -> usize {
        let script = "find /proc/$0/ns/net /proc/$0/fd -lname 'net:*' -printf '%l\\n' | sort -u";
        let held = self.machine.root_command("sh").args(&["-c", script, &self.agent.to_string()]).run();
        held.success().stdout().lines().count()
    }

    /// Lists the global addresses of all namespaces of the lab, each behind the name of its link.
    #[track_caller]
    pub(crate) fn global_addresses(&self) -> BTreeSet<String> {
        let script = "find /proc/$0/fd -lname 'net:*' -printf '%l %p\\n' | sort -u -k 1,1 |
            while read -r _ netns; do nsenter --net=$netns ip -j address; done";
        let read = self.machine.root_command("sh").args(&["-euc", script, &self.agent.to_string()]).run();
        let lists = read.success().stdout().lines().flat_map(|list| items(list, &read));
        let mut addresses = BTreeSet::new();
        for link in lists {
            let held = link["addr_info"].as_array().into_iter().flatten();
            for address in held.filter(|address| address["scope"] == "global") {
                addresses.insert(format!("{} {}", text(&link, "ifname"), address_words(address)));
            }
        }
        addresses
    }

    /// Returns the path of a netns for the machine's root.
    #[track_caller]
    fn path(&self, netns: &str) -> String {
        if netns == "host" {
            return format!("/proc/{}/ns/net", self.agent);
        }
        let asked = self.machine.orchestrator(&["exec", &self.lab, netns, "--", "readlink", "/proc/self/ns/net"]);
        self.machine.descriptor(self.agent, asked.success().stdout().trim())
    }
}

/// Parses a list of `ip -j`, which prints nothing for nothing.
#[track_caller]
fn items(list: &str, read: &Outcome) -> Vec<Value> {
    if list.trim().is_empty() {
        return Vec::new();
    }
    serde_json::from_str(list).unwrap_or_else(|error| panic!("`ip -j` printed no list ({error}): {read}"))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Words a link, and takes the route of its link-local address out of the others.
fn link_line(link: &Value, routes: &mut Vec<String>) -> String {
    let name = text(link, "ifname");
    let up = link["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "UP"));
    let mut line = format!("{name} {}", if up { "up" } else { "down" });
    let usual = if text(link, "link_type") == "loopback" { 65_536 } else { 1500 };
    if link["mtu"] != usual {
        line += &format!(" mtu {}", link["mtu"]);
    }
    if link["master"].is_string() {
        line += &format!(" master {}", text(link, "master"));
    }
    let own = format!("{}/64", link_local(text(link, "address")));
    let addresses = link["addr_info"].as_array().cloned().unwrap_or_default();
    let (ipv4, ipv6): (Vec<&Value>, Vec<&Value>) = addresses.iter().partition(|address| address["family"] == "inet");
    // The kernel's order of IPv4 addresses decides which one it sends from; that of IPv6 addresses means nothing.
    let mut words: Vec<String> = ipv6.into_iter().map(address_words).collect();
    words.sort();
    if let Some(at) = words.iter().position(|words| *words == own)
        && let Some(route) =
            routes.iter().position(|route| *route == format!("fe80::/64 dev {name} proto kernel metric 256"))
    {
        routes.remove(route);
        words.remove(at);
        words.push("link-local".to_owned());
    }
    for words in ipv4.into_iter().map(address_words).chain(words) {
        line += " ";
        line += &words;
    }
    line
}

/// Words an address, with what is unusual of it in brackets.
fn address_words(address: &Value) -> String {
    let mut words = format!("{}/{}", text(address, "local"), address["prefixlen"]);
    for flag in ["secondary", "tentative", "dadfailed", "deprecated", "dynamic"] {
        if address[flag] == true {
            words += &format!("({flag})");
        }
    }
    words
}

/// Words a route as `ip route` does.
fn route_line(route: &Value) -> String {
    let mut line = text(route, "dst").to_owned();
    let named = [("gateway", "via"), ("dev", "dev"), ("protocol", "proto"), ("scope", "scope"), ("prefsrc", "src")];
    for (key, word) in named {
        if route[key].is_string() {
            line += &format!(" {word} {}", text(route, key));
        }
    }
    if route["metric"].is_u64() {
        line += &format!(" metric {}", route["metric"]);
    }
    line
}

/// Returns the link-local address made from a MAC address (RFC 4291, appendix A).
pub(crate) fn link_local(mac: &str) -> Ipv6Addr {
    let octets: Vec<u16> = mac.split(':').map(|byte| u16::from_str_radix(byte, 16).unwrap_or_default()).collect();
    let [a, b, c, d, e, f] = octets[..] else { panic!("`{mac}` is no MAC address") };
    Ipv6Addr::new(0xfe80, 0, 0, 0, (a ^ 2) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f)
}

//! A portrait of a machine: all of it that a lab in its own network could touch, for a comparison before and after.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Machine, empty, poll_until};

/// What is asked of the machine. Each question is answered by one JSON value a line, if by any.
const QUESTIONS: [(&str, &str); 12] = [
    ("link", "ip -j -d link"),
    ("address", "ip -j -d address"),
    ("route", "ip -j -d -4 route show table all"),
    ("route", "ip -j -d -6 route show table all"),
    ("rule", "ip -j -d -4 rule"),
    ("rule", "ip -j -d -6 rule"),
    ("neighbour", "ip -j -d neighbour show nud all"),
    ("proxy neighbour", "ip -j -d -4 neighbour show proxy"),
    ("proxy neighbour", "ip -j -d -6 neighbour show proxy"),
    ("netns", "ip -j netns list"),
    ("netns id", "ip -j netns list-id"),
    // Without counters.
    ("nft", "if command -v nft >/dev/null; then nft -j -s list ruleset; fi"),
];

/// The files, and directories of files, that are looked at. /etc is the real machine's and may change meanwhile, so of it there is
/// what could be changed for a network.
const FILES: [&str; 11] = [
    "/run",
    "/tmp",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/sysctl.conf",
    "/etc/netns",
    "/etc/iproute2",
    "/etc/network",
    "/etc/sysctl.d",
    "/etc/systemd/network",
    "/etc/NetworkManager",
];

/// What of a link changes by itself: the timers of bridges and their ports.
const VOLATILE_FIELDS: [&str; 7] = [
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "message_age_timer",
    "forward_delay_timer",
    "hold_timer",
];

/// States of a neighbour that the kernel changes one into the other as time goes by.
const KNOWN_STATES: [&str; 4] = ["REACHABLE", "STALE", "DELAY", "PROBE"];
/// States of a neighbour that was looked for in vain; such an entry is there for seconds, and not looked at.
const VAIN_STATES: [&str; 3] = ["INCOMPLETE", "FAILED", "NONE"];

/// How long the kernel may take to free what has ended, such as the ids of namespaces.
const FREED_WITHIN: Duration = Duration::from_secs(10);

/// Settings that are counters.
const VOLATILE_SETTINGS: [&str; 1] = ["net.netfilter.nf_conntrack_count"];
/// Settings that each link has.
const SETTINGS_OF_LINKS: [&str; 4] = ["net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.", "net.ipv6.neigh."];

/// Every thing that a machine has, with its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Portrait(BTreeMap<String, Fields>);

type Fields = BTreeMap<String, String>;

impl Portrait {
    /// Draws a machine as it is now.
    #[track_caller]
    pub(crate) fn of(machine: &Machine) -> Portrait {
        let mut portrait = Portrait(BTreeMap::new());
        let script: String = QUESTIONS.iter().map(|(what, question)| format!("echo '@{what}'\n{question}\n")).collect();
        let asked = machine.root_command("sh").args(&["-euc", &script]).run();
        let mut what = "";
        for line in asked.success().stdout().lines() {
            match line.strip_prefix('@') {
                Some(next) => what = next,
                None => portrait.answer(what, line),
            }
        }
        // Its status says nothing: some settings can't be read.
        let settings = machine.root_command("sysctl").args(&["-a", "-r", "^net\\."]).run();
        for (name, value) in settings.stdout().lines().filter_map(|line| line.split_once(" = ")) {
            portrait.setting(name, value);
        }
        for line in empty::things(machine, &FILES, empty::detail) {
            portrait.insert(line, Fields::new());
        }
        portrait
    }

    /// Says what is another in `later`, a line a thing that has gone or was added and a line a field that was changed.
    pub(crate) fn differences(&self, later: &Portrait) -> Vec<String> {
        let mut lines = Vec::new();
        for (thing, fields) in &self.0 {
            let Some(now) = later.0.get(thing) else {
                lines.push(format!("gone: {thing}{}", listed(fields)));
                continue;
            };
            let names = fields.keys().chain(now.keys().filter(|name| !fields.contains_key(*name)));
            let nothing = "nothing".to_owned();
            for name in names.filter(|name| fields.get(*name) != now.get(*name)) {
                let [was, is] = [fields, now].map(|fields| fields.get(name).unwrap_or(&nothing));
                lines.push(format!("changed: {thing}: {name}: {was} -> {is}"));
            }
        }
        let added = later.0.iter().filter(|(thing, _)| !self.0.contains_key(*thing));
        lines.extend(added.map(|(thing, fields)| format!("added: {thing}{}", listed(fields))));
        lines
    }

    /// Finds the machine as it was, as soon as the kernel has freed what has ended.
    #[track_caller]
    pub(crate) fn assert_is_again(&self, machine: &Machine) {
        let mut differences = Vec::new();
        let found = poll_until(Instant::now() + FREED_WITHIN, || {
            differences = self.differences(&Portrait::of(machine));
            differences.is_empty().then_some(())
        });
        assert!(found.is_some(), "the machine is not as it was: {differences:#?}");
    }

    fn insert(&mut self, thing: String, fields: Fields) {
        // Two of a kind: routes to one destination, say, that differ in nothing that is shown.
        let mut name = thing.clone();
        let mut count = 1;
        while self.0.contains_key(&name) {
            count += 1;
            name = format!("{thing} ({count})");
        }
        self.0.insert(name, fields);
    }

    #[track_caller]
    fn answer(&mut self, what: &str, line: &str) {
        let answer: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON about each {what} ({error}): {line}"));
        // A ruleset is wrapped.
        let items = answer.get("nftables").unwrap_or(&answer);
        // `ip` prints an empty object for what a filter leaves out.
        let items =
            items.as_array().into_iter().flatten().filter(|item| item.as_object().is_none_or(|o| !o.is_empty()));
        for item in items {
            match what {
                "link" => self.link(item),
                "address" => self.addresses(item),
                "neighbour" => self.neighbour(item),
                _ => self.insert(format!("{what}{}", listed(&fields(item))), Fields::new()),
            }
        }
    }

    fn link(&mut self, link: &Value) {
        let mut fields = fields(link);
        fields.retain(|name, _| !VOLATILE_FIELDS.iter().any(|volatile| name.ends_with(volatile)));
        self.insert(link_name(text(link, "ifname")), fields);
    }

    fn addresses(&mut self, link: &Value) {
        for address in link["addr_info"].as_array().into_iter().flatten() {
            let cidr = format!("{}/{}", text(address, "local"), address["prefixlen"]);
            self.insert(format!("address {cidr} of {}", link_name(text(link, "ifname"))), fields(address));
        }
    }

    /// Takes a neighbour unless it comes and goes by itself: those that were looked for in vain, and the kernel's own entries
    /// for multicast addresses and on `lo`.
    fn neighbour(&mut self, neighbour: &Value) {
        let states: Vec<&str> = neighbour["state"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let of_the_kernel = states == ["NOARP"]
            && (text(neighbour, "dev") == "lo"
                || text(neighbour, "dst").parse().is_ok_and(|address: std::net::IpAddr| address.is_multicast()));
        if of_the_kernel || states.iter().all(|state| VAIN_STATES.contains(state)) {
            return;
        }
        let mut fields = fields(neighbour);
        if states.iter().all(|state| KNOWN_STATES.contains(state)) {
            fields.insert("state".to_owned(), "known".to_owned());
        }
        self.insert(format!("neighbour {} on {}", text(neighbour, "dst"), link_name(text(neighbour, "dev"))), fields);
    }

    /// Takes a setting; one of a link belongs to that and comes and goes with it.
    fn setting(&mut self, name: &str, value: &str) {
        if VOLATILE_SETTINGS.contains(&name) {
            return;
        }
        let of_link = SETTINGS_OF_LINKS.iter().find_map(|prefix| {
            let (link, _) = name.strip_prefix(prefix)?.rsplit_once('.')?;
            // It has slashes for the dots of a name.
            let link = link_name(&link.replace('/', "."));
            self.0.contains_key(&link).then_some(link)
        });
        match of_link {
            Some(link) => _ = self.0.entry(link).or_default().insert(name.to_owned(), value.to_owned()),
            None => self.insert(format!("setting {name}"), Fields::from([("value".to_owned(), value.to_owned())])),
        }
    }
}

fn link_name(name: &str) -> String {
    format!("link `{name}`")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Puts the fields of a JSON object, and of those in it, beside one another.
fn fields(value: &Value) -> Fields {
    let mut all = Fields::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        if value.is_object() {
            all.extend(fields(value).into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
        } else {
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            all.insert(name.clone(), plain);
        }
    }
    all
}

/// Lists fields behind the name of what has them; of many the first, which say enough.
fn listed(fields: &Fields) -> String {
    fields.iter().take(16).map(|(name, value)| format!(" {name}={value}")).collect()
}

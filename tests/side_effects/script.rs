//! Commands of `ip` as one shell script for a kernel, with what the model makes of each.

use std::collections::BTreeMap;
use std::fmt::Write;

use orchestrator::topology::{Kind as LinkKind, Limits, LinkId, Refusal, Topology};
use serde_json::Value;

use super::errno::errno_of;
use super::picture::{self, Netns, Network};
use super::play::play;
use crate::support::Machine;

/// What the script begins with.
///
/// A new netns has IPv4 settings of the machine and not the kernel's own, and DAD would take its second. A netns that is
/// removed is cleaned up by a worker of the kernel, and a carrier comes and brings a link-local address in another.
const BEGIN: &str = r#"
netns() {
    echo "$2" | nsenter --net=/run/netns/$1 tee /proc/sys/net/ipv6/conf/default/addr_gen_mode >/dev/null
    echo 0 | nsenter --net=/run/netns/$1 tee /proc/sys/net/ipv6/conf/default/accept_dad \
        /proc/sys/net/ipv4/conf/lo/promote_secondaries /proc/sys/net/ipv4/conf/default/promote_secondaries \
        /proc/sys/net/ipv4/conf/all/promote_secondaries >/dev/null
    forward "$1" 0
}
until_() {
    tries=0
    until "$@" || [ $((tries += 1)) -gt 500 ]; do sleep 0.01; done
}
is_gone() { ! ip -n "$1" link show dev "$2" >/dev/null 2>&1; }
has_link_local() { ip -n "$1" -o -6 address show dev "$2" scope link | grep -q .; }
forward() {
    echo "$2" | nsenter --net=/run/netns/$1 tee /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding >/dev/null
}
do_() { if "$@" 2>&1; then echo @done; else echo @refused; fi; }
look() {
    for netns in "$@"; do
        echo "@netns $netns"
        printf 'address\nroute show table all\nnetconf\n' | ip -n "$netns" -j -d -batch -
    done
}
"#;

/// Who gives links their link-local addresses on the side of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Commands do, as in a lab.
    Off,
    /// The kernel does.
    Own,
}

/// After which commands the kernel is looked at. A command takes a process, and a look many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    Always,
    AtTheEnd,
}

/// Why the model refused a command.
struct Refused {
    errno: String,
    words: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        let errno = refusal.errno.as_ref().map(ToString::to_string).unwrap_or_default();
        Refused { errno, words: refusal.to_string() }
    }
}

/// What the model has after a command.
struct Moment {
    command: String,
    refusal: Option<Refused>,
    /// Before link-local addresses were added and removed by command; none if nothing was to do.
    unsettled: Option<Network>,
    network: Network,
    /// The links that carry.
    carry: Vec<(String, String)>,
}

/// Commands that the model has done and a kernel has still to do.
pub(crate) struct Script {
    generation: Generation,
    model: Topology,
    /// The model of a kernel without address generation.
    bare: Topology,
    text: String,
    moments: Vec<Moment>,
    looks: Looks,
}

impl Script {
    /// Begins with a netns `host`.
    pub(crate) fn new(generation: Generation) -> Script {
        Script::looking(generation, Looks::Always)
    }

    /// Begins likewise, and looks at the kernel when it is said.
    pub(crate) fn looking(generation: Generation, looks: Looks) -> Script {
        let model = Topology::new(Limits::default());
        let bare = model.rehearsal();
        let mut script = Script { generation, model, bare, text: BEGIN.to_owned(), moments: Vec::new(), looks };
        script.line("ip netns add host");
        script.furnish("host");
        script
    }

    /// Returns how many commands were added.
    pub(crate) fn moments(&self) -> usize {
        self.moments.len()
    }

    /// Returns the model as it is after what was added.
    pub(crate) fn model(&self) -> &Topology {
        &self.model
    }

    /// Adds a command, which both sides may refuse.
    #[track_caller]
    pub(crate) fn add(&mut self, command: &str) {
        let before = self.links();
        let refusal = play(&mut self.model, command).err().map(Refused::from);
        if self.generation == Generation::Off {
            let bare = play(&mut self.bare, command).err().map(|refusal| refusal.to_string());
            let words = refusal.as_ref().map(|refusal| refusal.words.clone());
            assert_eq!(bare, words, "`{command}` with address generation and without");
        }

        self.line(&format!("do_ {}", with_queues(command)));
        if let (["ip", "netns", "add", name], None) = (&words(command)[..], &refusal) {
            self.furnish(name);
        }
        self.follow(command, &before);
        let unsettled = self.settle();
        if self.looks == Looks::Always {
            self.look();
        }
        let network = picture::of_model(&self.model);
        let carry = self.model.list_links().filter(|(id, _)| self.carries(*id)).map(|(id, _)| self.place(id)).collect();
        self.moments.push(Moment { command: command.to_owned(), refusal, unsettled, network, carry });
    }

    /// Looks at all that the kernel has.
    fn look(&mut self) {
        self.line(&format!("look {}", names(&self.model)));
    }

    /// Has a new netns as the model knows it.
    fn furnish(&mut self, name: &str) {
        let mode = if self.generation == Generation::Off { 1 } else { 0 };
        self.line(&format!("netns {name} {mode}"));
    }

    /// Adds what makes the kernel's links those of the model: MAC addresses, and that what goes has gone.
    fn follow(&mut self, command: &str, before: &BTreeMap<LinkId, (String, String, String)>) {
        let after = self.links();
        for (id, (netns, link, mac)) in &after {
            if before.get(id).is_none_or(|(.., old)| old != mac) && link != "lo" {
                self.line(&format!("ip -n {netns} link set dev {link} address {mac}"));
            }
        }
        if command.starts_with("ip netns del ") {
            for (netns, link, _) in before.iter().filter(|(id, _)| !after.contains_key(id)).map(|(_, link)| link) {
                if names(&self.model).split(' ').any(|name| name == netns) {
                    self.line(&format!("until_ is_gone {netns} {link}"));
                }
            }
        }
        if self.generation == Generation::Own {
            let ready = self.model.list_links().filter(|(id, _)| self.is_ready(*id));
            let ready: Vec<(String, String)> = ready.map(|(id, _)| self.place(id)).collect();
            for (netns, link) in ready {
                self.line(&format!("until_ has_link_local {netns} {link}"));
            }
        }
    }

    /// Adds and removes link-local addresses as the agent would, and returns what there was before.
    fn settle(&mut self) -> Option<Network> {
        if self.generation == Generation::Own {
            return None;
        }
        let (bare, wanted) = (picture::of_model(&self.bare), picture::of_model(&self.model));
        let mut commands = Vec::new();
        for (netns, link, shown) in
            wanted.iter().flat_map(|(netns, shown)| shown.links.iter().map(move |(l, s)| (netns, l, s)))
        {
            let there = &bare[netns].links[link];
            for address in shown.addresses.keys().filter(|address| !there.addresses.contains_key(address)) {
                commands.push(format!("ip -n {netns} address add {address} dev {link}"));
            }
            for address in there.addresses.keys().filter(|address| !shown.addresses.contains_key(address)) {
                commands.push(format!("ip -n {netns} address del {address} dev {link}"));
            }
        }
        if commands.is_empty() {
            return None;
        }
        let looks = self.looks == Looks::Always;
        if looks {
            self.line(&format!("look {}", names(&self.bare)));
            self.line("echo @settle");
        }
        for command in &commands {
            play(&mut self.bare, command).unwrap_or_else(|refusal| panic!("`{command}`: {refusal}"));
            self.line(command);
        }
        looks.then_some(bare)
    }

    fn links(&self) -> BTreeMap<LinkId, (String, String, String)> {
        let links = self.model.list_links().map(|(id, link)| {
            let (netns, name) = self.place(id);
            (id, (netns, name, link.mac.to_string()))
        });
        links.collect()
    }

    fn place(&self, id: LinkId) -> (String, String) {
        let place = self.model.place_of(id);
        (place.netns.to_string(), place.link.to_string())
    }

    /// Tells whether a kernel gives the link a link-local address.
    fn is_ready(&self, id: LinkId) -> bool {
        let link = self.model.standing(id).expect("the link stands");
        link.kind != LinkKind::Loopback && link.controller.is_none() && link.has_ipv6() && self.carries(id)
    }

    fn carries(&self, id: LinkId) -> bool {
        let is_up = |id: &LinkId| self.model.standing(*id).is_some_and(|link| link.up);
        is_up(&id)
            && match self.model.kind_of(id) {
                LinkKind::Loopback => true,
                LinkKind::Veth { peer } => is_up(peer),
                LinkKind::Bridge { ports } => ports.iter().any(|port| self.carries(*port)),
            }
    }

    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("a string takes it all");
    }

    /// Runs it all on a kernel, whose namespaces are removed again.
    #[track_caller]
    pub(crate) fn play(mut self, m: &Machine) -> Played {
        if self.looks == Looks::AtTheEnd {
            self.look();
        }
        self.line("ip -all netns delete");
        let text = std::mem::take(&mut self.text);
        let outcome = m.root_command("sh").stdin(text).run();
        outcome.success();
        let parts: Vec<Seen> = seen(outcome.stdout());
        assert_eq!(parts.len(), self.moments.len(), "one answer a command: {outcome}");
        Played { script: self, seen: parts }
    }
}

/// Says how many queues a veth has where a command does not: otherwise it is one for each processor, and of the model one.
fn with_queues(command: &str) -> String {
    let mut words = words(command);
    if words.contains(&"veth") && !words.contains(&"numtxqueues") {
        let names: Vec<usize> = (0..words.len()).filter(|at| words[*at] == "name").collect();
        for at in names.into_iter().rev() {
            words.splice(at + 2..at + 2, ["numtxqueues", "1", "numrxqueues", "1"]);
        }
    }
    words.join(" ")
}

fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().collect()
}

fn names(network: &Topology) -> String {
    network.list_netns().map(|(_, netns)| netns.name.to_string()).collect::<Vec<_>>().join(" ")
}

/// What a kernel has after a command.
#[derive(Default)]
struct Seen {
    said: String,
    refused: bool,
    unsettled: Option<Network>,
    network: Network,
}

/// Reads what the script prints: for each command what `ip` said, whether it was done, and each netns.
fn seen(printed: &str) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut said = Vec::new();
    let mut netns = String::new();
    let mut lists: Vec<Vec<Value>> = Vec::new();
    for line in printed.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            (end @ ("@done" | "@refused"), _) => {
                all.push(Seen { said: said.join("; "), refused: end == "@refused", ..Seen::default() });
                said.clear();
            }
            ("@netns", name) => name.clone_into(&mut netns),
            ("@settle", _) => {
                let last: &mut Seen = all.last_mut().expect("a command comes first");
                last.unsettled = Some(std::mem::take(&mut last.network));
            }
            _ if line.starts_with('[') => {
                lists.push(serde_json::from_str(line).unwrap_or_else(|error| panic!("`ip -j` said {line}: {error}")));
                if let [links, routes, settings] = &lists[..] {
                    let last: &mut Seen = all.last_mut().expect("a command comes first");
                    last.network.insert(netns.clone(), picture::of_kernel(links, routes, settings));
                    lists.clear();
                }
            }
            _ => said.push(line),
        }
    }
    all
}

/// A script that was played, on both sides.
pub(crate) struct Played {
    script: Script,
    seen: Vec<Seen>,
}

impl Played {
    /// Returns a command by its number.
    pub(crate) fn command(&self, at: usize) -> &str {
        &self.script.moments[at].command
    }

    /// Words a netns as the kernel had it after a command, link-local addresses as the model has them.
    #[track_caller]
    pub(crate) fn netns(&self, at: usize, name: &str) -> Vec<String> {
        let network = match self.script.generation {
            Generation::Off => &self.seen[at].network,
            Generation::Own => &self.script.moments[at].network,
        };
        picture::words(network.get(name).unwrap_or(&Netns::default()))
    }

    /// Says after which command first, and in what, the kernel and the model differ.
    pub(crate) fn compare(&self) -> Result<(), String> {
        for (at, (moment, seen)) in self.script.moments.iter().zip(&self.seen).enumerate() {
            if let Some(difference) = self.difference(moment, seen) {
                let commands: Vec<&str> = self.script.moments[..=at].iter().map(|m| m.command.as_str()).collect();
                let generation = self.script.generation;
                return Err(format!("address generation {generation:?}: {difference}\nafter\n{}", commands.join("\n")));
            }
        }
        Ok(())
    }

    fn difference(&self, moment: &Moment, seen: &Seen) -> Option<String> {
        let model = moment.refusal.as_ref();
        let errno = errno_of(&moment.command, &seen.said).filter(|_| seen.refused);
        if seen.refused != model.is_some()
            || errno.zip(model).is_some_and(|(errno, model)| !errno.contains(&&*model.errno))
        {
            let model = model.map_or("done", |refusal| &refusal.words);
            let kernel = if seen.refused { &seen.said } else { "done" };
            return Some(format!("the kernel: {kernel}\nthe model: {model}"));
        }
        if seen.network.is_empty() {
            return None;
        }
        let unsettled = (&seen.unsettled, &moment.unsettled);
        if let (Some(kernel), Some(model)) = unsettled
            && kernel != model
        {
            return Some(format!("before link-local addresses are settled\n{}", unlike(kernel, model)));
        }
        let (mut kernel, mut model) = (seen.network.clone(), moment.network.clone());
        if self.script.generation == Generation::Own {
            let carries = |netns: &str, link: &str| moment.carry.iter().any(|(n, l)| (&**n, &**l) == (netns, link));
            picture::alike(&mut kernel, &mut model, carries);
        }
        (kernel != model).then(|| unlike(&kernel, &model))
    }
}

/// Says what of two networks differs.
fn unlike(kernel: &Network, model: &Network) -> String {
    let none = Netns::default();
    let mut text = String::new();
    for name in kernel.keys().chain(model.keys().filter(|name| !kernel.contains_key(*name))) {
        let sides = [kernel, model].map(|network| network.get(name).unwrap_or(&none));
        if sides[0] != sides[1] {
            for (side, netns) in ["kernel", "model"].into_iter().zip(sides) {
                write!(text, "\nnetns `{name}` of the {side}").expect("a string takes it all");
                for line in picture::words(netns) {
                    write!(text, "\n  {line}").expect("a string takes it all");
                }
            }
            write!(text, "\n{:?}\n{:?}", sides[0], sides[1]).expect("a string takes it all");
        }
    }
    text
}

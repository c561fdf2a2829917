//! A machine for labs that are killed, and all that must be there again afterwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use crate::support::{GUEST_CALLS, Kind, Machine, Portrait, Snapshot, on_faulty_machine, poll_until};

/// The one lab.
pub(crate) const LAB: &str = "lab";

/// How long the kernel may take to free what has ended.
const SOON: Duration = Duration::from_secs(10);

/// Where `ip netns` looks for names.
const NAMES: &str = "/run/netns";

/// What leads nowhere from a name there of somebody else's, dead as it is.
const FOREIGN_TARGET: &str = "/proc/4194304/fd/7";

/// What labs are on: the three ways in which they touch a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A network of its own, built by root.
    Root,
    /// A network of its own, built by a user.
    User,
    /// The machine's own.
    OnHost,
}

/// A machine on which labs are killed.
pub(crate) struct Stage<'m> {
    pub(crate) machine: &'m Machine,
    mode: Mode,
    containers: usize,
    before: Snapshot,
    /// /run/netns was there.
    has_names: bool,
}

/// Runs `test` on a machine whose labs have so many containers.
#[track_caller]
pub(crate) fn on_stage(mode: Mode, containers: usize, test: impl FnOnce(&Stage<'_>)) {
    let kind = if mode == Mode::User { Kind::User } else { Kind::Root };
    on_faulty_machine(kind, |machine| {
        let portrait = (mode == Mode::OnHost).then(|| {
            machine.inhabit();
            Portrait::of(machine)
        });
        let has_names = machine.outside(NAMES).exists();
        test(&Stage { machine, mode, containers, before: machine.look(), has_names });
        // Whatever is changed stays so: it is enough to compare all of it once.
        if let Some(portrait) = portrait {
            portrait.assert_is_again(machine);
            machine.vacate();
        }
    });
}

impl Stage<'_> {
    /// Words a `run` of the lab.
    pub(crate) fn run(&self, options: &[&str]) -> Vec<String> {
        let Self { containers, .. } = self;
        let (module, more, arguments) = match self.mode {
            // What it has of addresses is in use on a machine that is inhabited.
            Mode::OnHost => (GUEST_CALLS, &["--on-host"][..], star(*containers)),
            Mode::Root | Mode::User => ("n-containers", &[][..], vec![containers.to_string()]),
        };
        let words = [&["run", module, "--name", LAB], options, more, &["--"]].concat();
        words.into_iter().map(str::to_owned).chain(arguments).collect()
    }

    /// Lets the lab stand, without a halt.
    #[track_caller]
    pub(crate) fn stand(&self) {
        let words = self.run(&[]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.machine.orchestrator(&words).success();
    }

    /// Puts things of somebody else's where the lab has, or would have had, its own.
    pub(crate) fn put_foreign(&self) -> Foreign<'_> {
        let mut foreign = Foreign { stage: self, name: None, link: None };
        let (name, link) = match self.mode {
            Mode::User => return foreign,
            Mode::Root => (format!("{NAMES}/{LAB}.c2"), None),
            Mode::OnHost => (format!("{NAMES}/c2"), Some("veth2")),
        };
        let outside = self.machine.outside(&name);
        let _ = fs::create_dir(self.machine.outside(NAMES));
        if symlink(FOREIGN_TARGET, outside).is_ok() {
            foreign.name = Some(name);
        }
        // It may be the lab's still.
        foreign.link = link.filter(|link| {
            let add = ["link", "add", "dev", link, "type", "bridge"];
            self.machine.root_command("ip").args(&add).run().code() == 0
        });
        foreign
    }

    /// Finds that nothing is left of any lab, and all else as it was.
    #[track_caller]
    pub(crate) fn is_as_before(&self) {
        let directory = self.machine.labs_directory();
        // A lab that was asked to make room may be ending still.
        poll_until(Instant::now() + SOON, || {
            self.machine.entries(&directory).iter().all(|name| name == ".lock").then_some(())
        })
        .unwrap_or_else(|| panic!("left of labs: {:?}", self.machine.entries(&directory)));
        self.machine.is_again_within(&self.before, SOON);
        // It may stay where others need it, and is in no list; here nobody else does.
        assert_eq!(self.machine.outside(NAMES).exists(), self.has_names, "of {NAMES}");
    }
}

/// What somebody else has put there.
pub(crate) struct Foreign<'s> {
    stage: &'s Stage<'s>,
    name: Option<String>,
    link: Option<&'static str>,
}

impl Foreign<'_> {
    /// Finds it as it was put, and takes it away.
    #[track_caller]
    pub(crate) fn take(self) {
        let machine = self.stage.machine;
        if let Some(name) = self.name {
            let outside = machine.outside(&name);
            let target = fs::read_link(&outside).expect("the name of somebody else's is there");
            assert_eq!(target.to_str(), Some(FOREIGN_TARGET));
            fs::remove_file(outside).expect("it is there");
        }
        if let Some(link) = self.link {
            machine.root_command("ip").args(&["link", "del", "dev", link]).run().success();
        }
        if !self.stage.has_names {
            let _ = fs::remove_dir(machine.outside(NAMES));
        }
    }
}

/// Draws so many containers, in words of the scenario that plays calls.
fn star(containers: usize) -> Vec<String> {
    let each = ["netns.add,c{}", "veth.add,host,veth{},c{},ceth{}", "bridge.add-port,host,br0,veth{}"]
        .into_iter()
        .chain(["link.set-up,host,veth{}", "link.set-up,c{},ceth{}", "address.add,c{},ceth{},172.20.1.{}/16"])
        .chain(["route.add,c{},default,172.20.0.1"]);
    let bridge = ["!bridge.add,host,br0", "!address.add,host,br0,172.20.0.1/16"].map(str::to_owned);
    let each = each.map(|call| format!("!repeat,{containers},!{call}"));
    bridge.into_iter().chain(each).chain(["!link.set-up,host,br0".to_owned()]).collect()
}

//! What the agent does to the machine outside of its namespaces: the lab's directory, the names in `/run/netns`, and what a lab on
//! the machine's own host has there.
//!
//! All of it is done under one mutex. The end of the agent takes that mutex and keeps it until the process is gone, so nothing
//! can be made after it was undone.

use std::collections::HashSet;
use std::fs::TryLockError;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{self, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::log::log;
use super::machine::{read_machine, undo, undo_own};
use super::netns::{enter, on_a_visit};
use crate::fault;
use crate::plan::{Conflict, Mark, Step};
use crate::protocol::journal::{self, Entry, Journal};
use crate::protocol::{Answer, Channel, ChannelError, Dialled, Request, Undone, dial, greet, traces};
use crate::topology::NetnsName;

/// How long the end waits for an act that another thread has begun.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same where the lab has something on the machine, which would be left: the kernel may take 20 ms for each request of a batch.
const PATIENCE_ON_MACHINE: Duration = Duration::from_secs(20);
/// How long a lab that is being replaced may take to end.
const END_OF_ANOTHER: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);

/// The agent's hand on the machine.
pub(super) struct Outside {
    state: Mutex<State>,
    ending: AtomicBool,
    /// The lab's directory, whatever its name is now.
    lock: OwnedFd,
    outer_pid: i32,
    lab: String,
    /// The machine's own namespace, if the lab has anything there.
    machine: Option<OwnedFd>,
    /// The alias of the lab's links there.
    mark: String,
}

struct State {
    directory: PathBuf,
    /// The lab to end, whose directory to move to, with the first act.
    replaces: Option<Replaced>,
    /// Held from the comparison with the machine until what was compared stands: another lab might meet it otherwise.
    turn: Option<File>,
    /// The names that were made, with what they lead to.
    names: Vec<(PathBuf, PathBuf)>,
}

/// A lab that is to be replaced.
pub(super) struct Replaced {
    pub(super) directory: PathBuf,
    /// The machine's own namespace, where it may have something.
    pub(super) machine: OwnedFd,
}

impl Outside {
    pub(super) fn new(
        lab: String,
        directory: PathBuf,
        replaces: Option<Replaced>,
        lock: OwnedFd,
        outer_pid: i32,
        machine: Option<OwnedFd>,
        mark: String,
    ) -> Self {
        let state = State { directory, replaces, turn: None, names: Vec::new() };
        Self { state: Mutex::new(state), ending: AtomicBool::new(false), lock, outer_pid, lab, machine, mark }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether the lab's directory is still the lab's, and still has its socket.
    pub(super) fn is_reachable(&self) -> bool {
        let directory = self.state().directory.clone();
        traces::is_same(&directory, &self.lock) && directory.join("socket").exists()
    }

    /// Tells whether a lab that this one replaces is still to be ended.
    pub(super) fn is_to_replace(&self) -> bool {
        self.state().replaces.is_some()
    }

    /// Ends the lab that this one replaces, if that is still to be done, and takes its directory.
    pub(super) fn take_over(&self) -> Result<(), String> {
        let Some(replaced) = self.state().replaces.take() else { return Ok(()) };
        // Waited for without the mutex: this may take a while, and the end must not wait for it.
        end_lab(&replaced, &self.lab)?;
        fault::point("replaced lab ended");
        let target = replaced.directory;
        let mut state = self.state();
        fs::rename(&state.directory, &target).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => "another lab has taken the name of the one to be replaced".to_owned(),
            _ => format!("could not take the name of the lab that was replaced: {error}"),
        })?;
        state.directory = target;
        fault::point("directory taken over");
        Ok(())
    }

    /// Acts on the machine's own namespace. Once the lab is ending this waits for that end.
    pub(super) fn act<T>(&self, act: impl FnOnce() -> T) -> T {
        // The end asks for the mutex again and again, and might not be the quicker.
        while self.ending.load(Ordering::SeqCst) {
            std::thread::park();
        }
        let _state = self.state();
        act()
    }

    /// Refuses steps that would meet something of the machine's, and notes what the others will make there. A lab that is to be
    /// replaced is in nobody's way.
    pub(super) fn prepare(&self, steps: &[Step], publishes: bool) -> io::Result<Result<(), Conflict>> {
        let Some(machine) = &self.machine else { return Ok(Ok(())) };
        let mut state = self.state();
        if state.turn.is_none() {
            state.turn = Some(wait_for_turn(machine)?);
            fault::point("turn taken");
        }
        let beginning = Mark::beginning(&self.lab);
        let is_own = |alias: &str| alias == self.mark || state.replaces.is_some() && alias.starts_with(&beginning);
        let mut read = on_a_visit(|| {
            enter(machine)?;
            read_machine()
        })?
        .without(is_own);
        read.netns.retain(|name| publishes && !self.is_named_by_the_replaced(&state, name));
        if let Some(conflict) = read.conflict(steps) {
            return Ok(Err(conflict));
        }
        journal::note(&state.directory, &steps.iter().flat_map(entries).collect::<Vec<_>>())?;
        Ok(Ok(()))
    }

    /// Says that what was compared stands, or never will.
    pub(super) fn built(&self) {
        self.state().turn = None;
    }

    /// Tells whether a name in `/run/netns` is of the lab that this one replaces.
    fn is_named_by_the_replaced(&self, state: &State, name: &str) -> bool {
        let Some(replaced) = &state.replaces else { return false };
        let Ok(Some(Journal { opening: Some(opening), .. })) = journal::read(&replaced.directory) else { return false };
        let target = format!("/proc/{}/fd", opening.agent);
        fs::read_link(traces::published_name(&self.lab, name, true)).is_ok_and(|to| to.starts_with(&target))
    }

    /// Gives `ip netns` a name for each netns: `LAB.NETNS`, or `NETNS` if the host is the machine's own. A name that somebody else
    /// has is left alone and returned.
    pub(super) fn publish(&self, netns: &[(NetnsName, i32)]) -> io::Result<Vec<String>> {
        let mut taken = Vec::new();
        let mut state = self.state();
        traces::make_names_directory(&state.directory)?;
        let named = netns.iter().filter(|(name, _)| !(self.machine.is_some() && name.is_host()));
        let wanted: Vec<(PathBuf, String)> = named
            .map(|(name, descriptor)| {
                let path = traces::published_name(&self.lab, name.as_str(), self.machine.is_some());
                (path, format!("/proc/{}/fd/{descriptor}", self.outer_pid))
            })
            .collect();
        // After an edit some are as they were, and some lead nowhere.
        let all: HashSet<(&Path, &Path)> =
            wanted.iter().map(|(path, target)| (path.as_path(), Path::new(target))).collect();
        let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut state.names)
            .into_iter()
            .partition(|(path, target)| all.contains(&(path.as_path(), target.as_path())));
        go.iter().for_each(remove_name);
        let there: HashSet<PathBuf> = stay.iter().map(|(path, _)| path.clone()).collect();
        state.names = stay;
        for (path, target) in wanted {
            if there.contains(&path) {
                continue;
            }
            let made = symlink(&target, &path).or_else(|error| match error.kind() {
                // Another lab that ended has taken the directory along.
                io::ErrorKind::NotFound => {
                    traces::make_names_directory(&state.directory).and_then(|()| symlink(&target, &path))
                }
                _ => Err(error),
            });
            match made {
                Ok(()) => {
                    state.names.push((path, PathBuf::from(target)));
                    fault::point("name made");
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    taken.push(path.display().to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Removes all that the agent made outside, then ends the process, and with it the lab.
    pub(super) fn end(&self, status: i32) -> ! {
        if self.ending.swap(true, Ordering::SeqCst) {
            // Another thread is at it.
            loop {
                std::thread::park();
            }
        }
        let patience = Instant::now() + if self.machine.is_some() { PATIENCE_ON_MACHINE } else { PATIENCE };
        let state = loop {
            match self.state.try_lock() {
                Ok(state) => break Some(state),
                Err(sync::TryLockError::Poisoned(poisoned)) => break Some(poisoned.into_inner()),
                Err(sync::TryLockError::WouldBlock) if Instant::now() < patience => sleep(POLL),
                Err(sync::TryLockError::WouldBlock) => break None,
            }
        };
        fault::point("end begun");
        if let Some(state) = &state {
            state.names.iter().for_each(remove_name);
            traces::remove_names_directory(&state.directory);
            if self.leave_machine(&state.directory, status == 0) {
                self.remove_directory(&state.directory);
            }
        }
        fault::point("undone");
        // SAFETY: `_exit` only ends the process. Destructors are not wanted: the mutex must stay taken.
        unsafe { nix::libc::_exit(status) }
    }

    /// Takes the lab out of the machine's own namespace. Returns whether there is nothing to say of that: otherwise the directory
    /// stays, and the next command says it. What is only worth knowing is said of a lab that stood.
    fn leave_machine(&self, directory: &Path, stood: bool) -> bool {
        let Some(machine) = &self.machine else { return true };
        let undone = on_a_visit(|| {
            enter(machine)?;
            Ok(undo_own(directory, &self.mark))
        });
        match undone {
            Ok(Undone { left, notes }) => {
                left.iter().chain(&notes).for_each(|line| log(format_args!("warning: {line}")));
                left.is_empty() && (notes.is_empty() || !stood)
            }
            Err(error) => {
                log(format_args!("error: could not leave the machine's network: {error}"));
                false
            }
        }
    }

    /// Frees the lab's name at once, whatever the rest takes. What is not this lab's any more is left alone.
    fn remove_directory(&self, directory: &Path) {
        if !traces::is_same(directory, &self.lock) {
            return;
        }
        let hidden = directory.with_file_name(format!(".{}.{}.gone", self.lab, self.outer_pid));
        let going = if fs::rename(directory, &hidden).is_ok() { &hidden } else { directory };
        fault::point("directory hidden");
        let _ = traces::remove_directory(going);
    }
}

/// Removes a name that was made, unless somebody has put another in its place.
fn remove_name((name, target): &(PathBuf, PathBuf)) {
    if fs::read_link(name).is_ok_and(|to| to == *target) {
        let _ = fs::remove_file(name);
        fault::point("name removed");
    }
}

/// What a step may leave outside of the agent's own namespaces.
fn entries(step: &Step) -> Vec<Entry> {
    let netns = if let Step::AddNetns { netns, .. } = step { Some(Entry::Netns(netns.to_string())) } else { None };
    let links = step.taken().into_iter().filter(|place| place.netns.is_host());
    netns.into_iter().chain(links.map(|place| Entry::Link(place.link.to_string()))).collect()
}

/// Waits until no other lab is being compared with the machine and built there. Only one at a time can lock the file of the namespace.
fn wait_for_turn(machine: &OwnedFd) -> io::Result<File> {
    let file = on_a_visit(|| {
        enter(machine)?;
        File::open("/proc/thread-self/ns/net")
    })?;
    let deadline = Instant::now() + END_OF_ANOTHER;
    while let Err(error) = file.try_lock() {
        match error {
            TryLockError::Error(error) => return Err(error),
            TryLockError::WouldBlock if Instant::now() >= deadline => {
                return Err(io::Error::other("another lab is being built in the machine's network"));
            }
            TryLockError::WouldBlock => sleep(POLL),
        }
    }
    Ok(file)
}

/// Ends a lab and waits until it has ended.
fn end_lab(Replaced { directory, machine }: &Replaced, lab: &str) -> Result<(), String> {
    let deadline = Instant::now() + END_OF_ANOTHER;
    let failed = |cause: &dyn std::fmt::Display| format!("could not end the lab that is to be replaced: {cause}");
    loop {
        if !directory.exists() {
            return Ok(());
        }
        if traces::is_dead(directory) {
            let undone = on_a_visit(|| {
                enter(machine)?;
                Ok(undo(directory, lab))
            });
            if let Some(left) = undone.map_err(|error| failed(&error))?.left.first() {
                return Err(failed(left));
            }
            traces::remove_names(directory);
            return traces::remove_directory(directory).map_err(|error| failed(&error));
        }
        match dial(directory) {
            Ok(dialled) => match ask_to_end(dialled) {
                Ok(()) => {}
                Err(error) if Instant::now() >= deadline => return Err(failed(&error)),
                Err(_) => {}
            },
            // It is just beginning, or ending.
            Err(error) if Instant::now() >= deadline => return Err(failed(&error)),
            Err(_) => {}
        }
        sleep(POLL);
    }
}

fn ask_to_end(dialled: Dialled) -> Result<(), String> {
    let mut channel = Channel::new(dialled.socket, 1 << 16);
    channel.set_timeout(END_OF_ANOTHER).map_err(|error| error.to_string())?;
    greet(&channel).map_err(|error| error.to_string())?;
    match channel.send(&Request::Down).and_then(|()| channel.receive::<Answer>()) {
        Ok(_) => Err("it answered".into()),
        Err(ChannelError::Closed) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

//! The points at which a program with faults halts (tests/faulty/fault.rs), and what a test can do meanwhile.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{Shutdown, getsockopt, shutdown, sockopt};
use nix::unistd::Pid;

use super::{Command, Machine, poll_until};

/// How long a program may take from one point to the next, or to its end.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is not heard of for so long has come to rest.
const MOMENT: Duration = Duration::from_millis(300);
const DUPLICATE: &str = "a descriptor can be duplicated";

/// The socket at which programs with faults say where they are. Once it is dropped they halt no more.
pub(crate) struct Halts<'m> {
    machine: &'m Machine,
    path: String,
    listener: UnixListener,
    streams: Streams,
    heard: Receiver<Heard>,
}

/// One to each program.
type Streams = Arc<Mutex<Vec<UnixStream>>>;

/// What was heard of a program.
pub(crate) enum Heard {
    /// It is at a point, and stays there until [`Halt::go_on`] or its end.
    Halted(Halt),
    /// It has ended.
    Ended(Pid),
}

/// A program that halts.
pub(crate) struct Halt {
    /// What it was called with: `run`, `agent`, `down`.
    pub(crate) command: String,
    pub(crate) place: String,
    /// Its process id on the real machine.
    pub(crate) pid: Pid,
    stream: UnixStream,
}

impl Halt {
    /// Lets it go on to its next point. It may have ended meanwhile.
    pub(crate) fn go_on(mut self) {
        let _ = self.stream.write_all(&[0]);
    }
}

impl Halt {
    /// Has it be refused what comes next, where that can be.
    pub(crate) fn fail(mut self) {
        let _ = self.stream.write_all(&[1]);
    }
}

impl<'m> Halts<'m> {
    /// Begins to listen, in a machine that has the program with faults.
    pub(crate) fn listen(machine: &'m Machine) -> Halts<'m> {
        let path = format!("{}/halts", machine.kind().home());
        let outside = machine.outside(&path);
        let listener = UnixListener::bind(&outside).expect("could not bind the socket for halts");
        fs::set_permissions(&outside, Permissions::from_mode(0o666)).expect("the socket is this process's");
        let (sender, heard) = channel();
        let accepting = listener.try_clone().expect(DUPLICATE);
        let streams = Streams::default();
        let accepted = streams.clone();
        // It ends with the listener, which is shut down.
        thread::spawn(move || {
            for stream in accepting.incoming().map_while(Result::ok) {
                let (sender, kept) = (sender.clone(), stream.try_clone().expect(DUPLICATE));
                accepted.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
                thread::spawn(move || follow(&stream, &sender));
            }
        });
        Halts { machine, path, listener, streams, heard }
    }

    /// Begins an `orchestrator` of the labs' owner that halts at each point, as does an agent that it starts.
    pub(crate) fn orchestrator(&self, args: &[&str]) -> Command<'m> {
        self.machine.command("orchestrator").args(args).env("FAULT_SOCKET", &self.path)
    }

    /// Waits a moment for what is to be heard.
    pub(crate) fn soon(&self) -> Option<Heard> {
        self.heard.recv_timeout(MOMENT).ok()
    }

    /// Waits for the next that is to be heard of any program.
    #[track_caller]
    pub(crate) fn next(&self) -> Heard {
        self.heard.recv_timeout(PATIENCE).expect("a program with faults neither halts nor ends")
    }
}

impl Drop for Halts<'_> {
    fn drop(&mut self) {
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        let _ = fs::remove_file(self.machine.outside(&self.path));
    }
}

/// Passes on what one program says, until it ends.
fn follow(stream: &UnixStream, sender: &Sender<Heard>) {
    let pid = Pid::from_raw(getsockopt(stream, sockopt::PeerCredentials).expect("a socket has a peer").pid());
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(command) = lines.next() else { return };
    for place in lines {
        let stream = stream.try_clone().expect(DUPLICATE);
        let halt = Halt { command: command.clone(), place, pid, stream };
        if sender.send(Heard::Halted(halt)).is_err() {
            return;
        }
    }
    let _ = sender.send(Heard::Ended(pid));
}

/// Kills processes, which may have ended, and waits until all that they had is theirs no more.
#[track_caller]
pub(crate) fn kill_all(pids: &[Pid]) {
    for pid in pids {
        let _ = kill(*pid, Signal::SIGKILL);
    }
    for pid in pids {
        assert!(poll_until(Instant::now() + PATIENCE, || has_ended(*pid).then_some(())).is_some(), "{pid} lives on");
    }
}

/// Tells whether a process has gone, or is a zombie without threads.
fn has_ended(pid: Pid) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    let is_zombie = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X']));
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    is_zombie && threads <= 1
}

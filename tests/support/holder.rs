//! The process that holds a machine's namespaces, and ends them with the test.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::enter::PATH;
use super::output::Output;
use super::tester::Tester;
use super::{Kind, cache};

/// How long making a machine may take; it is 0.1 s on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// An `unshare` outside the machine's process namespace and inside all its others, whose child is the machine's init.
///
/// The init lives on its standard input, a pipe from this process: it ends when the holder is dropped, and likewise
/// when the test process is killed. The kernel then kills whatever else is in the machine.
pub(crate) struct Holder(Child);

impl Holder {
    /// Makes the namespaces and waits until `init.sh` has furnished them, with `program` as `orchestrator`.
    pub(crate) fn start(tester: Tester, kind: Kind, program: &Path) -> Holder {
        let guest_calls = Path::new(env!("ORCHESTRATOR_TEST_GUEST_CALLS"));
        check_mode(program, 0o555, tester, kind);
        check_mode(guest_calls, 0o444, tester, kind);

        let user_namespace: &[&str] = match tester {
            Tester::Root => &[],
            Tester::Ordinary => &["--user", "--map-root-user"],
        };
        // PID 1 of the machine is in the namespace of its ordinary user, where that is one, and so keeps it.
        let account: &[&str] = match (tester, kind) {
            (Tester::Ordinary, Kind::User) => {
                &["unshare", &format!("--map-user={}", kind.uid()), &format!("--map-group={}", kind.uid()), "--"]
            }
            _ => &[],
        };
        let mut child = std::process::Command::new("unshare")
            .args(user_namespace)
            .args(["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
            .args(["sh", "-euc", include_str!("init.sh"), "machine"])
            .args(account)
            .env_clear()
            .env("PATH", PATH)
            .env("PROGRAM", program)
            .env("GUEST_CALLS", guest_calls)
            .env("CACHE", cache::directory(tester, kind))
            .env("OWNER", kind.to_string())
            .env("OWNER_UID", kind.uid().to_string())
            .env("CHOWN", if tester == Tester::Root { "yes" } else { "" })
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("could not run `unshare` of util-linux");

        let stdout = Output::collect(child.stdout.take().expect("stdout is piped"));
        let stderr = Output::collect(child.stderr.take().expect("stderr is piped"));
        let holder = Holder(child);
        let deadline = Instant::now() + READY_WITHIN;
        if stdout.find("ready\n", 0, deadline).is_none() {
            drop(holder);
            stderr.ends(deadline);
            panic!("could not make a machine for labs of {kind}, {tester}:\n{}", stderr.text());
        }
        holder
    }

    /// Returns its process id, under which /proc has the machine's namespaces and files.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Returns a file of the machine as the test process sees it; a symlink's target is looked up outside.
    pub(crate) fn outside(&self, path: &Path) -> PathBuf {
        let inside = path.strip_prefix("/").expect("a path in the machine begins with a slash");
        Path::new("/proc").join(self.pid().to_string()).join("root").join(inside)
    }

    /// Kills all that runs in the machine.
    pub(crate) fn kill(&self) {
        let pid = i32::try_from(self.pid()).expect("a process id fits");
        // The one error there can be is that it has ended already, which is what was wanted.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.kill();
        // The error would be that it was waited for already.
        let _ = self.0.wait();
    }
}

/// Fails where the machine's ordinary user, who is nobody to the real machine's files, could not use `file`.
fn check_mode(file: &Path, wanted: u32, tester: Tester, kind: Kind) {
    let mode = fs::metadata(file).unwrap_or_else(|error| panic!("could not find {}: {error}", file.display())).mode();
    let others = wanted & 0o007;
    assert!(
        tester == Tester::Ordinary || kind == Kind::Root || mode & others == others,
        "an ordinary user can't use {}, as its mode is {:04o}; `chmod o+rx` it, or compile with `umask 022`",
        file.display(),
        mode & 0o7777,
    );
}

//! The way into a machine: the command line that runs a program there as one of its accounts.

use std::ffi::OsString;

use super::Kind;
use super::tester::Tester;

/// Where programs are looked for in a machine: the one under test, then what a distribution has.
pub(crate) const PATH: &str = "/run/machine/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the words that, put before a command, run it in the machine that `holder` holds, as `account`, in `cwd`.
///
/// `nsenter` stays outside, passes on the exit status and stops with its command. The rest replace one another.
pub(crate) fn words(holder: u32, tester: Tester, account: Kind, cwd: &str) -> Vec<OsString> {
    let mut words = vec!["nsenter".to_owned()];
    let namespaces = [("net", "net"), ("mount", "mnt"), ("uts", "uts"), ("ipc", "ipc"), ("pid", "pid_for_children")];
    words.extend(namespaces.map(|(option, file)| format!("--{option}=/proc/{holder}/ns/{file}")));
    if tester == Tester::Ordinary {
        words.push(format!("--user=/proc/{holder}/ns/user"));
        words.push("--preserve-credentials".to_owned());
    }
    // Whoever started the tests in the background may have them ignore signals, which would be inherited.
    words.extend(["--", "env", "--default-signal", "-C", cwd].map(str::to_owned));
    match (tester, account) {
        (_, Kind::Root) => {}
        (Tester::Root, Kind::User) => {
            let uid = account.uid();
            words.extend(["setpriv", "--clear-groups", "--inh-caps=-all", "--ambient-caps=-all"].map(str::to_owned));
            words.extend([format!("--reuid={uid}"), format!("--regid={uid}"), "--".to_owned()]);
        }
        (Tester::Ordinary, Kind::User) => {
            words.extend(["nsenter", "--user=/proc/1/ns/user", "--preserve-credentials", "--"].map(str::to_owned));
        }
    }
    words.into_iter().map(OsString::from).collect()
}

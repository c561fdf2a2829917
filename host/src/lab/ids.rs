//! The ids of a rootless lab's user namespace: this user as its root, and behind that the user's subordinate ids, so that
//! programs can become another user there.
//!
//! Anybody may map the own id, and no other. Subordinate ids take newuidmap(1) and newgidmap(1), which have the right to, and
//! look into subuid(5) and subgid(5) whose they are.

use std::env;
use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::prctl::get_no_new_privs;
use nix::unistd::{Pid, User, getegid, geteuid};

use crate::topology::harmless;

/// Where the helpers may be too, when a user's PATH has no place for administrators.
const PLACES: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Ranges that are mapped; a map has to fit into 4096 bytes.
const RANGES: usize = 64;
/// How many ids a user usually has, and where they begin (login.defs(5)).
const USUAL_COUNT: u32 = 65_536;
const USUAL_START: u32 = 100_000;
const SETUID: u32 = 0o4000;

/// What it takes to map subordinate ids.
#[derive(Debug)]
pub struct SubordinateIds {
    uids: Map,
    gids: Map,
}

/// One of the two maps, and who writes it.
#[derive(Debug)]
struct Map {
    helper: PathBuf,
    /// First id inside, first outside, count; again and again.
    extents: Vec<u32>,
}

/// Why a lab has one uid only: what is to be done about it, as commands and half sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack(String);

impl Lack {
    /// Returns what is to be done about it.
    pub fn advice(&self) -> &str {
        &self.0
    }
}

impl SubordinateIds {
    /// Looks for this user's, and for the helpers. Whether those do their work is seen when they are run.
    pub fn find() -> Result<Self, Lack> {
        let helpers = find_helper("newuidmap").zip(find_helper("newgidmap"));
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        let (subuid, subgid) = (read("/etc/subuid"), read("/etc/subgid"));
        // Accounts may be in a directory on the network: not asked for in vain.
        let somebody_has = !subuid.is_empty() && !subgid.is_empty();
        let account = if somebody_has { User::from_uid(geteuid()).ok().flatten() } else { None };
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let owner =
            |word: &str| account.as_ref().is_some_and(|account| account.name == word) || word.parse() == Ok(uid);
        let uids = extents(uid, &ranges(&subuid, owner));
        let gids = extents(gid, &ranges(&subgid, owner));
        let mut steps = Vec::new();
        if helpers.is_none() {
            steps.push("install `newuidmap` and `newgidmap` (package `uidmap`, in others `shadow-utils`)".to_owned());
        }
        if somebody_has && account.is_none() {
            // The helpers ask for it.
            steps.push(format!("give uid {uid} an account"));
        } else if uids.is_none() || gids.is_none() {
            steps.push(usermod([&subuid, &subgid]));
        }
        if get_no_new_privs() == Ok(true) {
            steps.push("start `orchestrator run` where privileges can be gained (here no_new_privs is set)".to_owned());
        }
        match (helpers, uids, gids) {
            (Some((newuidmap, newgidmap)), Some(uids), Some(gids)) if steps.is_empty() => Ok(Self {
                uids: Map { helper: newuidmap, extents: uids },
                gids: Map { helper: newgidmap, extents: gids },
            }),
            _ => Err(Lack(steps.join(", "))),
        }
    }

    /// Writes the maps of a process that was just made with a user namespace of its own.
    pub(super) fn map(&self, pid: Pid) -> Result<(), Lack> {
        // Both at a time: an `execve` of each is most of what they take.
        let started = [&self.uids, &self.gids].map(|map| (map, map.start(pid)));
        let mut outcome = Ok(());
        for (map, helper) in started {
            let done = helper.and_then(finish);
            let said = done.unwrap_or_else(|error| Some(error.to_string()));
            if let (Some(said), Ok(())) = (said, &outcome) {
                outcome = Err(map.lack(&said));
            }
        }
        outcome
    }
}

impl Map {
    fn start(&self, pid: Pid) -> io::Result<Child> {
        Command::new(&self.helper)
            .arg(pid.to_string())
            .args(self.extents.iter().map(u32::to_string))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    }

    fn lack(&self, said: &str) -> Lack {
        let Self { helper, .. } = self;
        let (said, name) = (harmless(said.trim()), harmless(&helper.display().to_string()));
        let right = match fs::metadata(helper) {
            Ok(found) if found.permissions().mode() & SETUID == 0 => ", which has no setuid bit",
            _ => "",
        };
        Lack(format!("see why `{name}`{right} could not map them (\"{said}\")"))
    }
}

/// Waits for a helper. Returns what it said if it could not do it.
fn finish(mut helper: Child) -> io::Result<Option<String>> {
    let mut said = Vec::new();
    if let Some(stderr) = helper.stderr.take() {
        // Whoever says more is not listened to; the status counts.
        let _ = stderr.take(4096).read_to_end(&mut said);
    }
    let status = helper.wait()?;
    let said = String::from_utf8_lossy(&said);
    let why = || said.lines().next().map_or_else(|| status.to_string(), str::to_owned);
    Ok((!status.success()).then(why))
}

/// Finds a helper. One with a setuid bit goes before those in front of it: package managers of users install them without.
fn find_helper(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let candidates = env::split_paths(&path)
        .filter(|place| place.is_absolute())
        .chain(PLACES.map(PathBuf::from))
        .filter_map(|place| {
            let helper = place.join(name);
            let mode = mode_of_program(&helper)?;
            Some((helper, mode))
        });
    let candidates: Vec<(PathBuf, u32)> = candidates.collect();
    let setuid = candidates.iter().find(|(_, mode)| mode & SETUID != 0);
    setuid.or(candidates.first()).map(|(helper, _)| helper.clone())
}

/// Returns the mode of a file that can be executed.
fn mode_of_program(path: &Path) -> Option<u32> {
    let found = fs::metadata(path).ok()?;
    let mode = found.permissions().mode();
    (found.is_file() && mode & 0o111 != 0).then_some(mode)
}

/// Reads the ranges of one owner: lines of owner, first id, count.
fn ranges(text: &str, owner: impl Fn(&str) -> bool) -> Vec<Range<u32>> {
    lines(text).filter(|(word, _)| owner(word)).map(|(_, range)| range).collect()
}

fn lines(text: &str) -> impl Iterator<Item = (&str, Range<u32>)> {
    text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let (owner, start, count) = (fields.next()?, fields.next()?.parse::<u32>().ok()?, fields.next()?.parse().ok()?);
        // The last id of all means none to the kernel.
        let end = start.checked_add(count)?;
        (count > 0 && fields.next().is_none()).then_some((owner, start..end))
    })
}

/// Lays out a map: this user's own id as 0, the ranges from 1 on. `None` if there is none to lay out.
fn extents(own: u32, ranges: &[Range<u32>]) -> Option<Vec<u32>> {
    let mut mapped: Vec<Range<u32>> = Vec::new();
    let mut extents = vec![0, own, 1];
    let mut inside = 1u32;
    for range in ranges {
        let overlaps = |other: &Range<u32>| range.start < other.end && other.start < range.end;
        // The kernel maps no id twice.
        if range.contains(&own) || mapped.iter().any(overlaps) || mapped.len() == RANGES {
            continue;
        }
        let count = range.end - range.start;
        extents.extend([inside, range.start, count]);
        mapped.push(range.clone());
        // As no id is there twice, there is room for all of them.
        inside += count;
    }
    (!mapped.is_empty()).then_some(extents)
}

/// From the text of subuid(5) to a map.
#[cfg(any(test, fuzzing))]
pub(crate) fn extents_of(text: &str, owner: impl Fn(&str) -> bool, own: u32) -> Option<Vec<u32>> {
    extents(own, &ranges(text, owner))
}

/// Words the command that gives this user the next free ids.
fn usermod(files: [&String; 2]) -> String {
    let taken = files.into_iter().flat_map(|text| lines(text)).map(|(_, range)| range.end).max();
    let start = taken.unwrap_or_default().max(USUAL_START);
    let last = start.saturating_add(USUAL_COUNT - 1);
    format!("`sudo usermod --add-subuids {start}-{last} --add-subgids {start}-{last} \"$USER\"`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> Option<Vec<u32>> {
        extents_of(text, |owner| ["sam", "1000"].contains(&owner), 1000)
    }

    #[test]
    fn own_id_is_0_and_the_ranges_follow_from_1_on() {
        assert_eq!(map("sam:100000:65536\n"), Some(vec![0, 1000, 1, 1, 100_000, 65_536]));
        let two = "other:100000:65536\nsam:165536:10\n1000:300000:5\n";
        assert_eq!(map(two), Some(vec![0, 1000, 1, 1, 165_536, 10, 11, 300_000, 5]));
    }

    #[test]
    fn nothing_of_others_and_nothing_that_makes_no_sense_is_mapped() {
        for text in [
            "",
            "\n#\nother:100000:65536\n",
            "samantha:100000:65536",
            "sam:100000:0",
            "sam:100000",
            "sam:100000:65536:9",
            "sam:-1:5",
            "sam:4294967295:2",
            "sam:0:65536",
        ] {
            assert_eq!(map(text), None, "{text:?}");
        }
    }

    #[test]
    fn no_id_is_mapped_twice_and_a_map_has_an_end() {
        assert_eq!(map("sam:5000:10\nsam:5009:10\nsam:990:20\n"), Some(vec![0, 1000, 1, 1, 5000, 10]));
        let many: String = (0..500).map(|at| format!("sam:{}:10\n", 100_000 + at * 10)).collect();
        assert_eq!(map(&many).unwrap().len(), 3 * (RANGES + 1));
        let all = "sam:0:1000\nsam:1001:4294966294\n";
        assert_eq!(map(all), Some(vec![0, 1000, 1, 1, 0, 1000, 1001, 1001, 4_294_966_294]));
    }

    #[test]
    fn advice_gives_ids_that_nobody_has() {
        let advised = |subuid: &str, subgid: &str| usermod([&subuid.to_owned(), &subgid.to_owned()]);
        assert!(advised("", "").contains(" --add-subuids 100000-165535 --add-subgids 100000-165535 "));
        assert!(advised("a:100000:65536\n", "b:165536:65536\n").contains(" 231072-296607 "));
    }
}

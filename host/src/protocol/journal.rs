//! What an agent notes of what it makes outside of its own process, before it makes it: a file of JSON lines in the lab's
//! directory. The first says whose journal it is, each other one has what may be there.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use serde::{Deserialize, Serialize};

use crate::fault;

/// More than the largest lab notes.
const LARGEST: u64 = 64 << 20;

/// Whose journal it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The agent's PID as `run` saw it.
    pub agent: i32,
    /// The machine's boot, as `/proc/sys/kernel/random/boot_id` has it.
    pub boot: String,
    /// What the lab has in the machine's own namespace, if it may have anything there.
    pub on_machine: Option<OnMachine>,
}

/// Where and how a lab is found in the machine's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnMachine {
    /// The inode of that namespace, as `/proc/PID/ns/net` shows it.
    pub netns: u64,
    /// The alias of each of its links there.
    pub mark: String,
}

/// Something that may be there from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// A link in the machine's own namespace.
    Link(String),
    /// A file in `/run/netns`.
    Netns(String),
    /// `/run/netns` itself, which was not there before.
    #[serde(rename = "names-directory")]
    NamesDirectory,
}

/// A journal, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Whose it is; absent if the first line is damaged.
    pub opening: Option<Opening>,
    /// What may be there.
    pub entries: Vec<Entry>,
    /// The first line that is damaged.
    pub damaged: Option<usize>,
}

fn path(directory: &Path) -> PathBuf {
    directory.join("journal")
}

/// Begins a journal.
pub fn begin(directory: &Path, opening: &Opening) -> io::Result<()> {
    let mut file = File::create(path(directory))?;
    fault::point("journal made");
    file.write_all(line(opening).as_bytes())?;
    fault::point("journal begun");
    Ok(())
}

/// Adds what may be there from now on.
pub fn note(directory: &Path, entries: &[Entry]) -> io::Result<()> {
    let text: String = entries.iter().map(line).collect();
    let mut file = File::options().append(true).open(path(directory))?;
    file.write_all(text.as_bytes())?;
    fault::point("noted");
    Ok(())
}

fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("plain values have a JSON form");
    line.push('\n');
    line
}

/// Reads the journal in a lab's directory, or nothing if its agent had not begun it, and so had not made anything.
pub fn read(directory: &Path) -> io::Result<Option<Journal>> {
    // Whatever else somebody has put there is not waited for.
    let file = match File::options().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path(directory)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok((!bytes.is_empty()).then(|| parse(&bytes)))
}

/// Reads a journal, whatever is wrong with it.
pub fn parse(bytes: &[u8]) -> Journal {
    // What is behind the last newline was being noted when the agent was ended, and has not been made.
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).enumerate();
    let opening = lines.next().and_then(|(_, line)| serde_json::from_slice(line).ok());
    let damaged = if opening.is_none() { Some(1) } else { None };
    let mut journal = Journal { opening, entries: Vec::new(), damaged };
    for (at, line) in lines {
        match serde_json::from_slice(line) {
            Ok(entry) => journal.entries.push(entry),
            Err(_) => journal.damaged = journal.damaged.or(Some(at + 1)),
        }
    }
    journal
}

/// Returns what `Opening::boot` is now.
pub fn this_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening() -> Opening {
        let on_machine = Some(OnMachine { netns: 4_026_531_840, mark: "orchestrator lab x 1".into() });
        Opening { agent: 7, boot: "b".into(), on_machine }
    }

    #[test]
    fn journal_reads_what_was_noted_but_not_what_was_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()).unwrap(), None);
        begin(directory.path(), &opening()).unwrap();
        let entries = [Entry::Link("br0".into()), Entry::Netns("container1".into()), Entry::NamesDirectory];
        note(directory.path(), &entries).unwrap();
        let file = path(directory.path());
        fs::write(&file, fs::read_to_string(&file).unwrap() + "{\"link\":\"ve").unwrap();
        let journal = Journal { opening: Some(opening()), entries: entries.into(), damaged: None };
        assert_eq!(read(directory.path()).unwrap(), Some(journal));
    }

    #[test]
    fn what_is_not_damaged_can_still_be_read() {
        let directory = tempfile::tempdir().unwrap();
        begin(directory.path(), &opening()).unwrap();
        let file = path(directory.path());
        fs::write(&file, fs::read_to_string(&file).unwrap() + "br0\n{\"link\":\"br1\"}\n").unwrap();
        let entries = vec![Entry::Link("br1".into())];
        let journal = Journal { opening: Some(opening()), entries: entries.clone(), damaged: Some(2) };
        assert_eq!(read(directory.path()).unwrap(), Some(journal));

        fs::write(&file, b"\xff\xfe\n{\"link\":\"br1\"}\n").unwrap();
        let journal = Journal { opening: None, entries, damaged: Some(1) };
        assert_eq!(read(directory.path()).unwrap(), Some(journal));

        for text in ["12", "x\n", "{}\n"] {
            fs::write(&file, text).unwrap();
            let journal = read(directory.path()).unwrap().unwrap();
            assert_eq!((journal.opening, journal.damaged), (None, Some(1)), "{text:?}");
        }
        fs::write(&file, "").unwrap();
        assert_eq!(read(directory.path()).unwrap(), None);
    }
}

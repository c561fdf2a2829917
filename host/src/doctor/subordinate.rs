//! More than one uid in a lab without root: newuidmap(1), subuid(5).

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Instant;

use nix::libc;
use nix::unistd::{User, getuid};

use super::child::in_child;
use super::program::find;
use super::{Check, State, words};

const GROUP: &str = "subordinate ids";
/// Enough for whatever a distribution has accounts for.
const USUAL: u64 = 65_536;

/// The two programs with the file that each obeys, and the capability that it needs, by number.
const PARTS: [(&str, &str, u32); 2] = [("newuidmap", "/etc/subuid", 7), ("newgidmap", "/etc/subgid", 6)];

/// Says whether a lab can have more uids and gids than those of this user, and what that hangs on.
pub(super) fn checks(rootless: bool, deadline: Instant) -> Vec<Check> {
    let name = "several uids in a lab";
    if !rootless {
        return vec![Check::yes(GROUP, name, "labs of root have all uids")];
    }
    let uid = getuid();
    // A directory service that is asked for the name may take its time.
    let user = in_child(deadline, || User::from_uid(uid).ok().flatten().map(|user| user.name)).ok().flatten();
    let part = |(program, file, bit)| [mapper(program, bit), ranges(file, user.as_deref(), uid.as_raw())];
    let parts: Vec<Check> = PARTS.into_iter().flat_map(part).collect();
    let worst = [State::No, State::Unknown].into_iter().find(|state| parts.iter().any(|part| part.state == *state));
    let sum = match worst {
        None => Check::yes(GROUP, name, "programs that change their uid can run"),
        Some(State::Unknown) => Check::unknown(GROUP, name, "see the lines below"),
        Some(_) => Check::no(GROUP, name, "one only: programs such as tcpdump fail").remedy("see the lines below"),
    };
    std::iter::once(sum).chain(parts).collect()
}

/// Says whether a program is there and has the right that it needs.
fn mapper(program: &str, bit: u32) -> Check {
    let Some(path) = find(program) else {
        return Check::no(GROUP, program, "it is not installed")
            .remedy("install it: `sudo apt install uidmap`, or `sudo dnf install shadow-utils`");
    };
    let shown = path.display().to_string();
    match has_right(&path, bit) {
        Ok(Some(how)) => Check::yes(GROUP, program, format!("{shown}, {how}")),
        Ok(None) => Check::no(GROUP, program, format!("{shown} has no right to map ids"))
            .remedy(format!("`sudo chmod u+s {shown}`")),
        Err(error) => Check::unknown(GROUP, program, format!("{shown}: {}", words(&error))),
    }
}

fn has_right(path: &Path, bit: u32) -> io::Result<Option<&'static str>> {
    let found = fs::metadata(path)?;
    if found.uid() == 0 && found.permissions().mode() & libc::S_ISUID != 0 {
        return Ok(Some("setuid root"));
    }
    Ok(permits(&file_capabilities(path)?, bit).then_some("with file capabilities"))
}

/// Reads the file capabilities of a program; it is empty where there are none.
fn file_capabilities(path: &Path) -> io::Result<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut value = vec![0u8; 64];
    // SAFETY: the strings end, and no more is written than there is room for.
    let length = unsafe {
        libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), value.as_mut_ptr().cast(), value.len())
    };
    match usize::try_from(length) {
        Ok(length) => {
            value.truncate(length);
            Ok(value)
        }
        Err(_) => match nix::Error::last() {
            nix::Error::ENODATA | nix::Error::EOPNOTSUPP => Ok(Vec::new()),
            error => Err(error.into()),
        },
    }
}

/// Tells whether file capabilities (`vfs_cap_data`: a word of version and flags, then the permitted ones) permit one.
pub(crate) fn permits(value: &[u8], bit: u32) -> bool {
    let permitted = value.get(4..8).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes);
    permitted >> bit & 1 == 1
}

/// Says whether a file gives this user ranges of ids.
fn ranges(file: &str, user: Option<&str>, uid: u32) -> Check {
    let count = match fs::read_to_string(file) {
        Ok(text) => count(&text, user, uid),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Check::unknown(GROUP, file, format!("it can't be read: {}", words(&error))),
    };
    // A directory service may know more, which only programs of the shadow suite can ask.
    let elsewhere = fs::read_to_string("/etc/nsswitch.conf").is_ok_and(|text| asks_elsewhere(&text));
    let user = user.map_or_else(|| uid.to_string(), str::to_owned);
    let ids = file.trim_start_matches("/etc/sub");
    let way = format!("`sudo usermod --add-sub{ids}s 100000-165535 {user}`, with numbers that nobody has there yet");
    match count {
        _ if elsewhere => Check::unknown(GROUP, file, "/etc/nsswitch.conf has others asked than this file"),
        0 => Check::no(GROUP, file, format!("it has no range for {user}")).remedy(way),
        count if count < USUAL => {
            Check::yes(GROUP, file, format!("{count} {ids}s, where {USUAL} are usual")).remedy(way)
        }
        count => Check::yes(GROUP, file, format!("{count} {ids}s")),
    }
}

/// Counts the ids that a file has for a user: lines of name or number, first id, count.
pub(crate) fn count(text: &str, user: Option<&str>, uid: u32) -> u64 {
    let is_own = |owner: &str| user == Some(owner) || owner.parse() == Ok(uid);
    let ids = |line: &str| {
        let [owner, first, count] = line.trim().split(':').collect::<Vec<_>>()[..] else { return None };
        first.parse::<u32>().ok()?;
        is_own(owner).then(|| count.parse::<u32>().ok())?
    };
    text.lines().filter_map(ids).map(u64::from).sum()
}

/// Tells whether nsswitch.conf has somebody else asked for ranges than the files.
pub(crate) fn asks_elsewhere(text: &str) -> bool {
    let sources = text.lines().find_map(|line| line.trim().strip_prefix("subid:"));
    sources.is_some_and(|sources| sources.split_whitespace().any(|source| source != "files"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_counted_by_name_and_by_number() {
        let text = "# comment\nroot:100000:65536\nann:165536:65536\n1000:300000:10\nann:no:5\nann:7\n\nannabel:1:1\n";
        assert_eq!(count(text, Some("ann"), 1000), 65_546);
        assert_eq!(count(text, None, 1000), 10);
        assert_eq!(count(text, Some("bob"), 1001), 0);
        // Neither does a number that is no range add one, nor a sum that is beyond all ids overflow.
        assert_eq!(count("ann:1:-5\nann:1:4294967296\n", Some("ann"), 1000), 0);
        assert_eq!(count("ann:1:4294967295\nann:1:4294967295\n", Some("ann"), 1000), 8_589_934_590);
    }

    #[test]
    fn file_capabilities_are_read_as_the_kernel_writes_them() {
        // `setcap cap_setuid=ep`, version 2.
        let value = [1, 0, 0, 2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(permits(&value, 7) && !permits(&value, 6));
        assert!(!permits(&[], 7) && !permits(&value[..6], 7));
    }

    #[test]
    fn sources_of_ranges_other_than_the_files_are_seen() {
        assert!(!asks_elsewhere("passwd: files sss\n") && !asks_elsewhere("subid: files\n"));
        assert!(asks_elsewhere("passwd: files\nsubid:  files sss\n") && asks_elsewhere("subid:sss"));
    }
}

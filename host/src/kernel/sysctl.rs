//! Settings of a netns that have no netlink message: files below `/proc/sys/net`, which show the netns of whoever opens them.

use std::path::Path;
use std::sync::OnceLock;
use std::{fs, io};

use crate::topology::LinkName;

const PING_GROUPS: &str = "/proc/sys/net/ipv4/ping_group_range";
/// What is there in a new netns.
const NO_GROUPS: &str = "1\t0\n";

/// Tells whether this kernel speaks IPv6.
pub fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").is_dir()
}

/// Tells whether the links that will come to the netns of this thread have IPv6.
pub fn new_links_have_ipv6() -> bool {
    fs::read_to_string("/proc/sys/net/ipv6/conf/default/disable_ipv6").is_ok_and(|off| off.trim() == "0")
}

/// Has the netns of this thread take no router advertisements from a link.
pub fn refuse_advertisements(link: &LinkName) -> io::Result<()> {
    match fs::write(format!("/proc/sys/net/ipv6/conf/{link}/accept_ra"), "0") {
        // It has no IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Turns the kernel's own link-local addresses off for all links that the netns of this thread will have.
pub fn turn_address_generation_off() -> io::Result<()> {
    fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1")
}

/// Has the kernel make link-local addresses for all links that the netns of this thread has and will have, or stop that. A link
/// that is up gets its address at once.
pub fn set_address_generation(on: bool) -> io::Result<()> {
    for conf in fs::read_dir("/proc/sys/net/ipv6/conf")? {
        let conf = conf?;
        // `lo` has none, and the kernel has no mode for `all` that would hold for the others.
        if conf.file_name() != "lo" && conf.file_name() != "all" {
            fs::write(conf.path().join("addr_gen_mode"), if on { "0" } else { "1" })?;
        }
    }
    Ok(())
}

/// Has the netns of this thread forward in both families, or stop doing so.
pub fn set_forwarding(on: bool) -> io::Result<()> {
    let value = if on { "1" } else { "0" };
    fs::write("/proc/sys/net/ipv4/ip_forward", value)?;
    if has_ipv6() { fs::write("/proc/sys/net/ipv6/conf/all/forwarding", value) } else { Ok(()) }
}

/// Tells whether the netns of this thread forwards IPv4.
pub fn forwards() -> io::Result<bool> {
    Ok(fs::read_to_string("/proc/sys/net/ipv4/ip_forward")?.trim() == "1")
}

/// Lets all groups open ICMP sockets in the netns of this thread; in a new netns none may.
pub fn allow_ping_sockets() -> io::Result<()> {
    let all = format!("0\t{}\n", last_group());
    if fs::write(PING_GROUPS, &all).is_ok() && fs::read_to_string(PING_GROUPS)? == all {
        return Ok(());
    }
    // The kernel compares the groups' numbers outside of a user namespace, where 0 may come after the last one.
    fs::write(PING_GROUPS, "0 0")
}

/// Does so where it was not done, and nobody has chosen groups.
pub fn allow_ping_sockets_if_new() -> io::Result<()> {
    if fs::read_to_string(PING_GROUPS)? == NO_GROUPS { allow_ping_sockets() } else { Ok(()) }
}

/// Returns the last group that this user namespace knows, or of those that may ping at all (`GID_T_MAX` of the kernel).
fn last_group() -> u32 {
    static LAST: OnceLock<u32> = OnceLock::new();
    *LAST.get_or_init(|| {
        let map = fs::read_to_string("/proc/self/gid_map").unwrap_or_default();
        last_of(&map).unwrap_or_default().min(i32::MAX as u32)
    })
}

/// Returns the last id of a map of user_namespaces(7): lines of first inside, first outside, count.
pub(crate) fn last_of(map: &str) -> Option<u32> {
    let ends = map.lines().filter_map(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [first, _, count] = numbers[..] else { return None };
        first.saturating_add(count).checked_sub(1)
    });
    ends.max().and_then(|last| u32::try_from(last).ok())
}

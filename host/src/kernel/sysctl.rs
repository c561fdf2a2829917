//! Settings of a netns that have no netlink message: files below `/proc/sys/net`, which show the netns of whoever opens them.

use std::path::Path;
use std::{fs, io};

/// Tells whether this kernel speaks IPv6.
pub fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").is_dir()
}

/// Turns the kernel's own link-local addresses off for all links that the netns of this thread will have.
pub fn turn_address_generation_off() -> io::Result<()> {
    fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1")
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

/// Lets group 0 open ICMP sockets in the netns of this thread; in a new netns nobody may.
pub fn allow_ping_sockets() -> io::Result<()> {
    fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0")
}

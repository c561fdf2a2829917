//! What this kernel has of what a lab uses: each thing tried with the agent's own verbs, in namespaces that end with the try.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno as Number;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::getpid;
use serde::{Deserialize, Serialize};

use super::boot::mount_proc;
use super::icmp_socket::{Exit, IcmpSocket};
use super::netns::{here, on_a_visit};
use crate::kernel::{self, LinkSpec, Request, Socket};
use crate::topology::{Errno, LinkName, MacAddress, QUEUES};

/// Something that labs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Feature {
    /// A `/proc` of the lab's own.
    Proc,
    /// Pairs of veth.
    Veth,
    /// A pair with its ends in two namespaces, of chosen indexes.
    VethElsewhere,
    /// Bridges.
    Bridge,
    /// A link that is moved gets a chosen index.
    MoveToIndex,
    /// A text on a link.
    Alias,
    /// IPv6.
    Ipv6,
    /// No IPv6 address comes by itself.
    QuietIpv6,
    /// ICMP sockets.
    PingSockets,
    /// Closing all descriptors at once.
    CloseRange,
    /// Descriptors of processes.
    Pidfd,
}

/// Why there is no such thing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lack {
    errno: Option<Errno>,
    why: Option<String>,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.errno, &self.why) {
            (Some(errno), Some(why)) => write!(f, "{errno}: {why}"),
            (Some(errno), None) => write!(f, "{errno}"),
            (None, why) => f.write_str(why.as_deref().unwrap_or("it does nothing")),
        }
    }
}

impl From<io::Error> for Lack {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(number) => Self { errno: Some(kernel::errno_of(number)), why: None },
            None => Self::because(error.to_string()),
        }
    }
}

impl From<kernel::BatchError> for Lack {
    fn from(error: kernel::BatchError) -> Self {
        Self { errno: Some(error.errno), why: error.text }
    }
}

impl Lack {
    fn because(why: impl Into<String>) -> Self {
        Self { errno: None, why: Some(why.into()) }
    }
}

/// The links of the tries, by index.
const BRIDGE: u32 = 101;
const NEAR: u32 = 102;
const FAR: u32 = 103;
const NEAR_TO_OTHER: u32 = 104;
const FAR_IN_OTHER: u32 = 105;
const MOVED: u32 = 106;

/// What came of each feature that could be tried.
pub type Answers = Vec<(Feature, Result<(), Lack>)>;

/// Tries each feature; one that depends on another that is missing is left out.
///
/// To be called in a process with user (without root), PID and mount namespaces of its own, as an agent has them.
pub fn features() -> io::Result<Answers> {
    let mut found = vec![
        (Feature::Proc, mount_proc().map_err(|error| io::Error::from(error).into())),
        (Feature::CloseRange, close_range()),
        (Feature::Pidfd, pidfd()),
    ];
    on_a_visit(|| {
        let (one, other) = (make()?, make()?);
        let ping = IcmpSocket::open(IpAddr::V4(Ipv4Addr::LOCALHOST), &Exit::Routed);
        found.push((Feature::PingSockets, ping.map(drop).map_err(Lack::from)));
        found.push((Feature::Bridge, send(&one, kernel::add_bridge(&link(BRIDGE, &name(BRIDGE))))));
        let veth = send(&one, veth(NEAR, FAR, &one));
        if veth.is_ok() {
            found.push((Feature::Alias, send(&one, kernel::set_alias(NEAR, "tried"))));
            let ipv6 = if kernel::has_ipv6() {
                send(&one, kernel::add_address(NEAR, "fd00::1/64".parse().expect("it is an address"), false))
            } else {
                Err(Lack::because("there is no /proc/sys/net/ipv6"))
            };
            if ipv6.is_ok() {
                found.push((Feature::QuietIpv6, send(&one, kernel::set_address_generation_off(FAR))));
            }
            found.push((Feature::Ipv6, ipv6));
            let elsewhere = send(&one, self::veth(NEAR_TO_OTHER, FAR_IN_OTHER, &other));
            found.push((Feature::VethElsewhere, elsewhere.and_then(|()| is_at(&other, FAR_IN_OTHER))));
            let moved = kernel::set_netns(NEAR, other.netns.as_fd(), &name(MOVED), mac(MOVED), MOVED);
            found.push((Feature::MoveToIndex, send(&one, moved).and_then(|()| is_at(&other, MOVED))));
        }
        found.push((Feature::Veth, veth));
        Ok(())
    })?;
    Ok(found)
}

/// A netns to try things in.
struct Ground {
    netns: OwnedFd,
    socket: Socket,
}

/// Makes a netns, and leaves the thread in it.
fn make() -> io::Result<Ground> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    Ok(Ground { netns: here()?, socket: Socket::open()? })
}

fn send(netns: &Ground, request: Request) -> Result<(), Lack> {
    Ok(netns.socket.batch(vec![request])?)
}

fn mac(index: u32) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, index as u8])
}

fn name(index: u32) -> LinkName {
    LinkName::parse(&format!("link{index}")).expect("it is a name")
}

fn link(index: u32, name: &LinkName) -> LinkSpec<'_> {
    LinkSpec { index, name, mac: mac(index), mtu: None, group: None }
}

fn veth(near: u32, far: u32, far_netns: &Ground) -> Request {
    let (near_name, far_name) = (name(near), name(far));
    kernel::add_veth(&link(near, &near_name), None, false, &link(far, &far_name), far_netns.netns.as_fd(), QUEUES)
}

/// Finds a link at its index: a kernel that does not know how to choose one takes any.
fn is_at(netns: &Ground, index: u32) -> Result<(), Lack> {
    let links = kernel::observe(&netns.socket)?.links;
    let found = links.iter().any(|link| link.index == index);
    found.then_some(()).ok_or_else(|| Lack::because("the kernel chooses another index"))
}

fn close_range() -> Result<(), Lack> {
    // SAFETY: closes a descriptor of a number that none has.
    answered(unsafe { libc::syscall(libc::SYS_close_range, libc::c_int::MAX, libc::c_int::MAX, 0) }).map(drop)
}

fn pidfd() -> Result<(), Lack> {
    // SAFETY: the descriptor that it returns is this function's, and is closed by its owner.
    unsafe {
        let descriptor = answered(libc::syscall(libc::SYS_pidfd_open, getpid().as_raw(), 0))?;
        drop(OwnedFd::from_raw_fd(descriptor as RawFd));
    }
    Ok(())
}

fn answered(answer: libc::c_long) -> Result<libc::c_long, Lack> {
    Number::result(answer).map_err(|error| io::Error::from(error).into())
}

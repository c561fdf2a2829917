//! One ping, by an ICMP socket (icmp(7)).

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::thread;

use anyhow::{Result, bail};
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, connect, recv, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// An ICMP echo request; the kernel fills in identifier and checksum.
const ECHO_REQUEST: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 1];
/// Two seconds in all: the first one after a big build can be lost.
const TIMES: usize = 400;
const PATIENCE_MS: i64 = 5;

/// Pings until a reply comes, from a thread that enters the netns.
pub(super) fn ping(from: &File, to: Ipv4Addr) -> Result<()> {
    thread::scope(|scope| scope.spawn(|| ping_here(from, to)).join().expect("a ping does not panic"))
}

fn ping_here(from: &File, to: Ipv4Addr) -> Result<()> {
    setns(from, CloneFlags::CLONE_NEWNET)?;
    fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0")?;
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, Some(SockProtocol::Icmp))?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(PATIENCE_MS))?;
    connect(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(to, 0)))?;
    for _ in 0..TIMES {
        send(socket.as_raw_fd(), &ECHO_REQUEST, MsgFlags::empty())?;
        match recv(socket.as_raw_fd(), &mut [0; 64], MsgFlags::empty()) {
            Err(Errno::EAGAIN) => {}
            outcome => {
                outcome?;
                return Ok(());
            }
        }
    }
    bail!("{to} does not answer")
}

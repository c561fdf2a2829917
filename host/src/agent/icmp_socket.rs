//! The two kinds of ICMP sockets: the kernel's own for pings, and raw ones.
//!
//! Ping sockets (icmp(7), `ping_group_range`) number and check the packets themselves, and whether they may be opened is a
//! setting of the netns. In the machine's own, where no setting is changed, raw sockets are used (raw(7)).

use std::ffi::OsString;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU16, Ordering};

use nix::errno::Errno as Number;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, connect, recvmsg, send,
    setsockopt, socket, sockopt,
};

use crate::kernel;
use crate::topology::LinkName;

const ECHO_REQUEST: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;
const ECHO_REPLY: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;
/// Type, code, checksum, identifier, sequence number (RFC 792, RFC 4443); then 56 bytes as ping(8) sends.
const HEADER: usize = 8;
const PACKET: usize = HEADER + 56;
/// The longest header of IPv4 (RFC 791).
const IP_HEADER: usize = 60;

/// Identifiers of raw sockets, so that one does not take another's replies.
static NEXT_IDENTIFIER: AtomicU16 = AtomicU16::new(0);

/// How a netns is left.
#[derive(Clone, Debug)]
pub(super) enum Exit {
    /// As its routes say.
    Routed,
    /// From the machine's own netns, over this link alone, or to an address of its own.
    Machine(Option<LinkName>),
}

/// A socket for the echo requests to one address.
pub(super) struct IcmpSocket {
    socket: OwnedFd,
    ipv6: bool,
    /// The identifier of its requests, if it is a raw socket.
    identifier: Option<u16>,
}

impl IcmpSocket {
    /// Opens a socket in the netns of this thread.
    pub(super) fn open(target: IpAddr, exit: &Exit) -> io::Result<Self> {
        let ipv6 = target.is_ipv6();
        let open = |kind| {
            let (family, protocol) = if ipv6 {
                (AddressFamily::Inet6, SockProtocol::IcmpV6)
            } else {
                (AddressFamily::Inet, SockProtocol::Icmp)
            };
            socket(family, kind, SockFlag::SOCK_CLOEXEC, protocol)
        };
        let (socket, identifier) = match exit {
            Exit::Routed => match open(SockType::Datagram) {
                // Nobody may in a new netns, so it is allowed when the first wants it.
                Err(Number::EACCES | Number::EPERM) => {
                    kernel::allow_ping_sockets()?;
                    (open(SockType::Datagram)?, None)
                }
                outcome => (outcome?, None),
            },
            Exit::Machine(link) => {
                let socket = open(SockType::Raw)?;
                if let Some(link) = link {
                    setsockopt(&socket, sockopt::BindToDevice, &OsString::from(link.as_str()))?;
                }
                let salt = std::process::id().to_le_bytes();
                let number = NEXT_IDENTIFIER.fetch_add(1, Ordering::Relaxed);
                (socket, Some(number ^ u16::from_le_bytes([salt[0], salt[1]])))
            }
        };
        if ipv6 {
            setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        }
        Ok(Self { socket, ipv6, identifier })
    }

    /// Connects it, which the kernel refuses where there is no way.
    pub(super) fn connect(&self, target: IpAddr) -> nix::Result<()> {
        let fd = self.socket.as_raw_fd();
        match target {
            IpAddr::V4(target) => connect(fd, &SockaddrIn::from(SocketAddrV4::new(target, 0))),
            IpAddr::V6(target) => connect(fd, &SockaddrIn6::from(SocketAddrV6::new(target, 0, 0, 0))),
        }
    }

    /// Sends a request.
    pub(super) fn send(&self, number: u16) -> nix::Result<()> {
        let mut packet = [0u8; PACKET];
        packet[0] = if self.ipv6 { ECHO_REQUEST_V6 } else { ECHO_REQUEST };
        packet[4..6].copy_from_slice(&self.identifier.unwrap_or_default().to_be_bytes());
        packet[6..HEADER].copy_from_slice(&number.to_be_bytes());
        // Of ICMPv6 the kernel fills the checksum in.
        if self.identifier.is_some() && !self.ipv6 {
            let sum = checksum(&packet);
            packet[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        send(self.socket.as_raw_fd(), &packet, MsgFlags::MSG_DONTWAIT).map(drop)
    }

    /// Takes a packet that has come. Returns the number of the request that it replies to, or nothing of any other packet.
    pub(super) fn receive(&self) -> nix::Result<Option<u16>> {
        let mut packet = [0u8; IP_HEADER + PACKET];
        let mut parts = [IoSliceMut::new(&mut packet)];
        let length = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, None, MsgFlags::MSG_DONTWAIT)?.bytes;
        Ok(self.reply(&packet[..length]))
    }

    fn reply(&self, packet: &[u8]) -> Option<u16> {
        // A raw socket of IPv4 gives the IP header too; its length is in the low half of the first byte, in words.
        let skip = if self.identifier.is_some() && !self.ipv6 { usize::from(packet.first()? & 0x0f) * 4 } else { 0 };
        let packet = packet.get(skip..)?;
        let [kind, _, _, _, a, b, c, d, ..] = *packet else { return None };
        let is_reply = kind == if self.ipv6 { ECHO_REPLY_V6 } else { ECHO_REPLY };
        let is_own = self.identifier.is_none_or(|identifier| identifier == u16::from_be_bytes([a, b]));
        (is_reply && is_own).then(|| u16::from_be_bytes([c, d]))
    }

    /// Takes the error that was just told from the queue of errors.
    pub(super) fn take_error(&self) {
        let mut packet = [0u8; PACKET];
        let mut parts = [IoSliceMut::new(&mut packet)];
        let queue = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let _ = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, None, queue);
    }
}

impl AsFd for IcmpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The checksum of RFC 1071.
fn checksum(packet: &[u8]) -> u16 {
    let words =
        packet.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_with_its_checksum_sums_up_to_nothing() {
        let mut packet = [8, 0, 0, 0, 0x12, 0x34, 0, 7, 0xff, 0xfe];
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(checksum(&packet), 0);
    }
}

//! A blocking rtnetlink socket.

use std::io;

use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::{Socket as RawSocket, SocketAddr, protocols::NETLINK_ROUTE};

const HEADER: usize = 16;
const DATAGRAM: usize = 32 * 1024;
/// What is created, and what is only changed.
pub(super) const CREATE: u16 = NLM_F_CREATE | NLM_F_EXCL;
pub(super) const CHANGE: u16 = 0;

/// An rtnetlink socket of the netns that it was opened in.
pub(super) struct Socket {
    raw: RawSocket,
    sequence: u32,
}

impl Socket {
    pub(super) fn open() -> io::Result<Self> {
        let raw = RawSocket::new(NETLINK_ROUTE)?;
        raw.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { raw, sequence: 0 })
    }

    /// Sends requests in one message, waits until the kernel has done the last, and returns what it has answered beside that.
    pub(super) fn send<const N: usize>(
        &mut self,
        requests: [(RouteNetlinkMessage, u16); N],
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        let last = self.sequence + N as u32;
        let mut bytes = Vec::with_capacity(256 * N);
        for (request, flags) in requests {
            self.sequence += 1;
            let ack = if self.sequence == last { NLM_F_ACK } else { 0 };
            let mut header = NetlinkHeader::default();
            header.flags = NLM_F_REQUEST | flags | ack;
            header.sequence_number = self.sequence;
            let mut message = NetlinkMessage::new(header, NetlinkPayload::from(request));
            message.finalize();
            let start = bytes.len();
            bytes.resize(start + message.buffer_len().next_multiple_of(4), 0);
            message.serialize(&mut bytes[start..]);
        }
        self.raw.send(&bytes, 0)?;
        self.answers(last)
    }

    /// Reads until request `last` is acknowledged. The first that was refused is the error.
    fn answers(&self, last: u32) -> io::Result<Vec<RouteNetlinkMessage>> {
        let mut objects = Vec::new();
        let mut buffer = Vec::with_capacity(DATAGRAM);
        loop {
            buffer.clear();
            self.raw.recv(&mut buffer, 0)?;
            let mut rest = &buffer[..];
            while rest.len() >= HEADER {
                let message = NetlinkMessage::deserialize(rest)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
                let length = (message.header.length as usize).next_multiple_of(4).clamp(HEADER, rest.len());
                rest = &rest[length..];
                match message.payload {
                    NetlinkPayload::InnerMessage(object) => objects.push(object),
                    NetlinkPayload::Error(answer) if answer.code.is_some() => return Err(answer.to_io()),
                    NetlinkPayload::Error(_) if message.header.sequence_number == last => return Ok(objects),
                    _ => {}
                }
            }
        }
    }
}

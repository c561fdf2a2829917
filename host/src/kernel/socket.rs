//! A blocking rtnetlink socket, which stays in the netns that it was opened in.

use std::cell::Cell;
use std::io;

use rtnetlink::packet_core::{
    ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::{Socket as RawSocket, SocketAddr, protocols::NETLINK_ROUTE};
use thiserror::Error;

use super::{Request, errno_of, explain};
use crate::topology::Errno;

/// Answers come in datagrams; the kernel fills none beyond this (NLMSG_GOODSIZE is less).
const DATAGRAM: usize = 32 * 1024;
/// How often a list is asked for that changes all the while.
const INTERRUPTED: usize = 10;
/// `nlmsghdr`, and the extended acknowledgement's attribute with its text (NLMSGERR_ATTR_MSG).
const HEADER: usize = 16;
const ATTRIBUTE_TEXT: u16 = 1;

/// The request of a batch that the kernel refused first.
#[derive(Debug, Error)]
#[error("{errno}")]
pub struct BatchError {
    /// Its place in the batch.
    pub index: usize,
    /// What the kernel returned.
    pub errno: Errno,
    /// The extended acknowledgement, or what else is known.
    pub text: Option<String>,
}

/// An rtnetlink socket.
pub struct Socket {
    raw: RawSocket,
    sequence: Cell<u32>,
}

impl Socket {
    /// Opens a socket in the netns of the calling thread.
    pub fn open() -> io::Result<Self> {
        let raw = RawSocket::new(NETLINK_ROUTE)?;
        raw.set_ext_ack(true)?;
        raw.set_cap_ack(true)?;
        raw.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { raw, sequence: Cell::new(0) })
    }

    /// Sends requests in one message and waits until the kernel has done them all.
    ///
    /// The kernel goes on after a request that it refuses, and acknowledges the last: one answer a batch, if all is well.
    pub fn batch(&self, requests: Vec<Request>) -> Result<(), BatchError> {
        let count = requests.len();
        let first = self.sequence.get();
        let mut bytes = Vec::with_capacity(256 * count);
        let mut unless_gone = Vec::with_capacity(count);
        for (index, request) in requests.into_iter().enumerate() {
            unless_gone.push(request.unless_gone);
            let ack = if index + 1 == count { NLM_F_ACK } else { 0 };
            self.append(&mut bytes, request.message, request.flags | ack);
        }
        let broken = |error: io::Error| BatchError {
            index: 0,
            errno: errno_of(error.raw_os_error().unwrap_or(nix::libc::EIO)),
            text: Some("the netlink socket failed".into()),
        };
        self.raw.send(&bytes, 0).map_err(broken)?;
        let mut refused: Option<BatchError> = None;
        loop {
            for message in self.receive().map_err(broken)? {
                let index = message.header.sequence_number.wrapping_sub(first) as usize;
                let NetlinkPayload::Error(answer) = message.payload else { continue };
                let forgiven = unless_gone.get(index) == Some(&true) && is_gone(&answer);
                if answer.code.is_some() && !forgiven && refused.is_none() {
                    refused = Some(refusal(index, &answer));
                }
                if index + 1 == count {
                    return refused.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Asks for all objects of a kind.
    pub fn dump(&self, request: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..INTERRUPTED {
            if let Some(objects) = self.ask(request.clone(), NLM_F_DUMP)? {
                return Ok(objects);
            }
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    /// Asks for one object.
    pub fn get(&self, request: RouteNetlinkMessage) -> io::Result<Option<RouteNetlinkMessage>> {
        Ok(self.ask(request, NLM_F_ACK)?.and_then(|objects| objects.into_iter().next()))
    }

    /// Returns the objects of an answer, or nothing if they changed while the kernel listed them (NLM_F_DUMP_INTR).
    fn ask(&self, request: RouteNetlinkMessage, flags: u16) -> io::Result<Option<Vec<RouteNetlinkMessage>>> {
        let mut bytes = Vec::new();
        let sequence = self.sequence.get();
        self.append(&mut bytes, request, flags);
        self.raw.send(&bytes, 0)?;
        let mut objects = Vec::new();
        let mut consistent = true;
        loop {
            for message in self.receive()? {
                if message.header.sequence_number != sequence {
                    continue;
                }
                consistent &= message.header.flags & NLM_F_DUMP_INTR == 0;
                match message.payload {
                    NetlinkPayload::InnerMessage(object) => objects.push(object),
                    NetlinkPayload::Error(ErrorMessage { code: Some(code), .. }) => {
                        return Err(io::Error::from_raw_os_error(code.get().abs()));
                    }
                    NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Ok(consistent.then_some(objects)),
                    _ => {}
                }
            }
        }
    }

    fn append(&self, bytes: &mut Vec<u8>, message: RouteNetlinkMessage, flags: u16) {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence.replace(self.sequence.get().wrapping_add(1));
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let start = bytes.len();
        bytes.resize(start + message.buffer_len().next_multiple_of(4), 0);
        message.serialize(&mut bytes[start..]);
    }

    fn receive(&self) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        let mut buffer = Vec::with_capacity(DATAGRAM);
        loop {
            match self.raw.recv(&mut buffer, 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => {
                    outcome?;
                    break;
                }
            }
        }
        let mut messages = Vec::new();
        let mut rest = &buffer[..];
        while rest.len() >= HEADER {
            let message = NetlinkMessage::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            let length = (message.header.length as usize).next_multiple_of(4).clamp(HEADER, rest.len());
            messages.push(message);
            rest = &rest[length..];
        }
        Ok(messages)
    }
}

/// Tells whether a removal met nothing: no link, no address, no route.
fn is_gone(answer: &ErrorMessage) -> bool {
    matches!(-answer.raw_code(), nix::libc::ENODEV | nix::libc::EADDRNOTAVAIL | nix::libc::ESRCH)
}

fn refusal(index: usize, answer: &ErrorMessage) -> BatchError {
    let errno = errno_of(answer.raw_code());
    let text = extended_text(&answer.header).or_else(|| explain(&errno).map(str::to_owned));
    BatchError { index, errno, text }
}

/// Finds the text of an extended acknowledgement behind the header of the request that it answers.
pub(crate) fn extended_text(answer: &[u8]) -> Option<String> {
    let mut rest = answer.get(HEADER..)?;
    while let [a, b, c, d, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = rest.get(4..length)?;
        if u16::from_ne_bytes([c, d]) == ATTRIBUTE_TEXT {
            let text = String::from_utf8_lossy(value);
            return Some(text.trim_end_matches(['\0', '.']).to_owned());
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_extended_acknowledgement_is_found_behind_other_attributes() {
        let mut answer = vec![0; HEADER];
        answer.extend([8, 0, 2, 0, 1, 2, 3, 4]);
        answer.extend([11, 0, 1, 0]);
        answer.extend(b"Busy.\0\0\0");
        assert_eq!(extended_text(&answer).as_deref(), Some("Busy"));
        assert_eq!(extended_text(&answer[..HEADER]), None);
        assert_eq!(extended_text(&[1, 2, 3]), None);
    }
}

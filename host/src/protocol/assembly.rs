//! A message in the making: from the pieces that come, to what they say.

use serde::de::DeserializeOwned;

use super::ChannelError;

/// The most bytes of a piece, besides its mark.
pub(super) const PIECE: usize = 64 * 1024;
/// Marks a piece that others follow.
pub(super) const MORE: u8 = 1;
/// Marks the last piece.
pub(super) const LAST: u8 = 0;

/// A message as far as it has come. Whoever sends it need not mean well.
#[derive(Debug)]
pub struct Assembly {
    bytes: Vec<u8>,
    limit: usize,
}

impl Assembly {
    /// Begins a message that may have up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    /// Takes a piece, with its mark. Returns whether it was the last.
    pub fn take(&mut self, piece: &[u8]) -> Result<bool, ChannelError> {
        let (mark, bytes) = piece.split_first().ok_or(ChannelError::Piece)?;
        let is_last = match (*mark, bytes.len()) {
            // One that brings nothing and is not the last could be followed by others for ever.
            (MORE, 1..=PIECE) => false,
            (LAST, 0..=PIECE) => true,
            _ => return Err(ChannelError::Piece),
        };
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(ChannelError::TooLarge(self.limit));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(is_last)
    }

    /// Reads the message. What has something behind it is another than it seems.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ChannelError> {
        match postcard::take_from_bytes(&self.bytes)? {
            (message, []) => Ok(message),
            (_, rest) => Err(ChannelError::Trailing(rest.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_one_message() {
        let mut assembly = Assembly::new(10);
        assert!(!assembly.take(&[MORE, 2]).unwrap());
        assert!(!assembly.take(&[MORE, b'o']).unwrap());
        assert!(assembly.take(&[LAST, b'k']).unwrap());
        assert_eq!(assembly.read::<String>().unwrap(), "ok");
    }

    #[test]
    fn what_is_no_piece_is_refused() {
        let too_long = vec![LAST; PIECE + 2];
        for piece in [&[][..], &[MORE], &[2, 0], &[0xff], &too_long] {
            assert!(matches!(Assembly::new(usize::MAX).take(piece), Err(ChannelError::Piece)), "{piece:?}");
        }
    }

    #[test]
    fn message_over_the_limit_is_refused_before_it_is_kept() {
        let mut assembly = Assembly::new(3);
        assembly.take(&[MORE, 0, 0, 0]).unwrap();
        assert!(matches!(assembly.take(&[LAST, 0]), Err(ChannelError::TooLarge(3))));
    }

    #[test]
    fn message_with_something_behind_it_is_none() {
        let mut assembly = Assembly::new(10);
        assembly.take(&[LAST, 1, b'a', b'b']).unwrap();
        assert!(matches!(assembly.read::<String>(), Err(ChannelError::Trailing(1))));
    }
}

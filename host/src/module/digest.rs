//! What names bytes by what they are: SHA-256, as OCI writes it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

const ALGORITHM: &str = "sha256:";

/// A SHA-256: `sha256:` and 64 hexadecimal digits (image-spec, descriptor.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// What was read is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a digest is `sha256:` and 64 hexadecimal digits, in lower case")]
pub struct NoDigest;

impl Digest {
    /// Returns the digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns its digits.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", self.hex())
    }
}

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        text.strip_prefix(ALGORITHM).and_then(parse_hex).map(Self).ok_or(NoDigest)
    }
}

/// Writes bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the digits of a SHA-256, in lower case.
pub fn parse_hex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_hex = digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    for (byte, at) in bytes.iter_mut().zip((0..if is_hex { 64 } else { 0 }).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    is_hex.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_read_back_and_nothing_else_is() {
        let digest = Digest(std::array::from_fn(|at| (at * 7) as u8));
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        let hex = digest.hex();
        for wrong in
            ["", &hex, &text[..70], &format!("{text}0"), &text.replace("07", "0G"), &text.replacen("00", "é", 1)]
        {
            assert_eq!(wrong.parse::<Digest>(), Err(NoDigest), "{wrong}");
        }
        assert_eq!(text.to_uppercase().parse::<Digest>(), Err(NoDigest));
        // FIPS 180-2, of "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").hex(), abc);
    }
}

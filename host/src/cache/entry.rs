//! One compiled module as a file: the code, then a seal that shows damage.

use std::fmt;

use crate::module::hex;

/// What an entry ends with: these bytes, the length of the code and its CRC-32, little-endian.
const MAGIC: &[u8; 8] = b"orchcode";
const SEAL: usize = MAGIC.len() + 8 + 4;

/// Which module, compiled by which engine. It is the entry's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// Makes the key of a module, by its SHA-256, and an engine, by that of all that its code hangs on.
    pub fn new(module: [u8; 32], engine: [u8; 32]) -> Self {
        Self(format!("{}-{}", hex(&module), hex(&engine[..8])))
    }

    /// Reads a file's name; `None` if no entry is called so.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (module, engine) = name.split_once('-')?;
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (module.len() == 64 && engine.len() == 16 && is_hex(module) && is_hex(engine)).then(|| Self(name.to_owned()))
    }

    /// Returns the SHA-256 of the module, in hexadecimal digits.
    pub fn module(&self) -> &str {
        &self.0[..64]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the seal of some code.
pub(crate) fn seal(code: &[u8]) -> [u8; SEAL] {
    let mut seal = [0; SEAL];
    seal[..8].copy_from_slice(MAGIC);
    seal[8..16].copy_from_slice(&(code.len() as u64).to_le_bytes());
    seal[16..].copy_from_slice(&crc32fast::hash(code).to_le_bytes());
    seal
}

/// Takes the seal off; `None` if something is wrong with what it seals.
pub(crate) fn unseal(entry: &[u8]) -> Option<&[u8]> {
    let (code, found) = entry.split_at(entry.len().checked_sub(SEAL)?);
    (seal(code) == *found).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_that_is_short_long_or_changed_is_none() {
        let sealed = |code: &[u8]| [code, &seal(code)].concat();
        for code in [&b""[..], b"code", &[7; 5000]] {
            let entry = sealed(code);
            assert_eq!(unseal(&entry), Some(code));
            for at in [0, entry.len() / 2, entry.len() - 1] {
                let mut changed = entry.clone();
                changed[at] ^= 1;
                assert_eq!(unseal(&changed), None, "byte {at} of {}", entry.len());
                assert_eq!(unseal(&entry[..at]), None, "the first {at} of {}", entry.len());
            }
            assert_eq!(unseal(&[&entry[..], b"x"].concat()), None);
        }
    }

    #[test]
    fn key_is_read_back_from_its_name_alone() {
        let key = Key::new([0xab; 32], [1; 32]);
        assert_eq!(Key::parse(&key.to_string()), Some(key.clone()));
        assert_eq!(key.module(), "ab".repeat(32));
        for name in ["", "x", ".lock", &"a".repeat(81), &key.to_string().to_uppercase(), &format!("{key}0")] {
            assert_eq!(Key::parse(name), None, "{name}");
        }
    }
}

//! A scenario and the libraries that it is run with, as one sequence of bytes: what is digested, cached and compiled together.

/// What no module and no text of one begins with.
const MAGIC: &[u8] = b"\0orchestrator:bundle\0";

/// A module by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// What it is called in messages.
    pub name: &'a str,
    /// The module itself.
    pub bytes: &'a [u8],
}

/// Puts a scenario and its libraries together.
pub fn bundle(scenario: Part<'_>, libraries: &[Part<'_>]) -> Vec<u8> {
    let parts = || std::iter::once(&scenario).chain(libraries);
    let size = parts().map(|part| 16 + part.name.len() + part.bytes.len()).sum::<usize>();
    let mut bundle = Vec::with_capacity(MAGIC.len() + size);
    bundle.extend_from_slice(MAGIC);
    for Part { name, bytes } in parts() {
        for text in [name.as_bytes(), bytes] {
            bundle.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bundle.extend_from_slice(text);
        }
    }
    bundle
}

/// Tells whether bytes begin as a bundle does. No file is one.
pub fn is_bundle(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Takes a bundle apart: the scenario, then its libraries. What is none, or is cut off, is told as none.
pub(super) fn parts(mut bundle: &[u8]) -> Option<Vec<Part<'_>>> {
    bundle = bundle.strip_prefix(MAGIC)?;
    let mut parts = Vec::new();
    while !bundle.is_empty() {
        let name = std::str::from_utf8(take(&mut bundle)?).ok()?;
        parts.push(Part { name, bytes: take(&mut bundle)? });
    }
    (!parts.is_empty()).then_some(parts)
}

fn take<'a>(bundle: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bundle.split_first_chunk::<8>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *bundle = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: fn(&'static str, &'static [u8]) -> Part<'static> = |name, bytes| Part { name, bytes };

    #[test]
    fn parts_come_out_as_they_went_in() {
        let (scenario, libraries) = (PART("lab", b"\0asm"), [PART("", b""), PART("a.wasm", b"(component)")]);
        let bundle = bundle(scenario, &libraries);
        assert_eq!(parts(&bundle).unwrap(), [&[scenario][..], &libraries].concat());
    }

    #[test]
    fn what_is_no_bundle_is_told() {
        let whole = bundle(PART("lab", b"\0asm"), &[PART("a", b"(component)")]);
        for cut in (0..whole.len()).filter(|cut| *cut != whole.len() - (8 + 1 + 8 + b"(component)".len())) {
            assert_eq!(parts(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(parts(b"\0asm\x0d\0\x01\0"), None);
    }
}

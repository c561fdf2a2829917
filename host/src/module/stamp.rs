//! The mark of the sources that a module was built of, as its last section: whoever has the same sources need not build it again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use wasm_encoder::{CustomSection, Section};

use super::Digest;
use super::kind::MAGIC;

/// The custom section that holds the digest.
const NAME: &str = "orchestrator-sources";

/// Returns a module with the mark of its sources behind it; text, which has no sections, is as it was.
pub fn stamped(mut module: Vec<u8>, sources: Digest) -> Vec<u8> {
    if module.starts_with(MAGIC) {
        module.extend(section(sources));
    }
    module
}

/// Tells whether a module in a file has the mark of these sources.
pub fn is_stamped(mut module: File, sources: Digest) -> io::Result<bool> {
    let mark = section(sources);
    let length = mark.len() as u64;
    if module.metadata()?.len() < length {
        return Ok(false);
    }
    let mut end = Vec::with_capacity(mark.len());
    module.seek(SeekFrom::End(-length.cast_signed()))?;
    module.take(length).read_to_end(&mut end)?;
    Ok(end == mark)
}

/// Modules and components have the same form of it.
fn section(sources: Digest) -> Vec<u8> {
    let mut bytes = Vec::new();
    CustomSection { name: NAME.into(), data: (&sources.0[..]).into() }.append_to(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn mark_is_found_and_leaves_a_module_one() {
        let (these, others) = (Digest::of(b"these"), Digest::of(b"others"));
        for text in ["(module)", "(component)"] {
            let module = stamped(wat::parse_str(text).unwrap(), these);
            wasmparser::Validator::new().validate_all(&module).unwrap();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&module).unwrap();
            assert!(is_stamped(file.try_clone().unwrap(), these).unwrap());
            assert!(!is_stamped(file, others).unwrap());
        }
        assert!(!is_stamped(tempfile::tempfile().unwrap(), these).unwrap());
        assert_eq!(stamped(b"(module)".to_vec(), these), b"(module)");
    }
}

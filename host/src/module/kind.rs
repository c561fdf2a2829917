//! What kind of module a file is.

use std::borrow::Cow;
use std::path::Path;

use thiserror::Error;

/// `\0asm`, then a version and a layer of two bytes each.
pub(super) const MAGIC: &[u8] = b"\0asm";
const LAYER_CORE: [u8; 4] = [1, 0, 0, 0];

/// Why bytes are no module.
#[derive(Debug, Error)]
pub enum KindError {
    /// There are none.
    #[error("it is empty")]
    Empty,
    /// They are neither WebAssembly nor its text.
    #[error("it is not WebAssembly: it begins with neither `\\0asm` nor `(`")]
    NotWasm,
    /// They are text with a fault.
    #[error("{0}")]
    Text(wat::Error),
}

/// A module in WebAssembly's own form, which text was turned into.
#[derive(Debug)]
pub enum Binary<'a> {
    /// What most compilers make.
    Core(Cow<'a, [u8]>),
    /// What can be run as it is.
    Component(Cow<'a, [u8]>),
}

/// Tells what kind a module is. `name` stands for the file in what is said of its text.
pub fn binary<'a>(name: &str, bytes: &'a [u8]) -> Result<Binary<'a>, KindError> {
    if bytes.is_empty() {
        return Err(KindError::Empty);
    }
    let bytes = if bytes.starts_with(MAGIC) {
        Cow::Borrowed(bytes)
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| KindError::NotWasm)?;
        let code = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with(";;"));
        if !code.is_some_and(|code| code.starts_with('(')) {
            return Err(KindError::NotWasm);
        }
        let binary = wat::Parser::new().parse_str(Some(Path::new(name)), text).map_err(KindError::Text)?;
        Cow::Owned(binary)
    };
    let is_core = bytes.get(MAGIC.len()..).is_some_and(|rest| rest.starts_with(&LAYER_CORE));
    Ok(if is_core { Binary::Core(bytes) } else { Binary::Component(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_bytes_are_told_apart() {
        let kind = |text: &'static str| binary("test", text.as_bytes());
        assert!(matches!(kind(""), Err(KindError::Empty)));
        assert!(matches!(kind("#!/bin/sh"), Err(KindError::NotWasm)));
        assert!(matches!(kind("(component"), Err(KindError::Text(_))));
        assert!(matches!(kind("(module)"), Ok(Binary::Core(_))));
        assert!(matches!(kind(";; text\n\n  (module)"), Ok(Binary::Core(_))));
        assert!(matches!(kind("(component)"), Ok(Binary::Component(_))));
        assert!(matches!(kind("\0asm\u{1}\0\0\0"), Ok(Binary::Core(_))));
        assert!(matches!(kind("\0asm\u{d}\0\u{1}\0"), Ok(Binary::Component(_))));
        assert!(matches!(kind("\0asm"), Ok(Binary::Component(_))));
    }
}

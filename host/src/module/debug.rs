//! What a module says for debuggers (DWARF), which of a small one is nine tenths. Its functions' names are apart from that and stay, as
//! a trap is shown by them.

use wasm_encoder::{Module, RawSection};
use wasmparser::{BinaryReaderError, Parser, Payload};

/// What the custom sections of DWARF are called at first (DWARF for WebAssembly, section 2).
const DWARF: &str = ".debug_";

/// Returns a core module without what it has for debuggers; a component is as it was.
pub fn without_debug_info(module: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    if !Parser::is_core_wasm(module) {
        return Ok(module.to_vec());
    }
    let mut lean = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if matches!(&payload, Payload::CustomSection(section) if section.name().starts_with(DWARF)) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            lean.section(&RawSection { id, data: &module[range] });
        }
    }
    Ok(lean.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_for_debuggers_goes() {
        let with = |section: &str| {
            let text = format!(
                "(module (memory 1) (func $deep (export \"a\") unreachable) (data (i32.const 0) \"x\") {section})"
            );
            wat::parse_str(text).unwrap()
        };
        let without = with("(@custom \"other\" \"1\")");
        let debug = "(@custom \".debug_info\" \"1\") (@custom \".debug_line\" \"2\") (@custom \"other\" \"1\")";
        assert_ne!(with(debug), without);
        assert_eq!(without_debug_info(&with(debug)).unwrap(), without);
        assert_eq!(without_debug_info(&without).unwrap(), without);
        let component = wat::parse_str("(component)").unwrap();
        assert_eq!(without_debug_info(&component).unwrap(), component);
        assert!(without_debug_info(b"\0asm\x01\0\0\0\x01").is_err());
    }
}

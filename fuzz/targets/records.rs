//! See `orchestrator::fuzz::records`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    orchestrator::fuzz::records(bytes);
});

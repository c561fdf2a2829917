//! The compiled modules that are kept.

use std::path::Path;

use bytesize::ByteSize;
use serde_json::{Value, json};

use super::table::table;

/// A compiled module.
pub struct CachedModule {
    /// The SHA-256 of the module.
    pub module: String,
    /// The size of its code in bytes.
    pub bytes: u64,
    /// When it was last used, as RFC 3339 has it.
    pub used: String,
}

/// Lays them out, or says what was removed.
pub fn cache_table(place: &Path, modules: &[CachedModule], removed: bool) -> String {
    let size = ByteSize(modules.iter().map(|module| module.bytes).sum()).display().iec();
    let count = match modules.len() {
        1 => "1 compiled module".to_owned(),
        count => format!("{count} compiled modules"),
    };
    let place = place.display();
    if removed {
        return format!("removed {count}, {size}, from {place}\n");
    }
    let summary = format!("{count}, {size}, in {place}\n");
    if modules.is_empty() {
        return summary;
    }
    let row = |module: &CachedModule| {
        [module.module.clone(), ByteSize(module.bytes).display().iec().to_string(), module.used.clone()]
    };
    table("", ["MODULE", "SIZE", "LAST USED"], modules.iter().map(row)) + &summary
}

/// Returns them as JSON.
pub fn cache_json(place: &Path, modules: &[CachedModule], removed: bool) -> Value {
    let modules: Vec<Value> = modules
        .iter()
        .map(|CachedModule { module, bytes, used }| json!({ "module": module, "bytes": bytes, "last_used": used }))
        .collect();
    let key = if removed { "removed" } else { "modules" };
    json!({ "directory": place, key: modules })
}

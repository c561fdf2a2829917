//! `orchestrator examples`

use serde_json::{Value, json};

use super::table::table;

/// Lays the examples out, one a line.
pub fn examples_table(examples: &[(&str, &str)]) -> String {
    table("", ["NAME", "DRAWS"], examples.iter().map(|(name, summary)| [(*name).into(), (*summary).into()]))
}

/// Returns the examples as an array.
pub fn examples_json(examples: &[(&str, &str)]) -> Value {
    examples.iter().map(|(name, summary)| json!({ "name": name, "summary": summary })).collect()
}

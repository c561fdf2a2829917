//! In what a lab differs from what it should be.

use serde_json::{Value, json};

use super::table::{or_dash, table};
use crate::topology::{Drift, harmless};

/// Lays differences out, one a line.
pub fn drift_table(drifts: &[Drift]) -> String {
    let rows = drifts.iter().map(|Drift { netns, what, expected, found }| {
        let show =
            |text: &Option<String>| or_dash(text.as_deref().map(|text| if text.is_empty() { "there" } else { text }));
        [netns.to_string(), harmless(what), show(expected), harmless(&show(found))]
    });
    table("", ["NETNS", "WHAT", "SHOULD BE", "IS"], rows)
}

/// The same for programs.
pub fn drift_json(lab: &str, drifts: &[Drift]) -> Value {
    json!({ "lab": lab, "drift": drifts })
}

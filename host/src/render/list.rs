//! `orchestrator list`

use serde_json::{Value, json};

use super::table::table;
use crate::protocol::{State, Status};

/// A lab; without status if its agent can't be talked to.
pub struct Row {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// What its agent says.
    pub status: Option<Status>,
}

fn state(state: State) -> &'static str {
    match state {
        State::Building => "building",
        State::Up => "up",
    }
}

/// Lays labs out, one a line.
pub fn list_table(rows: &[Row]) -> String {
    let heading = ["LAB", "USER", "MODULE", "STATE", "NETNS", "LINKS", "AGENT", "STARTED"];
    let cells = rows.iter().map(|Row { name, user, status }| match status {
        Some(status) => [
            name.clone(),
            user.clone(),
            status.module.escape_debug().to_string(),
            state(status.state).into(),
            status.netns.to_string(),
            status.links.to_string(),
            status.agent_pid.to_string(),
            humantime::format_rfc3339_seconds(status.started).to_string(),
        ],
        None => {
            [name.clone(), user.clone(), "-".into(), "unknown".into(), "-".into(), "-".into(), "-".into(), "-".into()]
        }
    });
    table("", heading, cells)
}

/// Returns labs as an array.
pub fn list_json(rows: &[Row]) -> Value {
    let value = |Row { name, user, status }: &Row| match status {
        Some(status) => json!({
            "name": name,
            "user": user,
            "module": status.module,
            "state": state(status.state),
            "netns": status.netns,
            "links": status.links,
            "agent_pid": status.agent_pid,
            "started": humantime::format_rfc3339_seconds(status.started).to_string(),
            "on_host": false,
        }),
        None => json!({ "name": name, "user": user, "state": "unknown" }),
    };
    rows.iter().map(value).collect()
}

//! `orchestrator list`

use serde_json::{Value, json};

use super::table::table;

/// A lab; without status if its agent can't be talked to.
pub struct Row {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// What its agent says.
    pub status: Option<Status>,
}

/// What its agent says of a lab.
pub struct Status {
    /// The module that it was built from, as it was given.
    pub module: String,
    /// `building` or `up`.
    pub state: &'static str,
    /// Its host is the machine itself.
    pub on_host: bool,
    /// Its namespaces, the host among them.
    pub netns: usize,
    /// Its links, every `lo` left out.
    pub links: usize,
    /// The agent's PID.
    pub agent_pid: i32,
    /// When the agent started, in UTC (RFC 3339).
    pub started: String,
}

/// Lays labs out, one a line.
pub fn list_table(rows: &[Row]) -> String {
    let heading = ["LAB", "USER", "MODULE", "STATE", "HOST", "NETNS", "LINKS", "AGENT", "STARTED"];
    let cells = rows.iter().map(|Row { name, user, status }| match status {
        Some(status) => [
            name.clone(),
            user.clone(),
            crate::topology::harmless(&status.module),
            status.state.into(),
            if status.on_host { "machine" } else { "private" }.into(),
            status.netns.to_string(),
            status.links.to_string(),
            status.agent_pid.to_string(),
            status.started.clone(),
        ],
        None => [
            name.clone(),
            user.clone(),
            "-".into(),
            "unknown".into(),
            "-".into(),
            "-".into(),
            "-".into(),
            "-".into(),
            "-".into(),
        ],
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
            "state": status.state,
            "netns": status.netns,
            "links": status.links,
            "agent_pid": status.agent_pid,
            "started": status.started,
            "on_host": status.on_host,
        }),
        None => json!({ "name": name, "user": user, "state": "unknown" }),
    };
    rows.iter().map(value).collect()
}

//! The independent witness: what `ip -j` says of the machine's network and of a lab's.

use serde_json::Value;

use super::Machine;

impl Machine {
    /// Runs `ip -j` with `args` as the machine's root, in the machine's own network, and returns what it prints.
    ///
    /// A command that prints nothing, as one that changes something, is an empty array.
    #[track_caller]
    pub(crate) fn ip(&self, args: &[&str]) -> Value {
        parse(self.root_command("ip").arg("-j").args(args).run().success().stdout())
    }

    /// Runs `ip -j` likewise in the netns that `path` leads to: /run/netns/NAME, /proc/PID/ns/net, /proc/PID/fd/N.
    #[track_caller]
    pub(crate) fn ip_at(&self, path: &str, args: &[&str]) -> Value {
        let enter = format!("--net={path}");
        let command = self.root_command("nsenter").args(&[&enter, "--", "ip", "-j"]).args(args);
        parse(command.run().success().stdout())
    }

    /// Runs `ip -j` likewise in a netns of a lab, `host` being the lab's host.
    #[track_caller]
    pub(crate) fn lab_ip(&self, lab: &str, netns: &str, args: &[&str]) -> Value {
        self.ip_at(&self.lab_netns(lab, netns), args)
    }

    /// Returns the path, for the machine's root, of a netns of a lab: one that the lab's agent is in or holds open.
    ///
    /// `orchestrator list` is asked for the agent and `exec` which netns has the name; what is in that netns is seen
    /// without either.
    #[track_caller]
    pub(crate) fn lab_netns(&self, lab: &str, netns: &str) -> String {
        let agent = self.agent_pid(lab);
        if netns == "host" {
            return format!("/proc/{agent}/ns/net");
        }
        let asked = self.orchestrator(&["exec", lab, netns, "--", "readlink", "/proc/self/ns/net"]);
        let identity = asked.success().stdout().trim();
        self.descriptor(agent, identity)
    }

    /// Returns the process id, in the machine, of a lab's agent.
    #[track_caller]
    pub(crate) fn agent_pid(&self, lab: &str) -> u32 {
        let labs = self.orchestrator(&["list", "--json"]).success().json();
        let listed = labs.as_array().into_iter().flatten().find(|entry| entry["name"] == lab);
        listed
            .and_then(|entry| entry["agent_pid"].as_u64()?.try_into().ok())
            .unwrap_or_else(|| panic!("`orchestrator list` has no agent of a lab `{lab}`: {labs}"))
    }

    /// Returns the path under which process `pid` holds `target` open, such as `net:[4026532252]`.
    #[track_caller]
    pub(crate) fn descriptor(&self, pid: u32, target: &str) -> String {
        let directory = format!("/proc/{pid}/fd");
        let found = self.root_command("find").args(&[&directory, "-lname", &pattern(target), "-print", "-quit"]).run();
        // Its status says nothing: descriptors that were closed meanwhile are errors to `find`.
        let path = found.stdout().trim();
        assert!(!path.is_empty(), "process {pid} does not hold {target} open: {found}");
        path.to_owned()
    }
}

/// Quotes what `find` would take for a pattern.
fn pattern(text: &str) -> String {
    text.replace('[', "\\[").replace(']', "\\]")
}

/// Parses output of `ip -j`, which prints nothing for nothing, and `{}` for each thing that a filter leaves out.
#[track_caller]
fn parse(printed: &str) -> Value {
    if printed.trim().is_empty() {
        return Value::Array(Vec::new());
    }
    let mut value =
        serde_json::from_str(printed).unwrap_or_else(|error| panic!("`ip -j` printed no JSON ({error}): {printed}"));
    if let Value::Array(items) = &mut value {
        items.retain(|item| item.as_object().is_none_or(|fields| !fields.is_empty()));
    }
    value
}

//! What `run` says at its end.

use std::fmt::Write as _;
use std::time::Duration;

/// When the module was compiled.
#[derive(Clone, Copy, Debug)]
pub enum Compiled {
    /// By an earlier run.
    Before,
    /// By this one, in that time.
    Now(Duration),
}

/// What stands, and how long it took.
pub struct Account<'a> {
    /// Its name.
    pub lab: &'a str,
    /// Its namespaces, the host among them.
    pub netns: usize,
    /// Its links, every `lo` left out.
    pub links: usize,
    /// From the start of the program.
    pub took: Duration,
    /// Of that, compiling the module.
    pub compiled: Compiled,
    /// Of that, building in the kernel.
    pub building: Duration,
    /// An example of a netns that is not the host, if there is one.
    pub netns_name: Option<&'a str>,
    /// It has names for `ip netns`.
    pub published: bool,
    /// Its host is the machine itself.
    pub on_host: bool,
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Says what stands and what to type next.
pub fn account(account: &Account<'_>) -> String {
    let Account { lab, netns, links, took, compiled, building, netns_name, published, on_host } = *account;
    let mut text = format!("lab `{lab}` stands: {netns} netns, {links} links\n");
    let compiling = match compiled {
        Compiled::Before => String::new(),
        Compiled::Now(time) => format!("{} to compile the module and ", milliseconds(time)),
    };
    let _ = writeln!(text, "took {}, of which {compiling}{} to build", milliseconds(took), milliseconds(building));
    let inside = netns_name.unwrap_or("host");
    let mut next = vec![
        (format!("orchestrator exec {lab} {inside}"), "a shell inside"),
        (format!("orchestrator ping {lab}"), "who reaches whom"),
        (format!("orchestrator show {lab}"), "links, addresses, routes"),
        (format!("orchestrator down {lab}"), "remove it"),
    ];
    if on_host {
        next.insert(3, ("ip link".into(), "the machine's links, with the lab's"));
    } else if published {
        next.insert(3, (format!("ip -n {lab}.host link"), "its host, as root"));
    }
    let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    for (command, what) in next {
        let _ = writeln!(text, "  {command:width$}   # {what}");
    }
    text
}

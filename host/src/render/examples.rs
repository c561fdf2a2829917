//! `orchestrator examples`

use serde_json::{Value, json};

use super::table::{or_dash, table};

/// What there is to say about an example.
#[derive(Clone, Copy, Debug)]
pub struct ExampleRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// It is a library for scenarios.
    pub is_library: bool,
    /// What it draws, in a line.
    pub summary: &'a str,
    /// What it takes, in the words of a usage.
    pub arguments: &'a str,
    /// Arguments that it can be tried with.
    pub typed: &'a str,
    /// How many namespaces its lab has, the host among them.
    pub netns: &'a str,
    /// The languages that its code is there in.
    pub languages: &'a [&'a str],
}

/// Lays the examples out, one a line.
pub fn examples_table(examples: &[ExampleRow<'_>]) -> String {
    let row = |example: &ExampleRow<'_>| {
        let arguments = or_dash(Some(example.arguments).filter(|arguments| !arguments.is_empty()));
        [example.name.into(), example.summary.into(), arguments, example.netns.into()]
    };
    table("", ["NAME", "DRAWS", "ARGUMENTS", "NETNS"], examples.iter().map(row))
}

/// Returns the examples as an array.
pub fn examples_json(examples: &[ExampleRow<'_>]) -> Value {
    examples.iter().map(example_json).collect()
}

/// Returns one as an object.
pub fn example_json(example: &ExampleRow<'_>) -> Value {
    json!({
        "name": example.name,
        "kind": if example.is_library { "library" } else { "scenario" },
        "summary": example.summary,
        "arguments": example.arguments,
        "netns": example.netns,
        "languages": example.languages,
    })
}

/// Says all about one: what it draws, a drawing, and what to type next. `takes` is what the example says of its arguments.
pub fn example_text(example: &ExampleRow<'_>, drawing: &str, takes: &str) -> String {
    let ExampleRow { name, is_library, summary, typed, netns, languages, .. } = example;
    let mut text = format!("{name}: {summary}\n\n{drawing}\nnamespaces: {netns}\n");
    if !takes.is_empty() {
        text += &format!("\n{}\n", takes.trim_end());
    }
    text += "\nnext:\n";
    let mut next = Vec::new();
    if *is_library {
        next.push((format!("orchestrator wit {name}"), "what it exports".into()));
        next.push((
            format!("orchestrator run ./my-lab.wasm --with {name}"),
            "with a scenario that imports that".into(),
        ));
    } else {
        let arguments = if typed.is_empty() { String::new() } else { format!(" -- {typed}") };
        next.push((format!("orchestrator run {name}{arguments}"), "build it".into()));
    }
    if let [first, others @ ..] = languages {
        let also = if others.is_empty() { String::new() } else { format!(", also in {}", others.join(", ")) };
        next.push((format!("orchestrator examples {name} --source {first}"), format!("read its code{also}")));
    }
    let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    for (command, what) in next {
        text += &format!("  {command:width$}   # {what}\n");
    }
    text
}

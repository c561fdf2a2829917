//! The formats of a plan, for every example. That it is the same for all users is tried elsewhere.

use super::*;

#[test]
fn table_has_the_network_and_the_steps() {
    on_machine(Kind::User, |m| {
        for scenario in EXAMPLES {
            let plan = example(m, &["plan", "--json"], scenario).run().success().json();
            let table = example(m, &["plan"], scenario).run();
            assert_eq!(
                example(m, &["plan", "--format", "table"], scenario).run().success().stdout(),
                table.success().stdout()
            );
            let (network, rest) = table.stdout().split_once("\nsteps\n").unwrap_or_else(|| panic!("no steps: {table}"));
            for netns in plan["topology"]["netns"].as_array().unwrap() {
                assert!(network.contains(&format!("netns {}", netns["name"].as_str().unwrap())), "{netns}: {table}");
                for link in netns["links"].as_array().unwrap() {
                    assert!(network.contains(link["name"].as_str().unwrap()), "{link}: {table}");
                    for address in link["addresses"].as_array().unwrap() {
                        assert!(network.contains(address.as_str().unwrap()), "{address}: {table}");
                    }
                }
            }
            // Each step is numbered, in its words.
            for (line, (at, step)) in rest.lines().zip(plan["steps"].as_array().unwrap().iter().enumerate()) {
                assert_eq!(line.trim_start(), format!("{}  {}", at + 1, step["ip"].as_str().unwrap()), "{scenario:?}");
            }
            assert!(table.stdout().ends_with(&format!("\n{}\n", plan["digest"].as_str().unwrap())), "{table}");
        }
        // Of nothing there is a plan too.
        m.write("empty.wat", support::EMPTY_WAT);
        m.orchestrator(&["plan", "empty.wat"])
            .success()
            .stdout_has("1 netns, 0 links, 0 addresses, 0 routes, 0 steps\nsha256:");
    });
}

#[test]
fn ip_is_a_script_for_sh() {
    on_machine(Kind::User, |m| {
        for scenario in EXAMPLES {
            let outcome = example(m, &["plan", "--format", "ip"], scenario).run();
            let script = outcome.success().stdout();
            assert!(script.starts_with("#!/bin/sh\n"), "{script}");
            m.command("sh").arg("-n").stdin(script).run().success();
        }
    });
}

#[test]
fn dot_and_mermaid_have_every_netns_and_link() {
    on_machine(Kind::User, |m| {
        for scenario in EXAMPLES {
            let plan = example(m, &["plan", "--json"], scenario).run().success().json();
            for (format, beginning) in [("dot", "graph "), ("mermaid", "flowchart ")] {
                let outcome = example(m, &["plan", "--format", format], scenario).run();
                assert!(outcome.success().stdout().starts_with(beginning), "{outcome}");
                for netns in plan["topology"]["netns"].as_array().unwrap() {
                    // A host that has nothing but its `lo` is not drawn.
                    for link in netns["links"].as_array().unwrap().iter().filter(|link| link["kind"] != "loopback") {
                        outcome.stdout_has(netns["name"].as_str().unwrap()).stdout_has(link["name"].as_str().unwrap());
                    }
                }
            }
        }
    });
}

#[test]
#[ignore = "needs graphviz: `cargo test --release --test plan -- --ignored`"]
fn dot_is_drawn_by_graphviz() {
    on_machine(Kind::User, |m| {
        for scenario in EXAMPLES {
            let dot = example(m, &["plan", "--format", "dot"], scenario).run();
            let drawn = m.command("dot").arg("-Tsvg").stdin(dot.success().stdout()).run();
            drawn.success().stdout_has("</svg>");
            assert_eq!(drawn.stderr(), "", "{scenario:?}");
        }
    });
}

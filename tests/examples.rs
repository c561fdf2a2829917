//! The built-in examples stand, prove themselves, and are the same for everybody.

mod support;

#[path = "examples/direct_pair.rs"]
mod direct_pair;
#[path = "examples/fabric.rs"]
mod fabric;
#[path = "examples/full_mesh.rs"]
mod full_mesh;
#[path = "examples/many_containers.rs"]
mod many_containers;
#[path = "examples/two_lans.rs"]
mod two_lans;
#[path = "examples/two_routers.rs"]
mod two_routers;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use support::{EXAMPLES, Kind, LabView, Outcome, kernel_test, on_machine};

/// The wording of a lab's two containers, whose links have these names and addresses.
fn container(link: &str, cidr: &str, network: &str) -> [String; 3] {
    let address = cidr.split('/').next().unwrap();
    [
        "lo up 127.0.0.1/8 ::1/128".to_owned(),
        format!("{link} up {cidr} link-local"),
        format!("{network} dev {link} proto kernel scope link src {address}"),
    ]
}

/// Expects a success that prints lines with these beginnings, and no others.
#[track_caller]
fn prints(outcome: &Outcome, beginnings: &[&str]) {
    let lines: Vec<&str> = outcome.success().stdout().lines().collect();
    assert_eq!(lines.len(), beginnings.len(), "{outcome}");
    for (line, beginning) in lines.iter().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}: {outcome}");
    }
}

/// Finds all that `two-containers` draws in a lab.
#[track_caller]
fn two_containers_stand(lab: &LabView<'_>) {
    let host = [
        "lo down",
        "br0 up 172.16.0.1/24 link-local",
        "uplink0 up 192.168.100.1/24 link-local",
        "veth1 up master br0",
        "veth2 up master br0",
        "172.16.0.0/24 dev br0 proto kernel scope link src 172.16.0.1",
        "192.168.100.0/24 dev uplink0 proto kernel scope link src 192.168.100.1",
    ];
    assert_eq!(lab.netns("host"), host);
    let [lo, ceth1, connected] = container("ceth1", "172.16.0.2/24", "172.16.0.0/24");
    assert_eq!(lab.netns("container1"), [lo, ceth1, "default via 172.16.0.1 dev ceth1".to_owned(), connected]);
    assert_eq!(lab.netns("container2"), container("ceth2", "172.16.0.3/24", "172.16.0.0/24"));
    assert_eq!(lab.netns_count(), 3);
}

/// Finds all that `n-containers` draws for the containers of these numbers, out of `count`.
#[track_caller]
fn n_containers_stand(lab: &LabView<'_>, count: usize, ipv6: bool, looked_at: &[usize]) {
    let host = lab.netns("host");
    let mut wanted: Vec<String> = (1..=count).map(|i| format!("veth{i} up master br0")).collect();
    wanted.sort();
    let (own, own6) = if ipv6 { ("10.0.0.1/16 fd00:a::1/64", true) } else { ("10.0.0.1/16", false) };
    wanted.splice(0..0, ["lo down".to_owned(), format!("br0 up {own} link-local")]);
    wanted.push("10.0.0.0/16 dev br0 proto kernel scope link src 10.0.0.1".to_owned());
    wanted.extend(own6.then(|| "fd00:a::/64 dev br0 proto kernel metric 256".to_owned()));
    assert_eq!(host, wanted);
    for i in looked_at {
        let address = format!("10.0.{}.{}", (i + 1) / 256, (i + 1) % 256);
        let cidrs = if ipv6 { format!("{address}/16 fd00:a::{:x}/64", i + 1) } else { format!("{address}/16") };
        let mut wanted = vec![
            "lo up 127.0.0.1/8 ::1/128".to_owned(),
            format!("ceth{i} up {cidrs} link-local"),
            format!("default via 10.0.0.1 dev ceth{i}"),
            format!("10.0.0.0/16 dev ceth{i} proto kernel scope link src {address}"),
        ];
        if ipv6 {
            wanted.push(format!("default via fd00:a::1 dev ceth{i} metric 1024"));
            wanted.push(format!("fd00:a::/64 dev ceth{i} proto kernel metric 256"));
        }
        assert_eq!(lab.netns(&format!("c{i}")), wanted, "c{i}");
    }
    assert_eq!(lab.netns_count(), count + 1);
}

/// Finds exactly the addresses that the containers of `n-containers` are to have, each on its own link.
#[track_caller]
fn every_container_has_its_addresses(lab: &LabView<'_>, count: usize, ipv6: bool) {
    let mut wanted: BTreeSet<String> = BTreeSet::from(["br0 10.0.0.1/16".to_owned()]);
    wanted.extend((1..=count).map(|i| format!("ceth{i} 10.0.{}.{}/16", (i + 1) / 256, (i + 1) % 256)));
    if ipv6 {
        wanted.insert("br0 fd00:a::1/64".to_owned());
        wanted.extend((1..=count).map(|i| format!("ceth{i} fd00:a::{:x}/64", i + 1)));
    }
    assert_eq!(lab.global_addresses(), wanted);
}

kernel_test!(two_containers_stands_and_proves_itself, |m| {
    let outcome = m.orchestrator(&["run", "two-containers"]);
    let beginnings = [
        "host: br0 inet 172.16.0.1/24",
        "host: 172.16.0.0/24 dev br0",
        "container1 -> container2: reply in ",
        "host -> container1: reply in ",
        "host -> container2: reply in ",
        "container1 -> uplink0: network is unreachable",
        "container1 -> uplink0: reply in ",
    ];
    prints(&outcome, &beginnings);
    let lab = m.view("two-containers");
    two_containers_stand(&lab);
    lab.down();
});

kernel_test!(single_container_stands_and_proves_itself, |m| {
    let outcome = m.orchestrator(&["run", "single-container"]);
    outcome
        .success()
        .stdout_has("host -> container1: reply in ")
        .stdout_has("container1 -> host: reply in ")
        .stdout_has("container1 -> 192.168.100.1: network is unreachable");
    let lab = m.view("single-container");
    let host = [
        "lo down",
        "veth1 up 172.16.0.1/24 link-local",
        "172.16.0.0/24 dev veth1 proto kernel scope link src 172.16.0.1",
    ];
    assert_eq!(lab.netns("host"), host);
    assert_eq!(lab.netns("container1"), container("ceth1", "172.16.0.2/24", "172.16.0.0/24"));
    assert_eq!(lab.netns_count(), 2);
    lab.down();
});

kernel_test!(n_containers_stand_as_a_pair, |m| {
    let outcome = m.orchestrator(&["run", "n-containers", "--", "2"]);
    outcome.success().stdout_has("c1 -> c2, 10.0.0.3: reply in ").stdout_has("c2 -> host, 10.0.0.1: reply in ");
    let lab = m.view("n-containers");
    n_containers_stand(&lab, 2, false, &[1, 2]);
    every_container_has_its_addresses(&lab, 2, false);
    lab.down();
});

kernel_test!(n_containers_stand_as_a_hundred, |m| {
    let outcome = m.orchestrator(&["run", "n-containers", "--", "100"]);
    outcome.success().stdout_has("c1 -> c100, 10.0.0.101: reply in ").stdout_has("c100 -> host, 10.0.0.1: reply in ");
    let lab = m.view("n-containers");
    n_containers_stand(&lab, 100, false, &[1, 57, 100]);
    every_container_has_its_addresses(&lab, 100, false);
    lab.down();
});

kernel_test!(n_containers_stand_as_a_hundred_with_ipv6, |m| {
    let outcome = m.orchestrator(&["run", "n-containers", "--", "100", "--ipv6"]);
    outcome
        .success()
        .stdout_has("c1 -> c100, 10.0.0.101: reply in ")
        .stdout_has("c1 -> c100, fd00:a::65: reply in ")
        .stdout_has("c100 -> host, fd00:a::1: reply in ");
    let lab = m.view("n-containers");
    n_containers_stand(&lab, 100, true, &[1, 57, 100]);
    every_container_has_its_addresses(&lab, 100, true);
    lab.down();
});

kernel_test!(labs_that_use_the_same_names_do_not_disturb_each_other, |m| {
    m.orchestrator(&["run", "two-containers", "--name", "one"]).success();
    m.orchestrator(&["run", "n-containers", "--name", "two", "--", "2"]).success();
    m.orchestrator(&["run", "two-containers", "--name", "three"]).success();
    let [one, two, three] = ["one", "two", "three"].map(|lab| m.view(lab));
    two_containers_stand(&one);
    n_containers_stand(&two, 2, false, &[1, 2]);
    two_containers_stand(&three);
    // The machine's own network has none of it.
    let machine: Vec<Value> = m.ip(&["link"]).as_array().unwrap().clone();
    assert!(machine.iter().all(|link| !["br0", "veth1", "uplink0"].contains(&link["ifname"].as_str().unwrap())));

    one.down();
    n_containers_stand(&two, 2, false, &[1, 2]);
    two_containers_stand(&three);
    for (lab, from, to) in [("two", "c1", "10.0.0.3"), ("three", "container1", "172.16.0.3")] {
        m.orchestrator(&["exec", lab, from, "--", "ping", "-c", "1", "-W", "5", to]).success();
    }
    two.down();
    two_containers_stand(&three);
    three.down();
});

kernel_test!(examples_are_written_to_files_that_run, |m| {
    let directory = format!("{}/made/examples", m.kind().home());
    m.orchestrator(&["examples", "--out", &directory]).success().stdout_has(&format!("{directory}/fabric.wasm\n"));
    let written = m.command("ls").arg(&directory).run();
    let files: Vec<&str> = written.success().stdout().lines().collect();
    let mut written: Vec<String> = EXAMPLES.iter().chain(&["leaf-spine"]).map(|name| format!("{name}.wasm")).collect();
    written.sort();
    assert_eq!(files, written);

    let outcome = m.orchestrator(&["run", &format!("{directory}/two-containers.wasm")]);
    outcome.success().stdout_has("container1 -> container2: reply in ");
    let lab = m.view("two-containers");
    two_containers_stand(&lab);
    lab.down();
    // A second time they are written over.
    m.orchestrator(&["examples", "--out", &directory]).success();
});

kernel_test!(examples_are_listed, |m| {
    let listed = m.orchestrator(&["examples", "--json"]).success().json();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|example| example["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "two-containers",
            "single-container",
            "n-containers",
            "direct-pair",
            "full-mesh",
            "two-lans",
            "two-routers",
            "fabric",
            "leaf-spine"
        ]
    );
    let table = m.orchestrator(&["examples"]);
    for name in names {
        table.success().stdout_has(name);
    }
});

/// All that `ip -j` has of some netns, without what counts time or users.
fn seen_by(kind: Kind) -> Vec<Value> {
    let mut seen = Vec::new();
    on_machine(kind, |m| {
        let examples: [(&[&str], &[&str]); 7] = [
            (&["two-containers"], &["host", "container1", "container2"]),
            (&["n-containers", "--", "3", "--ipv6"], &["host", "c1", "c3"]),
            (&["direct-pair"], &["host", "left", "right"]),
            (&["full-mesh", "--", "5"], &["host", "m1", "m3"]),
            (&["two-lans"], &["host", "switch1", "switch2", "host1"]),
            (&["two-routers"], &["host", "lan-a", "router1", "router2"]),
            (&["fabric", "--", "2", "2", "2", "--ipv6"], &["host", "spine1", "leaf2", "leaf2-host2"]),
        ];
        for (run, netns) in examples {
            let name = run[0];
            m.command("orchestrator").arg("run").args(run).run().success();
            let lab = m.view(name);
            for netns in netns {
                let (links, routes) = lab.read(netns);
                seen.extend(links.iter().map(identity));
                seen.push(json!(routes));
            }
            lab.down();
        }
    });
    seen
}

/// What makes a link the same one on another machine.
fn identity(link: &Value) -> Value {
    let addresses = link["addr_info"].as_array().unwrap().iter();
    let addresses: Vec<Value> =
        addresses.map(|address| json!([address["local"], address["prefixlen"], address["scope"]])).collect();
    json!([link["ifindex"], link["ifname"], link["address"], link["mtu"], link["master"], addresses])
}

#[test]
fn scenario_draws_the_same_for_root_and_for_a_user() {
    let root = seen_by(Kind::Root);
    assert_eq!(root, seen_by(Kind::User));
    let text = json!(root).to_string();
    assert!(text.contains("172.16.0.2") && text.contains("fd00:a::4") && text.contains("\"02:"), "{text}");
}

/// The number that a formula of the catalogue comes to: sums of products of numbers and of arguments.
fn value(formula: &str, arguments: &[(&str, u64)]) -> u64 {
    let factor = |factor: &str| {
        let named = arguments.iter().find(|(name, _)| *name == factor).map(|(_, value)| *value);
        named.or_else(|| factor.parse().ok()).unwrap_or_else(|| panic!("`{factor}` of `{formula}`"))
    };
    formula.split(" + ").map(|product| product.split(" * ").map(factor).product::<u64>()).sum()
}

#[test]
fn catalogue_is_right() {
    on_machine(Kind::User, |m| {
        let listed = m.orchestrator(&["examples", "--json"]).success().json();
        let (libraries, scenarios): (Vec<&Value>, Vec<&Value>) =
            listed.as_array().unwrap().iter().partition(|example| example["kind"] == "library");
        assert_eq!(libraries.len(), 1);
        for example in scenarios {
            let name = example["name"].as_str().unwrap();
            let described = &m.orchestrator(&["inspect", name, "--json"]).success().json()["description"];
            assert_eq!(
                (&described["title"], &described["usage"]),
                (&example["summary"], &example["arguments"]),
                "{name}"
            );
            let given: &[(&str, u64)] = match name {
                "n-containers" | "full-mesh" => &[("CONTAINERS", 5)],
                "fabric" => &[("LEAVES", 3), ("SPINES", 2), ("HOSTS", 4)],
                _ => &[],
            };
            let arguments: Vec<String> = given.iter().map(|(_, value)| value.to_string()).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let plan = m.orchestrator(&[&["plan", name, "--json", "--"], &arguments[..]].concat()).success().json();
            let netns = plan["topology"]["netns"].as_array().map(Vec::len);
            let formula = example["netns"].as_str().unwrap();
            assert_eq!(netns, Some(value(formula, given) as usize), "{name}: {formula}");
        }
    });
}

#[test]
fn example_is_told_with_its_drawing_and_its_code() {
    on_machine(Kind::User, |m| {
        let told = m.orchestrator(&["examples", "n-containers"]);
        told.success().stdout_has("n-containers: N containers on a bridge, or on a row of bridges\n\n host ");
        told.stdout_has("How many containers there are [whole number from 1 to 65533]\n");
        told.stdout_has("\n  orchestrator run n-containers -- 3 ");
        told.stdout_has("--source rust   # read its code, also in python, javascript, c, go, zig\n");
        m.orchestrator(&["examples", "leaf-spine"]).success().stdout_has("\n  orchestrator wit leaf-spine ");
        for (example, language, words) in [
            ("two-containers", "python", "def draw() -> None:"),
            ("two-containers", "wat", "(module"),
            ("two-containers", "c", "#include \"orchestrator.h\""),
            ("n-containers", "go", "package main"),
            ("n-containers", "zig", "@import(\"orchestrator\")"),
            ("n-containers", "rust", "// src/arguments.rs\n\n"),
            ("leaf-spine", "javascript", "import * as fabric from"),
        ] {
            m.orchestrator(&["examples", example, "--source", language]).success().stdout_has(words);
        }
        // One file is its text and nothing else.
        let code = m.orchestrator(&["examples", "direct-pair", "--source", "rust"]);
        assert_eq!(code.success().stdout(), include_str!("../guest-examples/direct-pair/src/main.rs"));
        let refused = m.orchestrator(&["examples", "fabric", "--source", "cobol"]);
        refused.complains(2, "`fabric` is not there in `cobol`").stderr_has("its code is there in rust");
        m.orchestrator(&["examples", "fabrik"]).complains(2, "did you mean `fabric`?");
        m.orchestrator(&["examples", "--source", "rust"]).fails_with(2).stderr_has("<NAME>");
        m.orchestrator(&["examples", "fabric", "--out", "x"]).fails_with(2).stderr_has("cannot be used with");
    });
}

//! `orchestrator list` and `orchestrator show`, compared with `ip -j`.

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{EMPTY_WAT, Machine, kernel_test};

/// Links up and down, with and without addresses, a bridge with ports, routes of both families.
const VARIED: &str = "netns.add,red netns.add,blue bridge.add,host,br0 veth.add,host,v1,red,eth0 \
                      veth.add,host,v2,blue,eth0 bridge.add-port,host,br0,v1 bridge.add-port,host,br0,v2 \
                      link.set-up,host,br0 link.set-up,host,v1 link.set-up,red,eth0 link.set-up,red,lo \
                      link.set-mtu,blue,eth0,1400 address.add,host,br0,10.1.0.1/16 address.add,red,eth0,10.1.0.2/16 \
                      address.add,red,eth0,10.1.0.3/16 address.add,red,eth0,2001:db8::2/64 \
                      route.add,red,default,10.1.0.1 route.add,red,2001:db8:1::/48,2001:db8::1 \
                      route.add-on-link,red,eth0,192.168.7.0/24";

kernel_test!(list_of_no_lab_is_empty, |m| {
    assert_eq!(m.orchestrator(&["list", "--json"]).success().json(), json!([]));
    let table = m.orchestrator(&["list"]);
    assert_eq!(table.success().stdout().lines().count(), 1, "a heading and nothing else: {table}");
    // And `list` makes nothing.
    m.has_no_trace_of_labs();
});

kernel_test!(list_as_json_has_the_documented_fields, |m| {
    let before = seconds();
    m.stand("varied", VARIED);
    let after = seconds();
    let listed = m.orchestrator(&["list", "--json"]).success().json();
    let [lab] = &listed.as_array().expect("an array")[..] else { panic!("one lab in {listed}") };
    let fields: Vec<&String> = lab.as_object().expect("an object").keys().collect();
    let documented = ["agent_pid", "links", "module", "name", "netns", "on_host", "started", "state", "user"];
    assert_eq!(fields, documented, "{lab}");

    assert_eq!(lab["name"], "varied");
    assert_eq!(lab["user"], json!(m.owner()));
    assert_eq!(lab["module"], support::GUEST_CALLS);
    assert_eq!(lab["state"], "up");
    assert_eq!(lab["on_host"], false);
    assert_eq!(lab["netns"], 3);
    let links: usize = ["host", "red", "blue"].map(|netns| by_ip(m, "varied", netns).len() - 1).iter().sum();
    assert_eq!(lab["links"], json!(links));
    let agent = m.processes().into_iter().find(|(pid, _)| lab["agent_pid"] == json!(pid));
    assert!(agent.as_ref().is_some_and(|(_, command)| command.starts_with("orchestrator agent")), "{agent:?}");
    let started = lab["started"].as_str().expect("a text");
    let time = m.command("date").args(&["--utc", "+%s", "--date", started]).run();
    let time: u64 = time.success().stdout().trim().parse().expect("a number");
    assert!((before..=after).contains(&time), "{started} is between {before} and {after}");
    // RFC 3339 in UTC, to the second.
    let shape: String = started.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z");
    m.orchestrator(&["down", "varied"]).success();
});

kernel_test!(list_shows_a_lab_that_is_being_built_as_building, |m| {
    let mut run = m.play("half", &[], "netns.add,c1 lab.apply netns.add,c2 sys.sleep,60000").spawn();
    run.stdout_gets("netns.add,c2: ok");
    let listed = m.orchestrator(&["list", "--json"]).success().json();
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&json!("half"), &json!("building")));
    // What has not been applied does not stand.
    assert_eq!(listed[0]["netns"], 2);
    m.orchestrator(&["list"]).success().stdout_has("building");
    run.signal(Signal::SIGINT);
    run.wait().fails_with(130);
});

kernel_test!(list_has_the_module_as_it_was_given, |m| {
    m.write("my lab.wat", EMPTY_WAT);
    m.orchestrator(&["run", "./my lab.wat"]).success();
    m.orchestrator(&["run", "single-container"]).success();
    let listed = m.orchestrator(&["list", "--json"]).success().json();
    let modules: Vec<&Value> = listed.as_array().into_iter().flatten().map(|lab| &lab["module"]).collect();
    assert_eq!(modules, [&json!("./my lab.wat"), &json!("single-container")]);
    m.orchestrator(&["down", "--all"]).success();
});

kernel_test!(list_is_a_table_with_a_line_for_each_lab_by_name, |m| {
    let longest = "n".repeat(40);
    for name in ["b", &longest, "a"] {
        m.stand_empty(name);
    }
    let listed = m.orchestrator(&["list"]);
    let rows = aligned(listed.success().stdout());
    assert_eq!(rows[0], ["LAB", "USER", "MODULE", "STATE", "HOST", "NETNS", "LINKS", "AGENT", "STARTED"]);
    let names: Vec<&str> = rows[1..].iter().map(|row| &*row[0]).collect();
    assert_eq!(names, ["a", "b", &longest]);
    for row in &rows[1..] {
        let agent = m.agent_pid(&row[0]).to_string();
        let module = format!("{}/empty.wat", m.kind().home());
        let private = "private".to_owned();
        assert_eq!(row[1..8], [m.owner(), module, "up".into(), private, "1".into(), "0".into(), agent]);
    }
    m.orchestrator(&["down", "--all"]).success();
});

kernel_test!(list_passes_over_what_is_no_lab, |m| {
    m.stand_empty("lab");
    let directory = m.labs_directory();
    let script = "cd $0; : >file; ln -s lab link; mkdir target; ln -s $PWD/target away; echo keep >target/precious";
    m.command("sh").args(&["-euc", script, &directory]).run().success();
    m.command("mv").args(&[&format!("{directory}/target"), "."]).run().success();
    assert_eq!(m.labs(), ["lab"]);
    m.orchestrator(&["down", "link"]).fails_with(2).stderr_has("there is no lab `link`");
    m.orchestrator(&["down", "lab"]).success();
    assert_eq!(m.read(&format!("{}/target/precious", m.kind().home())), "keep\n");
    assert_eq!(m.entries(&directory), [".lock", "away", "file", "link"]);
    m.command("sh").args(&["-euc", "cd $0; rm away file link", &directory]).run().success();
});

kernel_test!(list_is_whole_while_labs_come_and_go, |m| {
    let module = m.write("empty.wat", EMPTY_WAT);
    let script = "trap ': >over' EXIT; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do \
                  orchestrator run \"$0\" --name flash 2>/dev/null; orchestrator down flash; done";
    let comings = m.command("sh").args(&["-euc", script, &module]).spawn();
    let script = "while [ ! -e over ]; do orchestrator list --json; done";
    let lists = m.command("sh").args(&["-euc", script]).run();
    comings.wait().success();
    assert_eq!(lists.success().stderr(), "");
    let lists = serde_json::Deserializer::from_str(lists.stdout()).into_iter::<Value>();
    for listed in lists.map(|value| value.expect("JSON")) {
        for lab in listed.as_array().expect("an array") {
            assert_eq!(lab.as_object().map(|fields| fields.len()), Some(9), "{lab}");
        }
    }
});

kernel_test!(show_as_json_is_what_ip_shows, |m| {
    m.stand("varied", VARIED);
    let shown = m.orchestrator(&["show", "varied", "--json"]).success().json();
    assert_eq!(keys(&shown), ["name", "netns"]);
    assert_eq!(shown["name"], "varied");
    let netns: Vec<&Value> = shown["netns"].as_array().expect("an array").iter().collect();
    assert_eq!(netns.iter().map(|netns| &netns["name"]).collect::<Vec<_>>(), ["host", "red", "blue"]);
    for netns in netns {
        assert_eq!(keys(netns), ["autoconfiguration", "forwarding", "links", "name", "routes"]);
        let name = netns["name"].as_str().expect("a text");
        compare(m, "varied", name, netns);
    }
    m.orchestrator(&["down", "varied"]).success();
});

kernel_test!(show_names_the_peer_of_a_veth_and_its_netns, |m| {
    m.stand("lab", "netns.add,red veth.add,host,v1,red,eth0 veth.add,red,a,red,b");
    let shown = m.orchestrator(&["show", "lab", "--json"]).success().json();
    let mut peers = BTreeMap::new();
    for netns in shown["netns"].as_array().into_iter().flatten() {
        for link in netns["links"].as_array().into_iter().flatten() {
            peers.insert(
                format!("{}/{}", netns["name"].as_str().unwrap(), link["name"].as_str().unwrap()),
                &link["peer"],
            );
        }
    }
    assert_eq!(peers["host/v1"], &json!({ "netns": "red", "link": "eth0" }));
    assert_eq!(peers["red/eth0"], &json!({ "netns": "host", "link": "v1" }));
    assert_eq!(peers["red/a"], &json!({ "netns": "red", "link": "b" }));
    assert_eq!(peers["red/lo"], &Value::Null);
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(show_reads_the_kernel_and_not_the_scenario, |m| {
    m.stand("lab", VARIED);
    let script = "ip link add dev new type bridge && ip address add 10.9.0.1/24 dev new && ip link set dev new up && \
                  ip link set dev br0 mtu 1300 && ip link del dev v2 && ip route add 10.8.0.0/16 via 10.1.0.7";
    m.exec("lab", "host", &["sh", "-c", script]).run().success();
    let shown = m.orchestrator(&["show", "lab", "--json"]).success().json();
    for netns in shown["netns"].as_array().expect("an array") {
        compare(m, "lab", netns["name"].as_str().expect("a text"), netns);
    }
    m.orchestrator(&["show", "lab"]).success().stdout_has("10.9.0.1/24").stdout_has("10.8.0.0/16 via 10.1.0.7");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(show_is_an_aligned_table_for_each_netns, |m| {
    m.stand("lab", VARIED);
    let shown = m.orchestrator(&["show", "lab"]);
    let blocks: Vec<&str> = shown.success().stdout().split("\n\n").collect();
    assert_eq!(blocks.len(), 3, "{shown}");
    for (block, name) in blocks.iter().zip(["host", "red", "blue"]) {
        let (title, table) = block.split_once('\n').expect("a title and a table");
        assert_eq!(title, format!("netns {name}"));
        let (routes, links): (Vec<&str>, Vec<&str>) = table.lines().partition(|line| line.starts_with("  route "));
        let rows = aligned(&links.join("\n"));
        assert_eq!(rows[0], ["LINK", "KIND", "STATE", "MTU", "MAC", "CONTROLLER", "PEER", "ADDRESSES"]);
        let shown: Vec<&String> = rows[1..].iter().map(|row| &row[0]).collect();
        assert_eq!(
            shown,
            by_ip(m, "lab", name).iter().map(|link| link["ifname"].as_str().unwrap()).collect::<Vec<_>>()
        );
        assert_eq!(routes.len(), routes_by_ip(m, "lab", name).len(), "{shown:?}");
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(show_escapes_what_others_have_named, |m| {
    m.stand("lab", "bridge.add,host,br0");
    let script = "ip link set dev br0 name \"$(printf 'a\\033[31mb')\"";
    m.exec("lab", "host", &["sh", "-euc", script]).run().success();
    m.orchestrator(&["show", "lab"]).success().stdout_lacks("\x1b").stdout_has("[31mb");
    let shown = m.orchestrator(&["show", "lab", "--json"]).success().json();
    assert_eq!(shown["netns"][0]["links"][1]["name"], "a\x1b[31mb");
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(show_of_a_lab_that_does_not_stand_is_an_error, |m| {
    for name in ["none", "No", "", "a/b", "../lab", "a b", "\x1b[31m"] {
        let refused = m.orchestrator(&["show", name]);
        refused.fails_with(2).stderr_has("there is no lab `").stderr_has("`orchestrator list`").stderr_lacks("\x1b");
        assert_eq!(refused.stdout(), "");
    }
});

kernel_test!(reader_that_has_stopped_reading_is_no_error, |m| {
    m.stand_empty("lab");
    // A pipe whose reader has gone for sure, as it soon has in `orchestrator show lab | head -n 1`.
    let script = "mkfifo pipe; exec 3<>pipe 4>pipe 3>&-; rm pipe; exec orchestrator \"$@\" >&4";
    for command in
        ["list", "list --json", "show lab", "show lab --json", "ping lab", "ping lab --json", "examples", "man"]
    {
        let words: Vec<&str> = command.split(' ').collect();
        let piped = m.command("sh").args(&["-c", script, "sh"]).args(&words).run();
        assert!([0, 128 + libc::SIGPIPE].contains(&piped.code()), "{piped}");
        piped.stderr_lacks("panicked").stderr_lacks("error");
    }
    m.orchestrator(&["down", "lab"]).success();
});

kernel_test!(output_that_cannot_be_written_is_an_error, |m| {
    m.stand_empty("lab");
    for command in ["list", "list --json", "show lab", "show lab --json"] {
        let full = m.command("sh").args(&["-c", &format!("orchestrator {command} >/dev/full")]).run();
        full.fails_with(4).stderr_has("error: ").stderr_has("no space left").stderr_lacks("panicked");
    }
    m.orchestrator(&["down", "lab"]).success();
});

/// Compares a netns of `show --json` with what `ip -j` has of it.
#[track_caller]
fn compare(m: &Machine, lab: &str, name: &str, netns: &Value) {
    let links: Vec<Value> = by_ip(m, lab, name)
        .iter()
        .map(|link| {
            let addresses = link["addr_info"].as_array().into_iter().flatten();
            let kind = if link["link_type"] == "loopback" {
                "loopback"
            } else {
                link["linkinfo"]["info_kind"].as_str().unwrap()
            };
            json!({
                "name": link["ifname"],
                "kind": kind,
                "mac": link["address"],
                "mtu": link["mtu"],
                "queues": link["num_tx_queues"],
                "up": link["flags"].as_array().is_some_and(|flags| flags.contains(&json!("UP"))),
                "controller": link["master"],
                "addresses": addresses.map(cidr).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut shown = netns["links"].as_array().expect("an array").clone();
    for link in &mut shown {
        let link = link.as_object_mut().expect("an object");
        let peer = link.remove("peer").expect("a peer, or null");
        assert!(peer.is_null() || keys(&peer) == ["link", "netns"], "{peer}");
    }
    assert_eq!(shown, links, "links of {name}");
    let mut shown = netns["routes"].as_array().expect("an array").clone();
    let mut routes = routes_by_ip(m, lab, name);
    for routes in [&mut shown, &mut routes] {
        routes.sort_by_key(Value::to_string);
    }
    assert_eq!(shown, routes, "routes of {name}");
}

/// Returns the links of a netns in the order of their numbers.
fn by_ip(m: &Machine, lab: &str, netns: &str) -> Vec<Value> {
    let shown = m.lab_ip(lab, netns, &["-d", "address"]);
    shown.as_array().expect("`ip -j` shows an array").clone()
}

/// Returns the routes of a netns in the shape of `show`.
fn routes_by_ip(m: &Machine, lab: &str, netns: &str) -> Vec<Value> {
    let families = ["-4", "-6"].map(|family| m.lab_ip(lab, netns, &[family, "route"]));
    let routes = families.iter().flat_map(|routes| routes.as_array().expect("`ip -j` shows an array"));
    let shape = |route: &Value| {
        json!({
            "destination": route["dst"],
            "gateway": route["gateway"],
            "link": route["dev"],
            "metric": route["metric"].as_u64().unwrap_or(0),
        })
    };
    routes.map(shape).collect()
}

fn cidr(address: &Value) -> String {
    format!("{}/{}", address["local"].as_str().expect("an address"), address["prefixlen"])
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// Splits a table into its cells, and finds each column where its heading is.
#[track_caller]
fn aligned(table: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = table.lines().collect();
    let starts = |line: &str| -> Vec<usize> {
        let begins = |at: usize| !line[at..].starts_with(' ') && (at == 0 || line[..at].ends_with("  "));
        (0..line.len()).filter(|at| line.is_char_boundary(*at) && begins(*at)).collect()
    };
    let columns = starts(lines[0]);
    for line in &lines {
        assert_eq!(starts(line), columns, "columns that are not aligned in:\n{table}");
        assert_eq!(line.trim_end(), *line, "space at the end of a line in:\n{table}");
    }
    let cut = |line: &&str| {
        let ends = columns[1..].iter().copied().chain([line.len()]);
        columns.iter().zip(ends).map(|(start, end)| line[*start..end].trim().to_owned()).collect()
    };
    lines.iter().map(cut).collect()
}

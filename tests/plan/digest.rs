//! What the digest of a plan is, and on what it depends. That it is the same for all users is tried elsewhere.

use super::*;

/// `host` and `red` on a bridge.
const DRAWN: &str = "netns.add,red bridge.add,host,br0 veth.add,host,v1,red,eth0 bridge.add-port,host,br0,v1 \
                     address.add,host,br0,10.0.0.1/24 address.add,red,eth0,10.0.0.2/24 address.add,red,eth0,fd00::2/64 \
                     link.set-up,host,br0 link.set-up,host,v1 link.set-up,red,eth0 route.add,red,default,10.0.0.1";

#[track_caller]
fn digest(m: &Machine, calls: &str) -> String {
    planned(m, &[], calls)["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn plan_is_digest_topology_and_steps() {
    on_machine(Kind::User, |m| {
        let plan = planned(m, &[], DRAWN);
        let keys: Vec<&String> = plan.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["digest", "steps", "topology"]);
        let topology = &plan["topology"];
        assert_eq!(topology.as_object().unwrap().keys().collect::<Vec<_>>(), ["netns"]);
        let names: Vec<&Value> = topology["netns"].as_array().unwrap().iter().map(|netns| &netns["name"]).collect();
        assert_eq!(names, ["host", "red"]);
        let red = &topology["netns"][1];
        assert_eq!(red["forwarding"], false);
        let mut keys: Vec<&String> = red["links"][0].as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["addresses", "controller", "kind", "mac", "mtu", "name", "peer", "queues", "up"]);
        assert_eq!(red["links"][0]["peer"], serde_json::json!({ "netns": "host", "link": "v1" }));
        assert_eq!(
            red["routes"][0],
            serde_json::json!({ "destination": "default", "gateway": "10.0.0.1", "link": "eth0", "metric": 0 })
        );
        let steps = plan["steps"].as_array().expect("steps");
        assert!(steps.len() > 5, "{steps:?}");
        for step in steps {
            assert!(
                step["step"].is_string()
                    && step["ip"].as_str().is_some_and(|ip| ip.starts_with("ip ")
                        || step["step"] == "set-forwarding"
                        || step["step"] == "set-autoconfiguration"),
                "{step}"
            );
        }
        // `--json` is what other commands have.
        assert_eq!(super::plan(m, &["--json"], DRAWN).run().success().json(), plan);
        super::plan(m, &["--json", "--format", "dot"], DRAWN).run().fails_with(2);
    });
}

#[test]
fn digest_is_the_sha_256_of_the_sorted_topology() {
    on_machine(Kind::User, |m| {
        for scenario in EXAMPLES {
            let plan = example(m, &["plan", "--format", "json"], scenario).run().success().json();
            // Objects of this library are sorted by key.
            let text = plan["topology"].to_string();
            assert!(text.starts_with(r#"{"netns":[{"autoconfiguration":"#), "{text}");
            let sum = m.command("sha256sum").stdin(text).run();
            let (sum, _) = sum.success().stdout().split_once(' ').expect("a sum");
            assert_eq!(plan["digest"], format!("sha256:{sum}"), "{scenario:?}");
            // The other formats have the same.
            for format in ["table", "ip"] {
                example(m, &["plan", "--format", format], scenario)
                    .run()
                    .success()
                    .stdout_has(&format!("sha256:{sum}"));
            }
        }
    });
}

#[test]
fn digest_does_not_depend_on_the_order_of_drawing() {
    on_machine(Kind::User, |m| {
        let other = "bridge.add,host,br0 link.set-up,host,br0 address.add,host,br0,10.0.0.1/24 netns.add,red \
                     veth.add,red,eth0,host,v1 link.set-up,red,eth0 link.set-up,host,v1 address.add,red,eth0,fd00::2/64 \
                     address.add,red,eth0,10.0.0.2/24 route.add,red,default,10.0.0.1 bridge.add-port,host,br0,v1";
        assert_eq!(digest(m, DRAWN), digest(m, other));
        let names = |names: [&str; 3]| {
            digest(m, &names.map(|name| format!("netns.add,{name} bridge.add,host,{name}")).join(" "))
        };
        assert_eq!(names(["c", "a", "b"]), names(["a", "b", "c"]));
    });
}

#[test]
fn digest_does_not_depend_on_what_comes_and_goes() {
    on_machine(Kind::User, |m| {
        let expected = digest(m, DRAWN);
        for (before, after) in [
            ("netns.add,gone", "netns.remove,gone"),
            ("bridge.add,host,gone link.set-up,host,gone", "link.remove,host,gone"),
            ("", "link.set-down,host,br0 link.set-up,host,br0"),
            ("", "link.set-name,host,v1,other link.set-name,host,other,v1"),
            ("", "link.set-mtu,red,eth0,1400 link.set-mtu,red,eth0,1500"),
            ("", "bridge.remove-port,host,v1 bridge.add-port,host,br0,v1"),
            ("", "address.add,red,eth0,10.9.0.1/24 address.remove,red,eth0,10.9.0.1/24"),
            ("", "address.remove,red,eth0,fd00::2/64 address.add,red,eth0,fd00::2/64"),
            ("", "route.add,red,10.9.0.0/16,10.0.0.1 route.remove,red,10.9.0.0/16"),
            ("", "netns.set-forwarding,red,on netns.set-forwarding,red,off"),
            ("", "netns.set-autoconfiguration,red,on netns.set-autoconfiguration,red,off"),
            // Looks, and what was applied on the way.
            ("probe.links,host", "probe.ping,red,10.0.0.1 lab.apply lab.wait,100"),
            ("", "sys.print-text,x lab.log,y sys.sleep,10 sys.random"),
        ] {
            assert_eq!(digest(m, &format!("{before} {DRAWN} {after}")), expected, "{before} ... {after}");
        }
    });
}

#[test]
fn digest_depends_on_all_that_stands() {
    on_machine(Kind::User, |m| {
        let mut seen = vec![digest(m, DRAWN)];
        for more in [
            "netns.add,blue",
            "bridge.add,host,br1",
            "link.set-down,host,v1",
            "link.set-name,red,eth0,eth1",
            "link.set-mtu,red,eth0,1400",
            "bridge.remove-port,host,v1",
            "address.add,red,eth0,10.9.0.1/24",
            "address.add,red,eth0,fd00::3/64",
            "route.add,red,10.9.0.0/16,10.0.0.1",
            "route.remove,red,default",
            "netns.set-forwarding,red,on",
            "netns.set-autoconfiguration,red,on",
            "veth.add,red,one,red,queue",
            "veth.add-with-queues,red,one,red,queue,2",
            "link.set-up,red,lo",
            // The first address of a link is the one that packets come from where nothing else decides: `ip` shows the order, and it
            // counts.
            "address.add,red,eth0,10.7.0.1/24 address.add,red,eth0,10.8.0.1/24",
            "address.add,red,eth0,10.8.0.1/24 address.add,red,eth0,10.7.0.1/24",
        ] {
            let other = digest(m, &format!("{DRAWN} {more}"));
            assert!(!seen.contains(&other), "{more}");
            seen.push(other);
        }
    });
}

kernel_test!(topology_of_a_plan_is_what_show_shows, |m| {
    for scenario in EXAMPLES {
        let planned = example(m, &["plan", "--json"], scenario).run().success().json();
        example(m, &["run", "--name", "t"], scenario).run().success();
        let shown = m.orchestrator(&["show", "t", "--json"]).success().json();
        let (planned, shown) = (sorted(&planned["topology"]["netns"]), sorted(&shown["netns"]));
        assert_eq!(planned.len(), shown.len(), "{scenario:?}");
        for (planned, shown) in planned.iter().zip(shown) {
            assert_eq!(*planned, shown, "{scenario:?}");
        }
        m.orchestrator(&["down", "t"]).success();
    }
});

/// Sorts the netns of a lab, their links and routes, and the IPv6 addresses of each link.
fn sorted(netns: &Value) -> Vec<Value> {
    let by_text = |list: &mut Value| list.as_array_mut().unwrap().sort_by_key(Value::to_string);
    let mut all = netns.as_array().unwrap().clone();
    for netns in &mut all {
        by_text(&mut netns["routes"]);
        for link in netns["links"].as_array_mut().unwrap() {
            let addresses = link["addresses"].as_array_mut().unwrap();
            addresses.sort_by_key(
                |address| if address.to_string().contains(':') { address.to_string() } else { String::new() },
            );
        }
        by_text(&mut netns["links"]);
    }
    all.sort_by_key(|netns| netns["name"].to_string());
    all
}

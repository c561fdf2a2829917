//! `n-containers N` on more than one bridge, as `plan` has it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Kind, Machine, on_machine};

/// The ports of each bridge, by its name.
type Ports = BTreeMap<String, Vec<String>>;

/// Plans `n-containers COUNT` and returns the bridges of its host, and the joins between two of them.
#[track_caller]
fn bridges(m: &Machine, count: &str) -> (Ports, Vec<[String; 2]>) {
    let planned = m.orchestrator(&["plan", "--json", "n-containers", "--", count]).success().json();
    let netns = planned["topology"]["netns"].as_array().expect("an array");
    let host = netns.iter().find(|netns| netns["name"] == "host").expect("the host");
    let links = host["links"].as_array().expect("an array");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();

    let mut ports = Ports::new();
    let mut controllers = BTreeMap::new();
    for link in links.iter().filter(|link| link["controller"].is_string()) {
        assert!(link["up"] == true, "{link}");
        ports.entry(text(&link["controller"])).or_default().push(text(&link["name"]));
        controllers.insert(text(&link["name"]), text(&link["controller"]));
    }
    let within = links.iter().filter(|link| link["peer"]["netns"] == "host");
    let joins =
        within.map(|link| [text(&link["name"]), text(&link["peer"]["link"])].map(|end| controllers[&end].clone()));
    (ports, joins.filter(|[one, other]| one < other).collect())
}

#[test]
fn containers_past_a_thousand_are_on_a_row_of_bridges() {
    on_machine(Kind::User, |m| {
        let (ports, joins) = bridges(m, "2500");
        let names = ["br0", "br1", "br2", "br3", "br4", "br5", "br6"];
        assert_eq!(ports.keys().collect::<Vec<_>>(), names);
        // Six with 400 containers and one with the rest; one join at both ends of the row, two between.
        let counts: Vec<usize> = ports.values().map(Vec::len).collect();
        assert_eq!(counts, [401, 402, 402, 402, 402, 402, 101]);
        let neighbours: Vec<[String; 2]> =
            names.windows(2).map(|pair| [pair[0].to_owned(), pair[1].to_owned()]).collect();
        assert_eq!(joins, neighbours);
        for (bridge, first, last) in [("br0", "veth1", "veth400"), ("br6", "veth2401", "veth2500")] {
            assert!([first, last].iter().all(|port| ports[bridge].iter().any(|found| found == port)), "{bridge}");
        }
    });
}

#[test]
fn thousand_containers_are_on_one_bridge() {
    on_machine(Kind::User, |m| {
        let (ports, joins) = bridges(m, "1000");
        assert_eq!(ports.keys().collect::<Vec<_>>(), ["br0"]);
        assert_eq!(ports["br0"].len(), 1000);
        assert_eq!(joins, Vec::<[String; 2]>::new());
        let (ports, _) = bridges(m, "1001");
        assert_eq!(ports.values().map(Vec::len).collect::<Vec<_>>(), [401, 402, 202]);
    });
}

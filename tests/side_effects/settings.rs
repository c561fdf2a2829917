//! Settings that change what the kernel does on the side, and those that every netns of a lab has.

use orchestrator::topology::settings::{CONF, IPV4, IPV6};
use serde_json::Value;

use crate::support::{GUEST_CALLS, Kind, Machine, kernel_test, on_machine};

/// Has two addresses of one network in a netns with the setting, removes the first and returns those that are left.
fn left_with_promotion(m: &Machine, on: &str) -> Vec<(String, bool)> {
    let script = "
        ip netns add red
        ip -n red link add name eth0 type veth peer name eth1
        echo $0 | nsenter --net=/run/netns/red tee /proc/sys/net/ipv4/conf/all/promote_secondaries \
            /proc/sys/net/ipv4/conf/eth0/promote_secondaries >/dev/null
        ip -n red address add 10.0.0.2/24 dev eth0
        ip -n red address add 10.0.0.3/24 dev eth0
        ip -n red address add 10.0.0.4/24 dev eth0
        ip -n red address del 10.0.0.2/24 dev eth0
        ip -n red -j -4 address show dev eth0
        ip netns del red";
    let shown = m.root_command("sh").args(&["-euc", script, on]).run();
    let links = shown.success().json();
    let left = links.as_array().into_iter().flatten().filter_map(|link| link["addr_info"].as_array()).flatten();
    left.map(|address: &Value| (address["local"].as_str().unwrap_or_default().to_owned(), address["secondary"] == true))
        .collect()
}

/// The model removes them, which is so with the default alone.
#[test]
fn secondary_address_is_promoted_where_the_setting_says_so() {
    on_machine(Kind::Root, |m| {
        assert_eq!(left_with_promotion(m, "0"), []);
        let promoted = [("10.0.0.3".to_owned(), false), ("10.0.0.4".to_owned(), true)];
        assert_eq!(left_with_promotion(m, "1"), promoted);
    });
}

// The machine may have others; `tests/settings.rs` tries that.
kernel_test!(every_netns_of_a_lab_has_the_documented_settings, |m| {
    let calls = ["netns.add,red", "veth.add,host,v0,red,eth0", "link.set-up,host,v0", "link.set-up,red,eth0"];
    m.orchestrator(&[&["run", GUEST_CALLS, "--name", "lab", "--"], &calls[..]].concat()).success();
    let of = |family: &str, names: &[&str]| {
        let names = CONF.into_iter().flat_map(|conf| names.iter().map(move |name| format!("{conf}.{name}")));
        names.map(|name| format!("net.{family}.conf.{name}")).collect::<Vec<_>>()
    };
    let names = [of("ipv4", &IPV4), of("ipv6", &IPV6), vec!["net.ipv4.ip_forward".to_owned()]].concat();
    let wanted: String = names.iter().map(|name| format!("{name} = 0\n")).collect();
    let sysctl: Vec<&str> = ["sysctl"].into_iter().chain(names.iter().map(String::as_str)).collect();
    for netns in ["host", "red"] {
        assert_eq!(m.exec("lab", netns, &sysctl).run().success().stdout(), wanted, "in netns `{netns}`");
    }
    m.orchestrator(&["down", "lab"]).success();
});

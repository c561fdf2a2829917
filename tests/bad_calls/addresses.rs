//! Addresses that are malformed, that no link can have, or that it has already; sizes of packets.

use super::{answers, dialogue};
use crate::support::{Machine, kernel_test};

kernel_test!(malformed_address_is_refused, |m| {
    let no_prefix = |address: &str, length| {
        (address.to_owned(), format!("it needs the length of its network's prefix, such as `{address}/{length}`"))
    };
    let mut calls = vec![no_prefix("10.0.0.1", 24), no_prefix("fd00::1", 64)];
    for malformed in [
        "",
        "hello",
        "10.0.0.256/24",
        "10.0.0.1/33",
        "10.0.0.1/-1",
        "10.0.0.1/",
        "/24",
        "10.0.0/24",
        "10.0.0.1/24x",
        " 10.0.0.1/24",
        "10.0.0.1 /24",
        "10.0.0.1/255.255.255.0",
        "fd00::1/129",
        "fd00::g/64",
        "fe80::1%v/64",
        "0x0a.0.0.1/24",
        "$(id)/24",
        // Octal to some programs, among them `ip`, and decimal to others: so nobody can tell what is meant.
        "010.0.0.1/24",
        "10.0.0.01/24",
    ] {
        let why = "it is no address with a prefix length, such as `172.16.0.2/24` or `2001:db8::2/64`";
        calls.push((malformed.to_owned(), why.to_owned()));
    }
    let calls: Vec<(String, String)> = calls
        .into_iter()
        .map(|(cidr, why)| {
            (
                format!("address.add,host,br0,{cidr}"),
                format!("invalid-argument EINVAL could not add address `{cidr}`: {why}"),
            )
        })
        .collect();
    answers(m, "bridge.add,host,br0", &calls);
    assert!(addresses(m, "br0").is_empty());
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(address_that_no_link_can_have_is_refused, |m| {
    let unspecified = ["0.0.0.0/24", "::/64"];
    // Linux takes IPv4 multicast and broadcast addresses for a link's own, and so does the model.
    let cidrs: Vec<&str> = [&unspecified[..], &["ff02::1/64", "::1/128"]].concat();
    let calls: String = cidrs.iter().map(|cidr| format!(" address.add,host,br0,{cidr}")).collect();
    let outcome = m.play("t", &["--rm"], &format!("bridge.add,host,br0{calls}")).run();
    for cidr in cidrs {
        let errno = if cidr.contains(':') { "EADDRNOTAVAIL" } else { "EINVAL" };
        outcome.success().stdout_has(&format!(
            "address.add,host,br0,{cidr}: invalid-argument {errno} could not add address `{cidr}` to link `br0` in netns `host`: "
        ));
    }
});

kernel_test!(address_that_is_there_already_is_refused, |m| {
    answers(
        m,
        "bridge.add,host,br0 address.add,host,br0,10.0.0.1/24 address.add,host,br0,fd00::1/64",
        &dialogue(
            "
            address.add,host,br0,10.0.0.1/24: already-exists EEXIST could not add address `10.0.0.1/24` to link `br0` in netns `host`: it has `10.0.0.1/24`
            address.add,host,br0,fd00::1/80: already-exists EEXIST could not add address `fd00::1/80` to link `br0` in netns `host`: it has `fd00::1/64`
            address.remove,host,br0,10.0.0.1/25: not-found EADDRNOTAVAIL could not remove address `10.0.0.1/25` from link `br0` in netns `host`: the link does not have it
            address.remove,host,br0,10.0.0.1: invalid-argument EINVAL could not remove address `10.0.0.1`: it needs the length of its network's prefix, such as `10.0.0.1/24`
            address.add,host,none,10.0.0.1/24: not-found ENODEV could not get link `none` in netns `host`: there is none of that name
            address.add,none,lo,10.0.0.1/24: not-found ENOENT could not get netns `none`: the lab has none of that name",
        ),
    );
    assert_eq!(addresses(m, "br0"), ["10.0.0.1/24", "fd00::1/64"]);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(mtu_out_of_range_is_refused, |m| {
    let why = |link: &str, mtu: &str, kind: &str| {
        format!(
            "invalid-argument EINVAL could not set mtu {mtu} of link `{link}` in netns `host`: a {kind} takes 68 to 65535"
        )
    };
    let mut calls = Vec::new();
    for mtu in ["0", "67", "65536", "100000", "4294967295"] {
        calls.push((format!("link.set-mtu,host,v,{mtu}"), why("v", mtu, "veth")));
        calls.push((format!("link.set-mtu,host,br0,{mtu}"), why("br0", mtu, "bridge")));
    }
    answers(m, "veth.add,host,v,host,w bridge.add,host,br0", &calls);
    assert_eq!(m.lab_ip("t", "host", &["link", "show", "dev", "v"])[0]["mtu"], 1500);
    m.orchestrator(&["down", "t"]).success();
    let refused = m.play("t", &[], "!link.set-mtu,host,lo,0").run();
    refused
        .complains(1, "the scenario returned an error")
        .stdout_has("link.set-mtu,host,lo,0: invalid-argument EINVAL ");
});

/// Lists the addresses of a link of the host of lab `t`, as the kernel has them.
#[track_caller]
fn addresses(m: &Machine, link: &str) -> Vec<String> {
    let read = m.lab_ip("t", "host", &["address", "show", "dev", link]);
    let of_link = read[0]["addr_info"].as_array().into_iter().flatten();
    of_link.map(|address| format!("{}/{}", address["local"].as_str().unwrap(), address["prefixlen"])).collect()
}

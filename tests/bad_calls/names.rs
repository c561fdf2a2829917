//! Names that no netns and no link may have, or that are taken.

use super::{answers, dialogue, links, shown};
use crate::support::kernel_test;

/// Names that no object may have, but for those that are too long: what a shell, a path or a terminal would misread.
const ILLEGAL: [&str; 12] = [".", "..", "a/b", "/", "a b", " ", "$(id)", ";reboot", "-h", "a\nb", "a\x1b[31mb", "é"];

kernel_test!(illegal_name_of_a_netns_is_refused, |m| {
    let charset = "a netns name has only `A-Z a-z 0-9 . _ -` and begins with a letter, digit or `_`";
    let mut calls: Vec<_> = ILLEGAL
        .iter()
        .map(|name| {
            (
                format!("netns.add,{name}"),
                format!("invalid-argument EINVAL could not add netns `{}`: {charset}", shown(name)),
            )
        })
        .collect();
    let too_long = "n".repeat(64);
    calls.push((
        format!("netns.add,{too_long}"),
        format!("invalid-argument EINVAL could not add netns `{too_long}`: the name has 64 bytes and a netns name has at most 63, as it becomes a hostname"),
    ));
    // Of what is far too long, and might be another's secret, only the beginning is repeated.
    calls.push((
        format!("netns.add,{}", "n".repeat(1000)),
        format!("invalid-argument EINVAL could not add netns `{too_long}...`: the name has 1000 bytes and a netns name has at most 63, as it becomes a hostname"),
    ));
    calls.extend(dialogue(
        "
        netns.add,: invalid-argument EINVAL could not add netns ``: a netns name can't be empty
        netns.add,host: invalid-argument EINVAL could not add netns `host`: `host` is the netns that plays the host
        netns.add,localhost: invalid-argument EINVAL could not add netns `localhost`: `localhost` is not free for a netns: it is every netns's own name for itself
        netns.get,a/b: invalid-argument EINVAL could not get netns `a/b`: a netns name has only `A-Z a-z 0-9 . _ -` and begins with a letter, digit or `_`
        netns.get,none: not-found ENOENT could not get netns `none`: the lab has none of that name
        netns.remove,host: invalid-argument EINVAL could not remove netns `host`: the host can't be removed
        netns.add,red: ok
        netns.add,red: already-exists EEXIST could not add netns `red`: the lab has one of that name",
    ));
    // The longest, and it works.
    calls.push((format!("netns.add,{}", "n".repeat(63)), "ok".to_owned()));
    answers(m, "", &calls);
    assert_eq!(m.orchestrator(&["show", "t", "--json"]).success().json()["netns"].as_array().unwrap().len(), 3);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(illegal_name_of_a_link_is_refused, |m| {
    let charset = "a link name has only `A-Z a-z 0-9 . _ -` and begins with a letter, digit or `_`";
    let too_long = "the name has 16 bytes and a link name has at most 15 (IFNAMSIZ)";
    let reserved = "is not free for a link: its sysctls would be those of every link";
    let why = |name: &str| match name {
        "" => "a link name can't be empty".to_owned(),
        "a234567890123456" => too_long.to_owned(),
        "all" | "default" => format!("`{name}` {reserved}"),
        _ => charset.to_owned(),
    };
    let names = ILLEGAL.iter().chain(&["", "a234567890123456", "all", "default"]);
    let mut calls = Vec::new();
    for name in names {
        let (shown, why) = (shown(name), why(name));
        for (call, act) in [
            (format!("bridge.add,red,{name}"), format!("add bridge `{shown}`")),
            (format!("veth.add,red,{name},red,peer"), format!("add veth `{shown}`")),
            (format!("veth.add,red,near,red,{name}"), format!("add veth `near` with peer `{shown}`")),
            (format!("link.set-name,red,v,{name}"), format!("rename link `v` in netns `red` to `{shown}`")),
            (format!("link.get,red,{name}"), format!("get link `{shown}`")),
        ] {
            calls.push((call, format!("invalid-argument EINVAL could not {act}: {why}")));
        }
    }
    // The longest, and it works.
    calls.push(("link.set-name,red,v,a23456789012345".to_owned(), "ok".to_owned()));
    answers(m, "netns.add,red veth.add,red,v,host,w", &calls);
    assert_eq!(links(m, "red", &[]), ["a23456789012345", "lo"]);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(name_of_a_link_that_is_taken_is_refused, |m| {
    let before = "netns.add,red veth.add,red,v,host,w bridge.add,red,br0";
    answers(
        m,
        before,
        &dialogue(
            "
            bridge.add,red,br0: already-exists EEXIST could not add bridge `br0` in netns `red`: netns `red` has a link `br0`
            bridge.add,red,lo: already-exists EEXIST could not add bridge `lo` in netns `red`: netns `red` has a link `lo`
            veth.add,red,v,host,x: already-exists EEXIST could not add veth `v` in netns `red` with peer `x` in netns `host`: netns `red` has a link `v`
            veth.add,red,x,host,w: already-exists EEXIST could not add veth `x` in netns `red` with peer `w` in netns `host`: netns `host` has a link `w`
            veth.add,red,x,red,x: already-exists EEXIST could not add veth `x` in netns `red` with peer `x` in netns `red`: the two ends need two names in one netns
            link.set-name,red,v,br0: already-exists EEXIST could not rename link `v` in netns `red` to `br0`: netns `red` has a link `br0`
            link.set-name,red,v,lo: already-exists EEXIST could not rename link `v` in netns `red` to `lo`: netns `red` has a link `lo`
            link.set-name,red,lo,v2: invalid-argument EINVAL could not rename link `lo` in netns `red` to `v2`: every netns has its `lo`
            link.set-netns,red,lo,host: invalid-argument EINVAL could not move link `lo` in netns `red` to netns `host`: every netns has its `lo`
            link.set-netns,red,br0,host: invalid-argument EINVAL could not move link `br0` in netns `red` to netns `host`: a bridge can't leave its netns
            bridge.add,host,v: ok
            link.set-netns,red,v,host: already-exists EEXIST could not move link `v` in netns `red` to netns `host`: netns `host` has a link `v`
            link.remove,red,lo: unsupported EOPNOTSUPP could not remove link `lo` in netns `red`: every netns has its `lo`
            link.remove,red,none: not-found ENODEV could not get link `none` in netns `red`: there is none of that name
            link.set-netns,red,v,none: not-found ENOENT could not get netns `none`: the lab has none of that name
            veth.peer,red,br0: invalid-argument EINVAL could not get the peer of link `br0` in netns `red`: it is a bridge and has none",
        ),
    );
    assert_eq!(links(m, "red", &[]), ["br0", "lo", "v"]);
    m.orchestrator(&["down", "t"]).success();
});

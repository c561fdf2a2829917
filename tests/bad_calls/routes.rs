//! Routes that lead nowhere, or are malformed.

use super::{answers, dialogue};
use crate::support::kernel_test;

kernel_test!(route_that_leads_nowhere_is_refused, |m| {
    let before = "netns.add,red veth.add,red,v,host,w veth.add,red,x,host,y address.add,red,v,10.0.0.1/24 \
                  address.add,red,x,10.1.0.1/24 address.add,red,v,fd00::1/64 link.set-up,red,v link.set-up,host,w";
    answers(
        m,
        before,
        &dialogue(
            "
            route.add,red,default,10.9.0.1: unreachable ENETUNREACH could not add route `default` via `10.9.0.1` in netns `red`: no link in `red` reaches the gateway
            route.add,red,default,10.1.0.9: unreachable ENETUNREACH could not add route `default` via `10.1.0.9` in netns `red`: no link in `red` reaches the gateway
            route.add,red,default,fd09::1: unreachable EHOSTUNREACH could not add route `default` via `fd09::1` in netns `red`: no link in `red` reaches the gateway
            route.add-via,red,v,default,10.9.0.1: unreachable ENETUNREACH could not add route `default` via `10.9.0.1` over link `v` in netns `red`: link `v` does not reach the gateway
            route.add-via,red,x,default,10.1.0.9: unreachable ENETUNREACH could not add route `default` via `10.1.0.9` over link `x` in netns `red`: link `x` is down, and so does not reach the gateway
            route.add-via,red,x,default,fd00::9: unreachable EHOSTUNREACH could not add route `default` via `fd00::9` over link `x` in netns `red`: link `x` is down, and so does not reach the gateway
            route.add-via,red,x,default,fe80::9: unreachable ENETDOWN could not add route `default` via `fe80::9` over link `x` in netns `red`: link `x` is down
            route.add-via,red,lo,default,fe80::9: invalid-argument EINVAL could not add route `default` via `fe80::9` over link `lo` in netns `red`: an IPv6 gateway can't be behind `lo`
            route.remove,red,::/0: not-found ENOENT could not remove route `::/0` in netns `red`: the netns has no such route
            route.add-on-link,red,x,10.3.0.0/16: unreachable ENETDOWN could not add route `10.3.0.0/16` over link `x` in netns `red`: link `x` is down
            route.add,red,default,10.0.0.255: invalid-argument EINVAL could not add route `default` via `10.0.0.255` in netns `red`: the gateway is the broadcast address of `v`
            route.add,red,default,fd00::1: invalid-argument EINVAL could not add route `default` via `fd00::1` in netns `red`: the gateway is an address of `red` itself
            route.add,red,default,fe80::1: invalid-argument EINVAL could not add route `default` via `fe80::1` in netns `red`: a link-local gateway needs its link: use `route.add-via`",
        ),
    );
    let routes = m.lab_ip("t", "red", &["route"]);
    assert_eq!(routes.as_array().map(Vec::len), Some(1), "{routes}");
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(malformed_route_is_refused, |m| {
    let before =
        "bridge.add,host,br0 address.add,host,br0,10.0.0.1/24 link.set-up,host,br0 route.add,host,default,10.0.0.254";
    let no_address = "it is no address, such as `172.16.0.2` or `2001:db8::2`";
    let no_destination = "it is no destination, such as `default`, `10.1.0.0/16` or `2001:db8::/32`";
    let refused = |destination: &str, why: &str| {
        (
            format!("route.add,host,{destination},10.0.0.254"),
            format!("invalid-argument EINVAL could not add route `{destination}`: {why}"),
        )
    };
    let mut calls: Vec<(String, String)> = ["", "nope", "all", "10.3.0.0/33", "10.3.0/16", "010.3.0.0/16", "10.3.0.01"]
        .iter()
        .map(|destination| refused(destination, no_destination))
        .collect();
    for gateway in ["", "nope", "10.0.0.254/24", "010.0.0.254", "host"] {
        let why = format!("invalid-argument EINVAL could not add route `default` via `{gateway}`: {no_address}");
        calls.push((format!("route.add,host,default,{gateway}"), why));
    }
    calls.extend(dialogue(
        "
        route.add,host,10.3.1.1/16,10.0.0.254: invalid-argument EINVAL could not add route `10.3.1.1/16` via `10.0.0.254` in netns `host`: `10.3.1.1/16` has bits set beyond its prefix; the network is `10.3.0.0/16`
        route.add-on-link,host,br0,10.3.1.1/16: invalid-argument EINVAL could not add route `10.3.1.1/16` over link `br0` in netns `host`: `10.3.1.1/16` has bits set beyond its prefix; the network is `10.3.0.0/16`
        route.add,host,10.3.0.0/16,fd00::2: unreachable EHOSTUNREACH could not add route `10.3.0.0/16` via `fd00::2` in netns `host`: no link in `host` reaches the gateway
        route.add,host,fd01::/64,10.0.0.254: invalid-argument EINVAL could not add route `fd01::/64` via `10.0.0.254` in netns `host`: the destination and the gateway are of different families
        route.add,host,default,10.0.0.253: already-exists EEXIST could not add route `default` via `10.0.0.253` in netns `host`: the netns has a route to `default`
        route.add,host,10.0.0.0/24,10.0.0.254: already-exists EEXIST could not add route `10.0.0.0/24` via `10.0.0.254` in netns `host`: the netns has a route to `10.0.0.0/24`
        route.remove,host,10.77.0.0/16: not-found ESRCH could not remove route `10.77.0.0/16` in netns `host`: the netns has no such route
        route.add,none,default,10.0.0.1: not-found ENOENT could not get netns `none`: the lab has none of that name",
    ));
    answers(m, before, &calls);
    assert_eq!(m.lab_ip("t", "host", &["route"]).as_array().map(Vec::len), Some(2));
    m.orchestrator(&["down", "t"]).success();
});

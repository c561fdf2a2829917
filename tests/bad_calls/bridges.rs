//! Ports that no bridge takes.

use super::{answers, dialogue, links};
use crate::support::kernel_test;

kernel_test!(link_that_can_be_no_port_is_refused, |m| {
    answers(
        m,
        "netns.add,red veth.add,host,v,red,w bridge.add,host,br0 bridge.add,host,br1 bridge.add,red,br2",
        &dialogue(
            "
            bridge.add-port,host,br0,br0: invalid-argument ELOOP could not attach link `br0` in netns `host` to bridge `br0`: a bridge can't be a port of itself
            bridge.add-port,host,br0,br1: invalid-argument ELOOP could not attach link `br1` in netns `host` to bridge `br0`: a bridge can't be a port of a bridge
            bridge.add-port,host,br0,lo: invalid-argument EINVAL could not attach link `lo` in netns `host` to bridge `br0`: `lo` can't be a port
            bridge.add-port,host,br0,w,red: invalid-argument EINVAL could not attach link `w` in netns `red` to bridge `br0`: the bridge is in netns `host`
            bridge.add-port,host,br0,none: not-found ENODEV could not get link `none` in netns `host`: there is none of that name
            bridge.add-port,host,none,v: not-found ENODEV could not get link `none` in netns `host`: there is none of that name
            bridge.ports,host,v: invalid-argument EINVAL could not list the ports of link `v` in netns `host`: it is a veth and no bridge",
        ),
    );
    assert_eq!(links(m, "host", &["master", "br0"]), Vec::<String>::new());
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(port_of_what_is_no_bridge_is_refused_as_documented, |m| {
    answers(
        m,
        "veth.add,host,v,host,w",
        &dialogue(
            "
            bridge.add-port,host,w,v: unsupported EOPNOTSUPP could not attach link `v` in netns `host` to bridge `w`: `w` is a veth and no bridge
            bridge.add-port,host,v,v: unsupported EOPNOTSUPP could not attach link `v` in netns `host` to bridge `v`: `v` is a veth and no bridge
            bridge.add-port,host,lo,v: unsupported EOPNOTSUPP could not attach link `v` in netns `host` to bridge `lo`: `lo` is a loopback and no bridge",
        ),
    );
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(bridge_has_no_place_for_the_1024th_port, |m| {
    // Played on the model alone; tests/article/bridges.rs asks the kernel.
    let refused = m.play(
        "t",
        &[],
        "bridge.add,host,br0 repeat,1024,veth.add,host,a{},host,b{} repeat,1024,bridge.add-port,host,br0,a{} \
         !bridge.add-port,host,br0,b1",
    );
    let full = "limit EXFULL could not attach link `a1024` in netns `host` to bridge `br0`: \
                Linux gives a bridge 1023 ports, and all are taken; for more, join a second bridge to it by a veth pair";
    refused
        .run()
        .complains(1, "the scenario returned an error\nnote: nothing had been built\n")
        .stdout_has(&format!("repeat,1024,bridge.add-port,host,br0,a{{}}: ok 1023 of 1024, refused at 1024: {full}\n"))
        .stdout_has(&format!("bridge.add-port,host,br0,b1: {}\n", full.replace("a1024", "b1")));
    m.has_no_trace_of_labs();
});

//! Handles of what has gone.

use super::{answers, dialogue, links};
use crate::support::kernel_test;

kernel_test!(handle_of_a_link_that_was_removed_tells_only_its_last_name, |m| {
    answers(
        m,
        "netns.add,red veth.add,red,v,host,w hold.link,v,red,v hold.link,w,host,w link.set-name,red,v,x link.remove,red,x",
        &dialogue(
            "
            held.name,v: ok x
            held.set-up,v: not-found ENODEV could not set link `x` in netns `red` up: the link has gone
            held.remove,v: not-found ENODEV could not remove link `x` in netns `red`: the link has gone
            held.name,w: ok w
            held.set-up,w: not-found ENODEV could not set link `w` in netns `host` up: the link has gone",
        ),
    );
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(handle_of_a_netns_that_was_removed_tells_only_its_name, |m| {
    answers(
        m,
        "netns.add,red veth.add,red,v,host,w hold.netns,red,red hold.link,v,red,v hold.link,w,host,w netns.remove,red",
        &dialogue(
            "
            held.netns-name,red: ok red
            held.link-list,red: not-found ENOENT could not list the links of netns `red`: netns `red` has gone
            held.remove-netns,red: not-found ENOENT could not remove netns `red`: netns `red` has gone
            held.set-up,v: not-found ENODEV could not set link `v` in netns `red` up: the link has gone
            held.set-up,w: not-found ENODEV could not set link `w` in netns `host` up: the link has gone",
        ),
    );
    assert_eq!(links(m, "host", &[]), ["lo"]);
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(handle_is_not_taken_for_one_of_the_same_name, |m| {
    answers(
        m,
        "netns.add,red bridge.add,red,v hold.netns,red,red hold.link,v,red,v netns.remove,red netns.add,red bridge.add,red,v",
        &dialogue(
            "
            held.set-up,v: not-found ENODEV could not set link `v` in netns `red` up: the link has gone
            held.remove,v: not-found ENODEV could not remove link `v` in netns `red`: the link has gone
            held.remove-netns,red: not-found ENOENT could not remove netns `red`: netns `red` has gone
            link.list,red: ok lo; v",
        ),
    );
    assert_eq!(links(m, "red", &[]), ["lo", "v"]);
    assert_eq!(links(m, "red", &["up"]), Vec::<String>::new());
    m.orchestrator(&["down", "t"]).success();
});

kernel_test!(handle_stays_good_when_its_link_is_renamed_and_moved, |m| {
    answers(
        m,
        "netns.add,red veth.add,host,v,host,w hold.link,v,host,v lab.apply link.set-name,host,v,x link.set-netns,host,x,red",
        &dialogue(
            "
            held.name,v: ok x
            held.set-up,v: ok",
        ),
    );
    assert_eq!(links(m, "red", &["up"]), ["x"]);
    m.orchestrator(&["down", "t"]).success();
});

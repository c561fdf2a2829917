//! The steps from one network to another.

mod networks;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use networks::*;
use orchestrator::plan::{Standing, difference};
use orchestrator::topology::Topology;

fn steps(standing: &Topology, wanted: &Topology) {
    black_box(difference(standing, wanted).unwrap());
}

fn plan(criterion: &mut Criterion) {
    let mut group = group(criterion, "plan");
    let empty = nothing();
    growth(&mut group, "star", 10_000, star, |_, wanted| steps(&empty, wanted));
    growth(&mut group, "ring", 10_000, ring, |_, wanted| steps(&empty, wanted));
    growth(&mut group, "mesh", 10_000, mesh, |_, wanted| steps(&empty, wanted));
    growth(&mut group, "veths in one netns", 16_384, one_netns, |_, wanted| steps(&empty, wanted));
    growth(&mut group, "star removed", 10_000, star, |_, standing| {
        let mut wanted = standing.clone();
        let ids: Vec<_> = wanted.list_netns().map(|(id, _)| id).skip(1).collect();
        ids.into_iter().for_each(|id| wanted.remove_netns(id).unwrap());
        steps(standing, &wanted);
    });
    let addresses_wanted = |addresses| {
        let (mut network, link) = one_link();
        add_addresses(&mut network, link, addresses);
        network
    };
    growth(&mut group, "addresses of one link", 50_000, addresses_wanted, |_, wanted| steps(&empty, wanted));
    let other_addresses = |addresses| {
        let (mut standing, link) = one_link();
        add_addresses(&mut standing, link, addresses);
        let mut wanted = standing.clone();
        (0..addresses).rev().for_each(|n| wanted.remove_address(link, address_in_pairs(n)).unwrap());
        (0..addresses).rev().for_each(|n| wanted.add_address(link, address_in_pairs(n)).unwrap());
        (standing, wanted)
    };
    growth(&mut group, "addresses in another order", 20_000, other_addresses, |_, (standing, wanted)| {
        steps(standing, wanted);
    });
    let routes_wanted = |routes| {
        let (mut network, _) = one_link();
        add_routes(&mut network, routes);
        network
    };
    growth(&mut group, "routes of one netns", 50_000, routes_wanted, |_, wanted| steps(&empty, wanted));
    let swapped = |veths| {
        let standing = one_netns(veths);
        let mut wanted = standing.clone();
        swap_names(&mut wanted, veths);
        (standing, wanted)
    };
    growth(&mut group, "names swapped", 8192, swapped, |_, (standing, wanted)| steps(standing, wanted));
    growth(
        &mut group,
        "one node at a time",
        10_000,
        |_| nothing(),
        |nodes, wanted| {
            let mut standing = Standing::new(wanted);
            for n in 0..nodes {
                add_node(wanted, n);
                black_box(standing.advance(wanted).unwrap());
            }
        },
    );
}

criterion_group!(benches, plan);
criterion_main!(benches);

//! Calls on the model.

mod networks;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use networks::*;
use orchestrator::topology::NetnsId;

fn model(criterion: &mut Criterion) {
    let mut group = group(criterion, "model");
    growth(&mut group, "star", 10_000, |_| (), |nodes, ()| drop(black_box(star(nodes))));
    growth(&mut group, "ring", 10_000, |_| (), |nodes, ()| drop(black_box(ring(nodes))));
    growth(&mut group, "mesh", 10_000, |_| (), |links, ()| drop(black_box(mesh(links))));
    growth(&mut group, "veths in one netns", 16_384, |_| (), |veths, ()| drop(black_box(one_netns(veths))));
    growth(&mut group, "nodes removed", 10_000, star, |_, network| {
        let ids: Vec<NetnsId> = network.list_netns().map(|(id, _)| id).filter(|id| *id != NetnsId::HOST).collect();
        ids.into_iter().for_each(|id| network.remove_netns(id).unwrap());
    });
    growth(
        &mut group,
        "addresses of one link",
        50_000,
        |_| one_link(),
        |addresses, (network, link)| {
            add_addresses(network, *link, addresses);
        },
    );
    let with_addresses = |addresses| {
        let (mut network, link) = one_link();
        add_addresses(&mut network, link, addresses);
        (network, link)
    };
    growth(&mut group, "addresses removed", 50_000, with_addresses, |addresses, (network, link)| {
        (0..addresses).rev().for_each(|n| network.remove_address(*link, address_in_pairs(n)).unwrap());
    });
    growth(&mut group, "link with addresses set up", 50_000, with_addresses, |_, (network, link)| {
        network.set_down(*link).unwrap();
        network.set_up(*link).unwrap();
    });
    growth(
        &mut group,
        "routes of one netns",
        50_000,
        |_| one_link(),
        |routes, (network, _)| {
            add_routes(network, routes);
        },
    );
    growth(
        &mut group,
        "routes beside veths",
        10_000,
        |veths| {
            let mut network = one_netns(veths);
            let link = network.find_link(NetnsId::HOST, &link_name("near", 0)).unwrap();
            network.add_address(link, "192.168.0.1/24".parse().unwrap()).unwrap();
            network
        },
        |routes, network| add_routes(network, routes),
    );
    growth(
        &mut group,
        "links of many routes set down",
        10_000,
        |links| {
            let mut network = one_netns(links);
            let link = network.find_link(NetnsId::HOST, &link_name("near", 0)).unwrap();
            network.add_address(link, "192.168.0.1/24".parse().unwrap()).unwrap();
            add_routes(&mut network, links);
            network
        },
        |links, network| {
            for n in 0..links {
                let link = network.find_link(NetnsId::HOST, &link_name("near", n)).unwrap();
                network.set_down(link).unwrap();
            }
        },
    );
    growth(&mut group, "names swapped", 8192, one_netns, |veths, network| swap_names(network, veths));
}

criterion_group!(benches, model);
criterion_main!(benches);

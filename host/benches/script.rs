//! A Rust guest that draws, against the model alone.

mod networks;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use networks::{group, growth, nothing};
use orchestrator::script::{self, End, Grants, Module, Native, Order, Rehearsal, RunLimits, Stage};
use orchestrator::topology::Limits;

/// A run that is ready to begin.
type Run = Option<Box<dyn FnOnce()>>;

fn prepare(calls: Vec<String>) -> Run {
    const HOUR: Duration = Duration::from_secs(3600);
    const MUCH: usize = 1 << 30;
    let lab = Limits { netns: usize::MAX, links: usize::MAX, addresses_and_routes: usize::MAX };
    let limits =
        RunLimits { module: u64::MAX, memory: MUCH, cpu: HOUR, time: HOUR, output: u64::MAX, handles: MUCH, lab };
    let engine = script::engine().unwrap();
    let module = Module::new("calls", std::fs::read(env!("ORCHESTRATOR_TEST_GUEST_CALLS")).unwrap());
    let code = script::compile("calls", module.bytes()).unwrap();
    // SAFETY: the compiler has just made it.
    let native = unsafe { Native::new(&engine, &code) }.unwrap();
    let prepared = native.prepare(engine, module.identity().clone(), Instant::now()).unwrap();
    let network = nothing();
    let backend = Arc::new(Mutex::new(Rehearsal::new(&network, None, "calls".into())));
    let granted = Grants::default().open(true).unwrap();
    let (lab_name, stage) = ("calls".to_owned(), Stage::Plan);
    let order = Order { arguments: calls, lab_name, limits, granted, network, signals: Vec::new(), stage, backend };
    Some(Box::new(move || {
        let report = script::run(&prepared, order).unwrap();
        assert!(matches!(report.end, End::Success), "{:?}", report.end);
    }))
}

fn run(run: &mut Run) {
    run.take().unwrap()();
}

/// About a dozen calls a node: a veth to the host with an IPv6 network of its own. The guest looks each object up by its name.
fn star(nodes: usize) -> Run {
    let calls = [
        "netns.add,c{}",
        "veth.add,host,v{},c{},eth0",
        "link.set-up,host,v{}",
        "link.set-up,c{},eth0",
        "address.add,host,v{},2001:db8:{}::1/64",
        "address.add,c{},eth0,2001:db8:{}::2/64",
    ];
    prepare(calls.iter().map(|call| format!("repeat,{nodes},!{call}")).collect())
}

/// The same, and after each node all is applied.
fn one_node_at_a_time(nodes: usize) -> Run {
    let node = |n| {
        [
            format!("!netns.add,c{n}"),
            format!("!veth.add,host,v{n},c{n},eth0"),
            format!("!link.set-up,host,v{n}"),
            format!("!link.set-up,c{n},eth0"),
            "!lab.apply".to_owned(),
        ]
    };
    prepare((1..=nodes).flat_map(node).collect())
}

fn scripts(criterion: &mut Criterion) {
    let mut group = group(criterion, "script");
    // An IPv6 address has four digits in a place.
    growth(&mut group, "star", 9_996, star, |_, begun| run(begun));
    growth(&mut group, "one node at a time", 2_000, one_node_at_a_time, |_, begun| run(begun));
}

criterion_group!(benches, scripts);
criterion_main!(benches);

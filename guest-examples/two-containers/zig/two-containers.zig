//! Two containers on a bridge, step by step as with `ip`. The drawing is in ../README.md.

const net = @import("orchestrator");
const Netns = net.Netns;
const Link = net.Link;

pub fn main() u8 {
    return net.main(draw);
}

fn draw() !void {
    const host = Netns.host();
    const container1 = try Netns.add("container1");
    const container2 = try Netns.add("container2");

    // A veth pair is a cable. One end stays in the host, the other moves into the container.
    const veth1, const ceth1 = try net.veth.add(host, "veth1", host, "ceth1");
    try ceth1.setNetns(container1);
    const veth2, const ceth2 = try net.veth.add(host, "veth2", host, "ceth2");
    try ceth2.setNetns(container2);

    try (try Link.get(container1, "lo")).setUp();
    try ceth1.setUp();
    try net.address.add(ceth1, "172.16.0.2/24");
    try (try Link.get(container2, "lo")).setUp();
    try ceth2.setUp();
    try net.address.add(ceth2, "172.16.0.3/24");

    // The bridge is the switch between the ends that stayed, and the host's own way into their network.
    const br0 = try net.bridge.add(host, "br0");
    for ([_]Link{ veth1, veth2 }) |end| {
        try net.bridge.addPort(br0, end);
        try end.setUp();
    }
    try br0.setUp();
    try net.address.add(br0, "172.16.0.1/24");

    // A bridge without ports plays the host's other interface: all that counts is its address.
    const uplink0 = try net.bridge.add(host, "uplink0");
    try uplink0.setUp();
    try net.address.add(uplink0, "192.168.100.1/24");

    // The first look at the kernel makes all of the above.
    try ping(container1, "172.16.0.3", .reply);
    try ping(host, "172.16.0.2", .reply);
    try ping(host, "172.16.0.3", .reply);

    // A ping that fails is an answer and no error: container1 knows only its own network.
    try ping(container1, "192.168.100.1", .unreachable_);
    try net.route.addVia(ceth1, "default", "172.16.0.1");
    try ping(container1, "192.168.100.1", .reply);
}

/// Pings, says what came of it, and ends the scenario if it was to be something else.
fn ping(source: Netns, target: []const u8, expected: net.probe.Outcome) !void {
    const result = try net.probe.ping(source, target);
    const milliseconds = @as(f64, @floatFromInt(result.round_trip_us)) / 1000;
    if (result.outcome == .reply) {
        net.print("{s} -> {s}: reply in {d:.2} ms\n", .{ source.name(), target, milliseconds });
    } else {
        net.print("{s} -> {s}: {s}\n", .{ source.name(), target, result.message });
    }
    if (result.outcome != expected) return error.UnexpectedAnswer;
}

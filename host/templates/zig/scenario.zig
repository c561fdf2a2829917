//! The host and a container, joined by a veth pair.

const net = @import("orchestrator");

pub fn main() u8 {
    return net.main(draw);
}

fn draw() !void {
    const host = net.Netns.host();
    const container1 = try net.Netns.add("container1");

    // A veth pair is a cable: one end in the host, the other in the container.
    const veth1, const ceth1 = try net.veth.add(host, "veth1", container1, "ceth1");
    try veth1.setUp();
    try ceth1.setUp();
    try net.address.add(veth1, "172.16.0.1/24");
    try net.address.add(ceth1, "172.16.0.2/24");

    const result = try net.probe.ping(host, "172.16.0.2");
    net.print("host -> container1: {s}\n", .{if (result.outcome == .reply) "reply" else result.message});
}

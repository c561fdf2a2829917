//! Any number of containers in one network: `n-containers N [--ipv6]`. The drawing is in ../README.md.

const std = @import("std");
const net = @import("orchestrator");
const Netns = net.Netns;
const Link = net.Link;

/// The addresses of 10.0.0.0/16, less the first one, the host's and the last one.
const most = (1 << 16) - 3;

// Linux gives a bridge 1,023 ports, and lets about 1,000 packets of a broadcast wait: for more there is a row of bridges.
const most_on_one = 1000;
const each_in_a_row = 400;

/// Texts of a scenario live as long as it does.
var arena = std.heap.ArenaAllocator.init(std.heap.wasm_allocator);

const Family = enum {
    ipv4,
    ipv6,

    fn address(family: Family, number: u32) ![]const u8 {
        return switch (family) {
            .ipv4 => text("10.0.{d}.{d}", .{ number / 256, number % 256 }),
            .ipv6 => text("fd00:a::{x}", .{number}),
        };
    }

    fn cidr(family: Family, number: u32) ![]const u8 {
        return text("{s}/{d}", .{ try family.address(number), @as(u32, if (family == .ipv4) 16 else 64) });
    }
};

fn text(comptime format: []const u8, arguments: anytype) ![]const u8 {
    return std.fmt.allocPrint(arena.allocator(), format, arguments);
}

pub fn main() u8 {
    return net.main(scenario);
}

fn scenario() !void {
    var count: ?u32 = null;
    var families: []const Family = &.{.ipv4};
    var arguments = try std.process.argsWithAllocator(arena.allocator());
    _ = arguments.skip();
    while (arguments.next()) |argument| {
        if (std.mem.eql(u8, argument, "--ipv6")) {
            families = &.{ .ipv4, .ipv6 };
        } else if (count == null) {
            count = std.fmt.parseInt(u32, argument, 10) catch 0;
        } else {
            count = 0;
        }
    }
    const wanted = count orelse 0;
    if (wanted < 1 or wanted > most) {
        std.debug.print("it takes one number from 1 to {d}\nusage: n-containers N [--ipv6]\n", .{most});
        return error.Usage;
    }
    try draw(wanted, families);
}

fn draw(count: u32, families: []const Family) !void {
    const host = Netns.host();
    const each: u32 = if (count <= most_on_one) most_on_one else each_in_a_row;
    const bridges = try addBridges(host, (count + each - 1) / each);
    for (families) |family| try net.address.add(bridges[0], try family.cidr(1));

    for (1..count + 1) |at| {
        const i: u32 = @intCast(at);
        const container = try Netns.add(try text("c{d}", .{i}));
        defer container.drop();
        const lo = try Link.get(container, "lo");
        defer lo.drop();
        try lo.setUp();
        // The far end is added where it belongs.
        const end, const ceth = try net.veth.add(host, try text("veth{d}", .{i}), container, try text("ceth{d}", .{i}));
        defer for ([_]Link{ end, ceth }) |own| own.drop();
        try net.bridge.addPort(bridges[(i - 1) / each], end);
        try end.setUp();
        try ceth.setUp();
        for (families) |family| {
            try net.address.add(ceth, try family.cidr(i + 1));
            try net.route.add(container, "default", try family.address(1));
        }
    }
    for (bridges) |own| try own.setUp();

    const first = try Netns.get("c1");
    const last = try Netns.get(try text("c{d}", .{count}));
    for (families) |family| {
        try expectReply(first, try family.address(count + 1));
        try expectReply(last, try family.address(1));
    }
}

/// Adds a row of bridges, each joined to the next by a veth pair.
fn addBridges(host: Netns, count: u32) ![]const Link {
    const row = try arena.allocator().alloc(Link, count);
    row[0] = try net.bridge.add(host, "br0");
    for (row[1..], 1..) |*own, j| {
        own.* = try net.bridge.add(host, try text("br{d}", .{j}));
        const near_name = try text("br{d}-br{d}", .{ j - 1, j });
        const near, const far = try net.veth.add(host, near_name, host, try text("br{d}-br{d}", .{ j, j - 1 }));
        for ([_]Link{ row[j - 1], own.* }, [_]Link{ near, far }) |joined, port| {
            try net.bridge.addPort(joined, port);
            try port.setUp();
        }
    }
    return row;
}

fn expectReply(source: Netns, target: []const u8) !void {
    const result = try net.probe.ping(source, target);
    if (result.outcome != .reply) {
        std.debug.print("{s} -> {s}: {s}\n", .{ source.name(), target, result.message });
        return error.UnexpectedAnswer;
    }
    const milliseconds = @as(f64, @floatFromInt(result.round_trip_us)) / 1000;
    net.print("{s} -> {s}: reply in {d:.2} ms\n", .{ source.name(), target, milliseconds });
}

//! Scenarios for orchestrator in Zig: the package orchestrator:net@0.1.0 as one file, with nothing to link and nothing to generate.
//!
//!     zig build-exe -target wasm32-wasi -O ReleaseSmall -rdynamic -femit-bin=lab.wasm \
//!         --dep orchestrator -Mroot=lab.zig -Morchestrator=orchestrator.zig
//!
//! (`-rdynamic` exports `cabi_realloc`, with which the host makes room for what it answers.)
//!
//! Each interface of wit/ is a namespace, and its resources are types; wit/ says what a function does (`orchestrator wit` prints it). A
//! call that is refused is an error, and `reason` has its message; `main` ends a scenario with it. Texts and lists that come back are
//! never freed: a scenario is short.
//!
//! Dropping a handle removes nothing from the network. A scenario holds at most 100,000 of them at a time.

const std = @import("std");

/// What kind of failure a call met, as wit/errors.wit tells.
pub const Error = error{
    Denied,
    AlreadyExists,
    NotFound,
    InUse,
    InvalidArgument,
    Unsupported,
    Unreachable,
    TimedOut,
    Limit,
    Kernel,
};

const errors = [_]Error{
    error.Denied,          error.AlreadyExists, error.NotFound,    error.InUse,    error.InvalidArgument,
    error.Unsupported,     error.Unreachable,   error.TimedOut,    error.Limit,    error.Kernel,
};

/// One call that was refused: a line for people, and the name of Linux's errno or nothing.
pub const Refusal = struct { message: []const u8, errno: []const u8 };

/// Why the last call that failed did.
pub var reason: Refusal = .{ .message = "", .errno = "" };

/// Runs a scenario. Why it failed goes to stderr, and the lab is undone.
pub fn main(scenario: fn () anyerror!void) u8 {
    scenario() catch |failure| {
        const is_ours = for (errors) |own| {
            if (own == failure) break true;
        } else false;
        if (is_ours and reason.message.len > 0) {
            std.debug.print("{s}\n", .{reason.message});
        } else {
            std.debug.print("error: {s}\n", .{@errorName(failure)});
        }
        return 1;
    };
    return 0;
}

/// Prints to stdout, at most a line of a page.
pub fn print(comptime format: []const u8, arguments: anytype) void {
    var buffer: [4096]u8 = undefined;
    const text = std.fmt.bufPrint(&buffer, format, arguments) catch &buffer;
    var written: usize = 0;
    while (written < text.len) written += std.posix.write(1, text[written..]) catch return;
}

// --- how values come back (the canonical ABI of the component model) -----------------------------------------------------

const Text = extern struct {
    pointer: [*]const u8,
    length: usize,

    fn slice(text: Text) []const u8 {
        return text.pointer[0..text.length];
    }
};

fn List(comptime T: type) type {
    return extern struct { pointer: [*]const T, length: usize };
}

const Pinged = extern struct { outcome: u8, message: Text, errno: Text, sent: u32, received: u32, round_trip_us: u32 };

const Answer = extern struct {
    failed: u8,
    is: extern union {
        handles: [2]i32,
        number: u32,
        byte: u8,
        text: Text,
        texts: List(Text),
        list: List(i32),
        pings: List(Pinged),
        refusal: extern struct { code: u8, message: Text, errno: Text },
        ping: Pinged,
    },
};

var answer: Answer = undefined;

fn check() Error!void {
    if (answer.failed == 0) return;
    const refusal = answer.is.refusal;
    reason = .{ .message = refusal.message.slice(), .errno = refusal.errno.slice() };
    return errors[refusal.code];
}

fn link_() Error!Link {
    try check();
    return .{ .handle = answer.is.handles[0] };
}

fn netns_() Error!Netns {
    try check();
    return .{ .handle = answer.is.handles[0] };
}

fn texts() Error![]const []const u8 {
    try check();
    const list = answer.is.texts;
    const slices = std.heap.wasm_allocator.alloc([]const u8, list.length) catch @panic("no memory");
    for (slices, list.pointer[0..list.length]) |*to, from| to.* = from.slice();
    return slices;
}

fn links_() Error![]const Link {
    try check();
    const list = answer.is.list;
    return @ptrCast(list.pointer[0..list.length]);
}

/// The host asks for a place for each text or list that comes back.
export fn cabi_realloc(old: ?[*]u8, old_size: usize, alignment: usize, size: usize) ?[*]u8 {
    _ = alignment; // 8 is enough for all of them
    const place = std.heap.wasm_allocator.rawAlloc(@max(size, 1), .@"8", 0) orelse @panic("no memory");
    if (old) |from| @memcpy(place[0..@min(old_size, size)], from[0..@min(old_size, size)]);
    return place;
}

comptime {
    _ = &cabi_realloc;
}

/// What the host gives, by interface.
const imports = struct {
    const netns = struct {
        extern "orchestrator:net/netns@0.1.0" fn host() i32;
        extern "orchestrator:net/netns@0.1.0" fn add([*]const u8, usize, *Answer) void;
        extern "orchestrator:net/netns@0.1.0" fn get([*]const u8, usize, *Answer) void;
        extern "orchestrator:net/netns@0.1.0" fn list(*List(i32)) void;
        extern "orchestrator:net/netns@0.1.0" fn @"[method]netns.name"(i32, *Text) void;
        extern "orchestrator:net/netns@0.1.0" fn @"[method]netns.forwarding"(i32, *Answer) void;
        extern "orchestrator:net/netns@0.1.0" fn @"[method]netns.set-forwarding"(i32, i32, *Answer) void;
        extern "orchestrator:net/netns@0.1.0" fn @"[method]netns.autoconfiguration"(i32, *Answer) void;
        extern "orchestrator:net/netns@0.1.0" fn @"[method]netns.set-autoconfiguration"(i32, i32, *Answer) void;
        extern "orchestrator:net/netns@0.1.0" fn @"[method]netns.remove"(i32, *Answer) void;
        extern "orchestrator:net/netns@0.1.0" fn @"[resource-drop]netns"(i32) void;
    };
    const link = struct {
        extern "orchestrator:net/link@0.1.0" fn get(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn list(i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.name"(i32, *Text) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.netns-name"(i32, *Text) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.kind"(i32, *Text) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.mac-address"(i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.mtu"(i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.is-up"(i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.set-up"(i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.set-down"(i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.set-mtu"(i32, u32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.set-name"(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.set-netns"(i32, i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[method]link.remove"(i32, *Answer) void;
        extern "orchestrator:net/link@0.1.0" fn @"[resource-drop]link"(i32) void;
    };
    const veth = struct {
        extern "orchestrator:net/veth@0.1.0" fn add(i32, [*]const u8, usize, i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/veth@0.1.0" fn @"add-with-queues"(i32, [*]const u8, usize, i32, [*]const u8, usize, u32, *Answer) void;
        extern "orchestrator:net/veth@0.1.0" fn peer(i32, *Answer) void;
    };
    const bridge = struct {
        extern "orchestrator:net/bridge@0.1.0" fn add(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/bridge@0.1.0" fn @"add-port"(i32, i32, *Answer) void;
        extern "orchestrator:net/bridge@0.1.0" fn @"remove-port"(i32, *Answer) void;
        extern "orchestrator:net/bridge@0.1.0" fn ports(i32, *Answer) void;
    };
    const address = struct {
        extern "orchestrator:net/address@0.1.0" fn add(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/address@0.1.0" fn remove(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/address@0.1.0" fn list(i32, *Answer) void;
    };
    const route = struct {
        extern "orchestrator:net/route@0.1.0" fn add(i32, [*]const u8, usize, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/route@0.1.0" fn @"add-via"(i32, [*]const u8, usize, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/route@0.1.0" fn @"add-on-link"(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/route@0.1.0" fn remove(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/route@0.1.0" fn list(i32, *Answer) void;
    };
    const lab = struct {
        extern "orchestrator:net/lab@0.1.0" fn name(*Text) void;
        extern "orchestrator:net/lab@0.1.0" fn apply(*Answer) void;
        extern "orchestrator:net/lab@0.1.0" fn wait(u32, *Answer) void;
        extern "orchestrator:net/lab@0.1.0" fn log([*]const u8, usize) void;
    };
    const probe = struct {
        extern "orchestrator:net/probe@0.1.0" fn ping(i32, [*]const u8, usize, *Answer) void;
        extern "orchestrator:net/probe@0.1.0" fn @"ping-within"(i32, [*]const u8, usize, u32, u32, *Answer) void;
        extern "orchestrator:net/probe@0.1.0" fn @"ping-all"([*]const i32, usize, [*]const Text, usize, u32, *Answer) void;
        extern "orchestrator:net/probe@0.1.0" fn links(i32, *Answer) void;
        extern "orchestrator:net/probe@0.1.0" fn addresses(i32, *Answer) void;
        extern "orchestrator:net/probe@0.1.0" fn routes(i32, *Answer) void;
    };
};

/// A network namespace, as wit/netns.wit has it.
pub const Netns = struct {
    handle: i32,

    pub fn host() Netns {
        return .{ .handle = imports.netns.host() };
    }

    pub fn add(own: []const u8) Error!Netns {
        imports.netns.add(own.ptr, own.len, &answer);
        return netns_();
    }

    pub fn get(own: []const u8) Error!Netns {
        imports.netns.get(own.ptr, own.len, &answer);
        return netns_();
    }

    pub fn list() []const Netns {
        var all: List(i32) = undefined;
        imports.netns.list(&all);
        return @ptrCast(all.pointer[0..all.length]);
    }

    pub fn name(netns: Netns) []const u8 {
        var text: Text = undefined;
        imports.netns.@"[method]netns.name"(netns.handle, &text);
        return text.slice();
    }

    pub fn forwarding(netns: Netns) Error!bool {
        imports.netns.@"[method]netns.forwarding"(netns.handle, &answer);
        try check();
        return answer.is.byte != 0;
    }

    pub fn setForwarding(netns: Netns, on: bool) Error!void {
        imports.netns.@"[method]netns.set-forwarding"(netns.handle, @intFromBool(on), &answer);
        return check();
    }

    pub fn autoconfiguration(netns: Netns) Error!bool {
        imports.netns.@"[method]netns.autoconfiguration"(netns.handle, &answer);
        try check();
        return answer.is.byte != 0;
    }

    pub fn setAutoconfiguration(netns: Netns, on: bool) Error!void {
        imports.netns.@"[method]netns.set-autoconfiguration"(netns.handle, @intFromBool(on), &answer);
        return check();
    }

    pub fn remove(netns: Netns) Error!void {
        imports.netns.@"[method]netns.remove"(netns.handle, &answer);
        return check();
    }

    pub fn drop(netns: Netns) void {
        imports.netns.@"[resource-drop]netns"(netns.handle);
    }
};

/// A link of any kind, as wit/link.wit has it.
pub const Link = struct {
    handle: i32,

    pub fn get(netns: Netns, own: []const u8) Error!Link {
        imports.link.get(netns.handle, own.ptr, own.len, &answer);
        return link_();
    }

    pub fn list(netns: Netns) Error![]const Link {
        imports.link.list(netns.handle, &answer);
        return links_();
    }

    pub fn name(link: Link) []const u8 {
        var text: Text = undefined;
        imports.link.@"[method]link.name"(link.handle, &text);
        return text.slice();
    }

    pub fn netnsName(link: Link) []const u8 {
        var text: Text = undefined;
        imports.link.@"[method]link.netns-name"(link.handle, &text);
        return text.slice();
    }

    pub fn kind(link: Link) []const u8 {
        var text: Text = undefined;
        imports.link.@"[method]link.kind"(link.handle, &text);
        return text.slice();
    }

    pub fn macAddress(link: Link) Error![]const u8 {
        imports.link.@"[method]link.mac-address"(link.handle, &answer);
        try check();
        return answer.is.text.slice();
    }

    pub fn mtu(link: Link) Error!u32 {
        imports.link.@"[method]link.mtu"(link.handle, &answer);
        try check();
        return answer.is.number;
    }

    pub fn isUp(link: Link) Error!bool {
        imports.link.@"[method]link.is-up"(link.handle, &answer);
        try check();
        return answer.is.byte != 0;
    }

    pub fn setUp(link: Link) Error!void {
        imports.link.@"[method]link.set-up"(link.handle, &answer);
        return check();
    }

    pub fn setDown(link: Link) Error!void {
        imports.link.@"[method]link.set-down"(link.handle, &answer);
        return check();
    }

    pub fn setMtu(link: Link, bytes: u32) Error!void {
        imports.link.@"[method]link.set-mtu"(link.handle, bytes, &answer);
        return check();
    }

    pub fn setName(link: Link, own: []const u8) Error!void {
        imports.link.@"[method]link.set-name"(link.handle, own.ptr, own.len, &answer);
        return check();
    }

    pub fn setNetns(link: Link, target: Netns) Error!void {
        imports.link.@"[method]link.set-netns"(link.handle, target.handle, &answer);
        return check();
    }

    pub fn remove(link: Link) Error!void {
        imports.link.@"[method]link.remove"(link.handle, &answer);
        return check();
    }

    pub fn drop(link: Link) void {
        imports.link.@"[resource-drop]link"(link.handle);
    }
};

/// wit/veth.wit
pub const veth = struct {
    pub fn add(netns: Netns, name: []const u8, peer_netns: Netns, peer_name: []const u8) Error![2]Link {
        imports.veth.add(netns.handle, name.ptr, name.len, peer_netns.handle, peer_name.ptr, peer_name.len, &answer);
        return pair();
    }

    pub fn addWithQueues(netns: Netns, name: []const u8, peer_netns: Netns, peer_name: []const u8, queues: u32) Error![2]Link {
        imports.veth.@"add-with-queues"(
            netns.handle,
            name.ptr,
            name.len,
            peer_netns.handle,
            peer_name.ptr,
            peer_name.len,
            queues,
            &answer,
        );
        return pair();
    }

    pub fn peer(link: Link) Error!Link {
        imports.veth.peer(link.handle, &answer);
        return link_();
    }

    fn pair() Error![2]Link {
        try check();
        return .{ .{ .handle = answer.is.handles[0] }, .{ .handle = answer.is.handles[1] } };
    }
};

/// wit/bridge.wit
pub const bridge = struct {
    pub fn add(netns: Netns, name: []const u8) Error!Link {
        imports.bridge.add(netns.handle, name.ptr, name.len, &answer);
        return link_();
    }

    pub fn addPort(own: Link, port: Link) Error!void {
        imports.bridge.@"add-port"(own.handle, port.handle, &answer);
        return check();
    }

    pub fn removePort(port: Link) Error!void {
        imports.bridge.@"remove-port"(port.handle, &answer);
        return check();
    }

    pub fn ports(own: Link) Error![]const Link {
        imports.bridge.ports(own.handle, &answer);
        return links_();
    }
};

/// wit/address.wit
pub const address = struct {
    pub fn add(link: Link, cidr: []const u8) Error!void {
        imports.address.add(link.handle, cidr.ptr, cidr.len, &answer);
        return check();
    }

    pub fn remove(link: Link, cidr: []const u8) Error!void {
        imports.address.remove(link.handle, cidr.ptr, cidr.len, &answer);
        return check();
    }

    pub fn list(link: Link) Error![]const []const u8 {
        imports.address.list(link.handle, &answer);
        return texts();
    }
};

/// wit/route.wit
pub const route = struct {
    pub fn add(netns: Netns, destination: []const u8, gateway: []const u8) Error!void {
        imports.route.add(netns.handle, destination.ptr, destination.len, gateway.ptr, gateway.len, &answer);
        return check();
    }

    pub fn addVia(link: Link, destination: []const u8, gateway: []const u8) Error!void {
        imports.route.@"add-via"(link.handle, destination.ptr, destination.len, gateway.ptr, gateway.len, &answer);
        return check();
    }

    pub fn addOnLink(link: Link, destination: []const u8) Error!void {
        imports.route.@"add-on-link"(link.handle, destination.ptr, destination.len, &answer);
        return check();
    }

    pub fn remove(netns: Netns, destination: []const u8) Error!void {
        imports.route.remove(netns.handle, destination.ptr, destination.len, &answer);
        return check();
    }

    pub fn list(netns: Netns) Error![]const []const u8 {
        imports.route.list(netns.handle, &answer);
        return texts();
    }
};

/// wit/lab.wit
pub const lab = struct {
    pub fn name() []const u8 {
        var text: Text = undefined;
        imports.lab.name(&text);
        return text.slice();
    }

    pub fn apply() Error!void {
        imports.lab.apply(&answer);
        return check();
    }

    pub fn wait(timeout_ms: u32) Error!void {
        imports.lab.wait(timeout_ms, &answer);
        return check();
    }

    pub fn log(message: []const u8) void {
        imports.lab.log(message.ptr, message.len);
    }
};

/// wit/probe.wit
pub const probe = struct {
    pub const Outcome = enum(u8) { reply, no_reply, unreachable_ };

    pub const Result = struct {
        outcome: Outcome,
        message: []const u8,
        errno: []const u8,
        sent: u32,
        received: u32,
        round_trip_us: u32,

        fn from(pinged: Pinged) Result {
            return .{
                .outcome = @enumFromInt(pinged.outcome),
                .message = pinged.message.slice(),
                .errno = pinged.errno.slice(),
                .sent = pinged.sent,
                .received = pinged.received,
                .round_trip_us = pinged.round_trip_us,
            };
        }
    };

    pub fn ping(source: Netns, target: []const u8) Error!Result {
        imports.probe.ping(source.handle, target.ptr, target.len, &answer);
        try check();
        return Result.from(answer.is.ping);
    }

    pub fn pingWithin(source: Netns, target: []const u8, count: u32, timeout_ms: u32) Error!Result {
        imports.probe.@"ping-within"(source.handle, target.ptr, target.len, count, timeout_ms, &answer);
        try check();
        return Result.from(answer.is.ping);
    }

    /// Each source pings the target at its place, all at once.
    pub fn pingAll(sources: []const Netns, targets: []const []const u8, timeout_ms: u32) Error![]const Result {
        const allocator = std.heap.wasm_allocator;
        const words = allocator.alloc(Text, targets.len) catch @panic("no memory");
        defer allocator.free(words);
        for (words, targets) |*to, from| to.* = .{ .pointer = from.ptr, .length = from.len };
        const handles: []const i32 = @ptrCast(sources);
        imports.probe.@"ping-all"(handles.ptr, handles.len, words.ptr, words.len, timeout_ms, &answer);
        try check();
        const pings = answer.is.pings;
        const results = allocator.alloc(Result, pings.length) catch @panic("no memory");
        for (results, pings.pointer[0..pings.length]) |*to, from| to.* = Result.from(from);
        return results;
    }

    pub fn links(netns: Netns) Error![]const []const u8 {
        imports.probe.links(netns.handle, &answer);
        return texts();
    }

    pub fn addresses(netns: Netns) Error![]const []const u8 {
        imports.probe.addresses(netns.handle, &answer);
        return texts();
    }

    pub fn routes(netns: Netns) Error![]const []const u8 {
        imports.probe.routes(netns.handle, &answer);
        return texts();
    }
};

/// A text that is known when the scenario is compiled.
pub const Constant = extern struct {
    ptr: [*]const u8,
    len: usize,

    fn of(comptime words: []const u8) Constant {
        return .{ .ptr = words.ptr, .len = words.len };
    }
};

/// What the value of an argument is, as in wit/describe.wit.
pub const ValueType = extern struct {
    is: u8,
    of: extern union {
        integer: extern struct { min: i64, max: i64 },
        decimal: extern struct { min: f64, max: f64 },
        choice: extern struct { ptr: [*]const Constant, len: usize },
    },

    pub const flag = ValueType{ .is = 0, .of = .{ .integer = .{ .min = 0, .max = 0 } } };
    pub const text = ValueType{ .is = 3, .of = flag.of };
    pub const address = ValueType{ .is = 5, .of = flag.of };
    pub const cidr = ValueType{ .is = 6, .of = flag.of };

    pub fn integer(min: i64, max: i64) ValueType {
        return .{ .is = 1, .of = .{ .integer = .{ .min = min, .max = max } } };
    }

    pub fn decimal(min: f64, max: f64) ValueType {
        return .{ .is = 2, .of = .{ .decimal = .{ .min = min, .max = max } } };
    }

    pub fn choice(comptime choices: []const []const u8) ValueType {
        const constants = comptime blk: {
            var all: [choices.len]Constant = undefined;
            for (choices, &all) |from, *to| to.* = Constant.of(from);
            break :blk all;
        };
        return .{ .is = 4, .of = .{ .choice = .{ .ptr = &constants, .len = constants.len } } };
    }
};

/// Whether an argument has to be given.
pub const Presence = extern struct {
    is: u8,
    value: Constant,

    pub const required = Presence{ .is = 0, .value = Constant.of("") };
    pub const optional = Presence{ .is = 1, .value = Constant.of("") };

    pub fn default(comptime value: []const u8) Presence {
        return .{ .is = 2, .value = Constant.of(value) };
    }
};

/// What a scenario takes.
pub const Argument = extern struct {
    name: Constant,
    summary: Constant,
    position: u8,
    type: ValueType,
    presence: Presence,

    /// One that stands by itself.
    pub fn positional(comptime name: []const u8, comptime summary: []const u8, of: ValueType, presence: Presence) Argument {
        return .{ .name = Constant.of(name), .summary = Constant.of(summary), .position = 0, .type = of, .presence = presence };
    }

    /// One that stands behind its name.
    pub fn named(comptime name: []const u8, comptime summary: []const u8, of: ValueType, presence: Presence) Argument {
        return .{ .name = Constant.of(name), .summary = Constant.of(summary), .position = 1, .type = of, .presence = presence };
    }
};

/// Says what a scenario is, before it is run. To be called where it is compiled: `comptime { net.describe(...); }`.
pub fn describe(comptime title: []const u8, comptime summary: []const u8, comptime arguments: []const Argument) void {
    const Description = extern struct { title: Constant, summary: Constant, arguments: [*]const Argument, length: usize };
    const exported = struct {
        const description = Description{
            .title = Constant.of(title),
            .summary = Constant.of(summary),
            .arguments = arguments.ptr,
            .length = arguments.len,
        };

        fn describe() callconv(.c) *const Description {
            return &description;
        }
    };
    @export(&exported.describe, .{ .name = "orchestrator:net/describe@0.1.0#describe" });
}

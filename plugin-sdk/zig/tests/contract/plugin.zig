//! Calls every function of the library and logs what comes back. The plugins of this name in C and C++ do the same, and all
//! of them meet the same cases.

const std = @import("std");
const tollgate = @import("tollgate");
const request = tollgate.request;
const response = tollgate.response;
const exchange = tollgate.exchange;
const settings = tollgate.settings;

pub const panic = tollgate.panic;
pub const std_options: std.Options = .{ .logFn = tollgate.logFn };

comptime {
    tollgate.plugin(@This());
}

fn tell(what: []const u8, text: ?[]const u8) void {
    std.log.info("{s}: {s}", .{ what, text orelse "absent" });
}

/// Says whether it went well, and in which words it did not.
fn check(what: []const u8, result: anytype) void {
    if (result) |_| tell(what, "ok") else |_| tell(what, tollgate.errorMessage());
}

fn tellFields(fields: []const tollgate.Field) void {
    for (fields) |field| tollgate.log(.info, "entry: {s}={s}", .{ field.name, field.value });
}

fn tellValues(values: []const []const u8) void {
    for (values) |value| tell("value", value);
}

fn readRequest() void {
    tell("method", request.method());
    tell("scheme", request.scheme());
    tell("authority", request.authority());
    tell("target", request.target());
    tell("path", request.path());
    tell("X-Twice", request.field("X-Twice"));
    tell("x-empty", request.field("x-empty"));
    tell("x-none", request.field("x-none"));
    tellValues(request.fieldValues("x-twice"));
    tellValues(request.fieldValues("x-none"));
    tellFields(request.fields());
}

fn editRequest() void {
    check("set-method", request.setMethod("PUT"));
    check("set-target", request.setTarget("/new?z"));
    check("set-authority", request.setAuthority("other:81"));
    check("set-fields", request.setFields(&.{
        .{ .name = "x-a", .value = "1" },
        .{ .name = "x-a", .value = "2" },
        .{ .name = "x-b", .value = "\xff" },
    }));
    check("append-field", request.appendField("x-b", ""));
    check("delete-field", request.deleteField("x-twice"));
    check("wrong method", request.setMethod("A B"));
    check("wrong target", request.setTarget("/\xff"));
    check("wrong name", request.setField("\xff", ""));
    check("wrong value", request.setField("x-c", "a\nb"));
    check("wrong fields", request.setFields(&.{ .{ .name = "x-c", .value = "1" }, .{ .name = "\xff", .value = "2" } }));
    check("wrong deletion", request.deleteField("a b"));
    check("the host's", request.appendField("te", "a"));
    tell("not UTF-8", request.field("x-b"));
}

fn readSettings() !void {
    tell("setting", try settings.get("list"));
    tell("no setting", try settings.get("none"));
    check("required", settings.require("none"));
    check("settings", settings.all());
    tellFields(try settings.all());
}

/// What the cases in ../c/tests/helpers ask for.
fn useHelpers() !void {
    const gpa = tollgate.allocator;
    tell("query", request.query());
    tell("param a", request.queryParam("a"));
    for (request.queryParams()) |param| tollgate.log(.info, "param: {s}={s}", .{ param.name, param.value });
    inline for (.{ "b", "c", "d", "", "none" }) |name| tell("param " ++ name, request.queryParam(name));
    tell("cookie a", request.cookie("a"));
    tell("cookie none", request.cookie("none"));
    for (request.cookies()) |cookie| tollgate.log(.info, "cookie: {s}={s}", .{ cookie.name, cookie.value });
    tell("encode", try tollgate.url.encode(gpa, "a b/ü+%-._~\x00"));
    tell("decode", try tollgate.url.decode(gpa, "%41+%2f%zz%4%"));
    tell("wrong path", if (request.setPath("/a?b")) "ok" else |_| "refused");
    check("set-path", request.setPath("/new"));
    check("accept-identity", request.acceptIdentity());
    tell("encoded", if (request.isEncoded()) "yes" else "no");
    tell("random", if (tollgate.random() != tollgate.random()) "differs" else "is the same");
    tollgate.log(.info, "random bytes: {d}", .{tollgate.randomBytes(8).len});
    if (tollgate.now() > 100_000_000_000) tell("now", "in milliseconds");
}

fn isSet(key: []const u8, value: []const u8) !bool {
    return std.mem.eql(u8, try settings.get(key) orelse "", value);
}

pub fn forwardRequest() !tollgate.Verdict {
    if (try isSet("do", "helpers")) try useHelpers();
    if (try isSet("do", "services")) try useServices();
    if (try isSet("do", "forget answer")) _ = try tollgate.answer(403, "text/plain", "no\n");
    if (try settings.get("do") != null) return .forward;
    for (std.enums.values(tollgate.Level)) |level| tollgate.log(level, "level", .{});
    const has_port = std.mem.indexOfScalar(u8, exchange.clientAddress(), ':') != null;
    tell("id and client", if (exchange.id().len != 0 and has_port) "there" else "missing");
    readRequest();
    try readSettings();
    tell("note", exchange.note("contract"));
    exchange.setNote("contract", "a\x00b\xff");
    exchange.setNote("contract-empty", "");
    editRequest();
    if (try isSet("body", "read")) {
        check("body", request.body());
        request.setBody(try std.mem.concat(tollgate.allocator, u8, &.{ try request.body(), "!" }));
    }
    if (try isSet("end", "error")) return tollgate.fail("a \xff b", .{});
    if (try isSet("end", "answer")) return try tollgate.answer(418, "text/plain", "tea\n");
    if (try isSet("end", "wrong answer")) return try tollgate.answer(99, "text/plain", "");
    return .forward;
}

fn editResponse() void {
    check("set-status", response.setStatus(599));
    check("wrong status", response.setStatus(600));
    check("set-field", response.setField("x-s", "\xff"));
    check("set-fields", response.setFields(&.{ .{ .name = "x-r", .value = "1" }, .{ .name = "x-r", .value = "2" } }));
    check("append-field", response.appendField("x-r", "3"));
    check("delete-field", response.deleteField("x-twice"));
    check("the host's", response.setField("content-length", "1"));
}

pub fn returnResponse() !void {
    if (try isSet("do", "helpers")) tell("response encoded", if (response.isEncoded()) "yes" else "no");
    if (try settings.get("do") != null) return;
    const note = exchange.note("contract") orelse "absent";
    tell("note", if (std.mem.eql(u8, note, "a\x00b\xff")) "kept" else note);
    tell("empty note", exchange.note("contract-empty"));
    tollgate.log(.info, "status: {d}", .{response.status()});
    tell("x-twice", response.field("x-twice"));
    tell("x-none", response.field("x-none"));
    tellValues(response.fieldValues("x-twice"));
    tellFields(response.fields());
    editResponse();
    const sent = request.body();
    check("request body", sent);
    tell("request body", sent catch null);
    const body = response.body();
    check("body", body);
    response.setBody(try std.mem.concat(tollgate.allocator, u8, &.{ try body, "?" }));
    if (try isSet("end", "late error")) return tollgate.fail("late", .{});
}

fn yes(is: bool) []const u8 {
    return if (is) "yes" else "no";
}

/// What the case services asks for.
fn useServices() !void {
    const state = tollgate.state;
    const client = tollgate.client;
    tell("get none", try state.get("none"));
    tell("get text", try state.get("text"));
    try state.set("kept", "x", 0);
    for ([_]i64{ 5, -8 }) |by| std.log.info("increment: {d}", .{try state.increment("n", by, 0)});
    check("increment text", state.increment("text", 1, 60000));
    tell("swap", yes(try state.compareAndSwap("text", "hello", null, 1500)));
    tell("swap", yes(try state.compareAndSwap("text", null, "new", 1500)));
    tell("swap", yes(try state.compareAndSwap("text", "no", "x", 1500)));
    for (0..2) |_| tell("delete", yes(try state.delete("kept")));
    for (try state.keys("", null, 10)) |key| tell("key", key);

    const found = try client.get("http://example.com/ok");
    std.log.info("status: {d}", .{found.status});
    tell("x-a", found.field("x-a"));
    tell("x-none", found.field("x-none"));
    tell("body", found.body);
    const down: client.Request = .{
        .method = "POST",
        .url = "http://example.com/down",
        .fields = &.{.{ .name = "x-b", .value = "2" }},
        .body = "b",
        .timeout_ms = 5,
    };
    tellSent("error", client.send(down));
    for (client.sendAll(&.{ .{ .url = "http://example.com/ok" }, down })) |sent| tellSent("all", sent);
    // An allocator's address for nothing is none that the host may look at.
    const nothing = try tollgate.allocator.alloc(u8, 0);
    exchange.setNote(nothing, nothing);
    try request.setField("x-nothing", nothing);
    try request.appendField("x-nothing", nothing);
    try request.setFields(&.{.{ .name = "x-nothing", .value = nothing }});
    try request.deleteField("x-nothing");
    request.setBody(nothing);
    try state.set("nothing", nothing, 0);
    if (!try state.compareAndSwap("nothing", nothing, nothing, 0)) return tollgate.fail("nothing is not nothing", .{});
    _ = try state.delete("nothing");
    tollgate.metrics.describe("nothing", nothing, try tollgate.allocator.alloc(f64, 0));
    tollgate.timer.sleep(1);
    tollgate.metrics.add("served_total", 2, &.{.{ .name = "kind", .value = "a" }});
}

fn tellSent(what: []const u8, sent: tollgate.client.Sent) void {
    if (sent) |found| std.log.info("{s}: {d}", .{ what, found.status }) else |err| tell(what, tollgate.errorName(err));
}

pub fn start() !void {
    if (try isSet("do", "refuse")) return tollgate.fail("setting do is refuse", .{});
}

/// For the cases of bodies that flow.
pub const ResponseBody = struct {
    events: u32 = 0,

    pub fn begin(_: *ResponseBody) !?tollgate.Wish {
        if (try isSet("do", "events")) return .{ .unit = .events, .decoded = true };
        if (try isSet("do", "stop") or try isSet("do", "fail")) return .{ .unit = .lines };
        return null;
    }

    pub fn piece(self: *ResponseBody, data: []const u8) !tollgate.Fate {
        if (try isSet("do", "fail")) return tollgate.fail("no such line", .{});
        if (try isSet("do", "stop")) {
            if (!std.mem.eql(u8, data, "two\n")) return .keep;
            tollgate.emit("last");
            return .stop;
        }
        const found = try tollgate.events.data(tollgate.allocator, data) orelse return .keep;
        self.events += 1;
        const new = try std.fmt.allocPrint(tollgate.allocator, "{d}\n{s}", .{ self.events, found });
        tollgate.emit(try tollgate.events.withData(tollgate.allocator, data, new));
        return .replace;
    }

    pub fn end(self: *ResponseBody) !void {
        if (self.events != 0) tollgate.emit(try tollgate.events.make(tollgate.allocator, "", "end"));
    }
};

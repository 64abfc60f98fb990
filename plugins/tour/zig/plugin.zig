//! The tour of the contract: the plugin that plugins/tour has in every language, all of which must behave alike.

const std = @import("std");
const tollgate = @import("tollgate");
const request = tollgate.request;
const response = tollgate.response;

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

const lookup_timeout_ms = 2000;

/// The settings, which are read when an instance starts.
var mark: []const u8 = "none";
var window_ms: ?u64 = null;
var delay_ms: u64 = 0;
var lookup: ?[]const u8 = null;

pub fn start() !void {
    if (try setting("mark")) |text| mark = text;
    if (try setting("window")) |text| {
        const seconds = whole(text, 1, 86400) orelse return tollgate.fail("window: expected whole seconds from 1 to 86400", .{});
        window_ms = seconds * std.time.ms_per_s;
    }
    if (try setting("delay")) |text|
        delay_ms = whole(text, 0, 60000) orelse return tollgate.fail("delay: expected whole milliseconds from 0 to 60000", .{});
    if (try setting("lookup")) |url| {
        if (!std.mem.startsWith(u8, url, "http://") and !std.mem.startsWith(u8, url, "https://"))
            return tollgate.fail("lookup: expected a URL with http or https", .{});
        lookup = url;
    }
    tollgate.metrics.describe("tour_responses", "Responses by class of status", &.{});
    tollgate.metrics.describe("tour_stream_events", "Events of a stream", &.{ 1, 10, 100, 1000 });
}

/// A setting in memory that outlives the call.
fn setting(key: []const u8) !?[]const u8 {
    const text = try tollgate.settings.get(key) orelse return null;
    return try std.heap.wasm_allocator.dupe(u8, text);
}

/// A number in at most five decimal digits.
fn whole(text: []const u8, least: u64, most: u64) ?u64 {
    if (text.len == 0 or text.len > 5) return null;
    for (text) |byte| if (!std.ascii.isDigit(byte)) return null;
    const number = std.fmt.parseInt(u64, text, 10) catch return null;
    return if (number >= least and number <= most) number else null;
}

pub fn forwardRequest() !tollgate.Verdict {
    tollgate.log(.info, "forward {s} {s}", .{ request.method(), request.target() });
    request.setField("x-tour", mark) catch return tollgate.fail("x-tour: refused", .{});
    if (std.mem.eql(u8, request.path(), "/tour")) {
        const body = try std.mem.concat(tollgate.allocator, u8, &.{ "tour: ", mark, "\n" });
        return try tollgate.answer(200, "text/plain; charset=utf-8", body);
    }
    if (window_ms) |ttl_ms|
        request.setField("x-tour-count", try count(ttl_ms)) catch return tollgate.fail("x-tour-count: refused", .{});
    if (delay_ms != 0) tollgate.timer.sleep(delay_ms);
    if (lookup) |url|
        request.setField("x-tour-lookup", lookUp(url)) catch return tollgate.fail("x-tour-lookup: refused", .{});
    return .forward;
}

/// How many requests the client has sent in its window, or `unknown`.
fn count(ttl_ms: u64) ![]const u8 {
    const address = tollgate.exchange.clientAddress();
    const host = address[0 .. std.mem.lastIndexOfScalar(u8, address, ':') orelse 0];
    const key = try std.mem.concat(tollgate.allocator, u8, &.{ "count ", host });
    const sum = tollgate.state.increment(key, 1, ttl_ms) catch |err| {
        tollgate.log(.warn, "count: {s}", .{tollgate.errorName(err) orelse "unknown"});
        return "unknown";
    };
    return std.fmt.allocPrint(tollgate.allocator, "{d}", .{sum});
}

/// What a server says, or `failed`.
fn lookUp(url: []const u8) []const u8 {
    const sent = tollgate.client.send(.{
        .url = url,
        .fields = &.{.{ .name = "x-tour", .value = mark }},
        .timeout_ms = lookup_timeout_ms,
    });
    if (sent) |answer| {
        if (answer.status == 200) return answer.body;
        tollgate.log(.warn, "lookup: status {d}", .{answer.status});
    } else |err| tollgate.log(.warn, "lookup: {s}", .{tollgate.errorName(err) orelse "unknown"});
    return "failed";
}

pub fn returnResponse() !void {
    response.setField("x-tour", mark) catch return tollgate.fail("x-tour: refused", .{});
    if (hasType("application/json")) try greet();
    const status = response.status();
    const class = try std.fmt.allocPrint(tollgate.allocator, "{d}xx", .{status / 100});
    tollgate.metrics.add("tour_responses", 1, &.{.{ .name = "class", .value = class }});
    tollgate.log(.info, "return {d}", .{status});
}

fn hasType(media_type: []const u8) bool {
    return std.mem.startsWith(u8, response.field("content-type") orelse "", media_type);
}

/// The value of the member `greeting` becomes the mark.
fn greet() !void {
    const body = response.body() catch {
        tollgate.log(.warn, "body: not available", .{});
        return;
    };
    const greeting = try tollgate.json.string(tollgate.allocator, mark);
    if (try tollgate.json.replace(tollgate.allocator, body, "greeting", greeting)) |replaced|
        response.setBody(replaced);
}

/// In event streams a greeting becomes the mark.
pub const ResponseBody = struct {
    events: u32 = 0,

    pub fn begin(_: *ResponseBody) !?tollgate.Wish {
        return if (hasType("text/event-stream")) .{ .unit = .events, .decoded = true } else null;
    }

    pub fn piece(self: *ResponseBody, event: []const u8) !tollgate.Fate {
        self.events += 1;
        const data = try tollgate.events.data(tollgate.allocator, event) orelse return .keep;
        if (!std.mem.startsWith(u8, data, "hello")) return .keep;
        const marked = try std.mem.concat(tollgate.allocator, u8, &.{ mark, data["hello".len..] });
        tollgate.emit(try tollgate.events.withData(tollgate.allocator, event, marked));
        return .replace;
    }

    pub fn end(self: *ResponseBody) !void {
        tollgate.metrics.observe("tour_stream_events", @floatFromInt(self.events), &.{});
    }
};

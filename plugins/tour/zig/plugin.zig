//! The tour of the contract: the plugin that plugins/tour has in every language, all of which must behave alike.

const std = @import("std");
const tollgate = @import("tollgate");
const request = tollgate.request;
const response = tollgate.response;

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

fn mark() ![]const u8 {
    return try tollgate.settings.get("mark") orelse "none";
}

pub fn forwardRequest() !tollgate.Verdict {
    const value = try mark();
    tollgate.log(.info, "forward {s} {s}", .{ request.method(), request.target() });
    request.setField("x-tour", value) catch return tollgate.fail("x-tour: refused", .{});
    if (!std.mem.eql(u8, request.path(), "/tour")) return .forward;
    const body = try std.mem.concat(tollgate.allocator, u8, &.{ "tour: ", value, "\n" });
    return try tollgate.answer(200, "text/plain; charset=utf-8", body);
}

pub fn returnResponse() !void {
    const value = try mark();
    response.setField("x-tour", value) catch return tollgate.fail("x-tour: refused", .{});
    const content_type = response.field("content-type") orelse "";
    if (std.mem.startsWith(u8, content_type, "application/json")) try greet(value);
    tollgate.log(.info, "return {d}", .{response.status()});
}

/// The value of the member `greeting` becomes the mark.
fn greet(value: []const u8) !void {
    const body = response.body() catch {
        tollgate.log(.warn, "body: not available", .{});
        return;
    };
    const greeting = try tollgate.json.string(tollgate.allocator, value);
    if (try tollgate.json.replace(tollgate.allocator, body, "greeting", greeting)) |replaced|
        response.setBody(replaced);
}

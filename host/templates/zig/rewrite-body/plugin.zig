//! Replaces every occurrence of the setting `from` by the setting `to` in text and JSON.

const std = @import("std");
const tollgate = @import("tollgate");
const request = tollgate.request;
const response = tollgate.response;

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

pub fn forwardRequest() !tollgate.Verdict {
    try request.acceptIdentity();
    return .forward;
}

pub fn returnResponse() !void {
    const media_type = response.field("content-type") orelse return;
    const is_text = std.mem.startsWith(u8, media_type, "text/");
    if (!is_text and !std.mem.startsWith(u8, media_type, "application/json")) return;
    const from = try tollgate.settings.require("from");
    const to = try tollgate.settings.require("to");
    if (response.isEncoded()) {
        tollgate.log(.warn, "left a body alone that is encoded: {s}", .{response.field("content-encoding").?});
        return;
    }
    const body = try response.body();
    if (from.len == 0 or std.mem.indexOf(u8, body, from) == null) return;
    response.setBody(try std.mem.replaceOwned(u8, tollgate.allocator, body, from, to));
}

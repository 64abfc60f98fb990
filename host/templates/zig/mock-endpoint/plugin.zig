//! Answers GET of one path itself; everything else passes.

const std = @import("std");
const tollgate = @import("tollgate");
const request = tollgate.request;
const settings = tollgate.settings;

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

pub fn forwardRequest() !tollgate.Verdict {
    const path = try settings.get("path") orelse "/mock";
    if (!std.mem.eql(u8, request.method(), "GET") or !std.mem.eql(u8, request.path(), path)) return .forward;
    return try tollgate.answer(200, "application/json", try settings.get("body") orelse "{\"mock\":true}");
}

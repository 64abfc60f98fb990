//! Lets only those in who have the token of the setting `token`.

const std = @import("std");
const tollgate = @import("tollgate");
const request = tollgate.request;
const response = tollgate.response;

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

pub fn forwardRequest() !tollgate.Verdict {
    const token = try tollgate.settings.require("token");
    const expected = try std.mem.concat(tollgate.allocator, u8, &.{ "Bearer ", token });
    if (isSecret(request.field("authorization") orelse "", expected)) {
        try request.deleteField("authorization");
        return .forward;
    }
    try response.setField("www-authenticate", "Bearer");
    return try tollgate.answer(401, "text/plain; charset=utf-8", "token required\n");
}

/// Whether both are the same; takes as long for every wrong token of a length, so that none can be guessed byte by byte.
fn isSecret(given: []const u8, secret: []const u8) bool {
    if (given.len != secret.len) return false;
    var difference: u8 = 0;
    for (given, secret) |one, other| difference |= one ^ other;
    return difference == 0;
}

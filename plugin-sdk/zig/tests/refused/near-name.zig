//! expect: error: `forward_requests` is no hook: name it `forwardRequest`

const tollgate = @import("tollgate");

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

pub fn forward_requests() !tollgate.Verdict {
    return try tollgate.answer(403, "text/plain", "no\n");
}

pub fn returnResponse() !void {}

//! Sets a field on every request and every response.

const tollgate = @import("tollgate");

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

pub fn forwardRequest() !tollgate.Verdict {
    try tollgate.request.setField("x-{{name}}", "hello");
    return .forward;
}

pub fn returnResponse() !void {
    try tollgate.response.setField("x-{{name}}", "hello");
}

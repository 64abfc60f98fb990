//! expect: error: a plugin has `pub fn forwardRequest() !tollgate.Verdict` or `pub fn returnResponse() !void`

const tollgate = @import("tollgate");

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

pub fn helper() void {}

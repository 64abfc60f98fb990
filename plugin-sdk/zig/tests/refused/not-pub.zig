//! expect: error: the hook `forwardRequest` is not `pub`, so it would not be called

const tollgate = @import("tollgate");

pub const panic = tollgate.panic;

comptime {
    tollgate.plugin(@This());
}

fn forwardRequest() !tollgate.Verdict {
    return try tollgate.answer(403, "text/plain", "no\n");
}

pub fn returnResponse() !void {}

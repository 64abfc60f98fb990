//! The exported hooks, and what is told of plugins whose hooks can't be found.

const std = @import("std");
const abi = @import("abi.zig");
const bodies = @import("body.zig");
const call = @import("call.zig");

/// What `forwardRequest` decides.
pub const Verdict = enum {
    /// Go on to the next plugin and the backend.
    forward,
    /// Answer with the response as it was set.
    respond,
};

/// The text of the plugin's root file: the only place where a hook that is not `pub` can be seen.
const source = @embedFile("source");

/// See tollgate.zig.
pub fn plugin(comptime Plugin: type) void {
    const hooks = struct {
        fn forwardRequest() callconv(abi.calling) *const abi.HookResult {
            call.begin();
            if (!@hasDecl(Plugin, "forwardRequest")) return abi.succeed(@backingInt(Verdict.forward));
            const verdict: Verdict = orError(Plugin.forwardRequest()) catch |err| return abi.fail(call.describe(err));
            if (call.answered and verdict == .forward)
                return abi.fail("an answer was made, but the hook returned forward: return the answer");
            return abi.succeed(@backingInt(verdict));
        }

        fn returnResponse() callconv(abi.calling) *const abi.HookResult {
            call.begin();
            if (!@hasDecl(Plugin, "returnResponse")) return abi.succeed(0);
            orError(Plugin.returnResponse()) catch |err| return abi.fail(call.describe(err));
            return abi.succeed(0);
        }

        fn start() callconv(abi.calling) *const abi.HookResult {
            call.begin();
            if (!@hasDecl(Plugin, "start")) return abi.succeed(0);
            orError(Plugin.start()) catch |err| return abi.fail(call.describe(err));
            return abi.succeed(0);
        }
    };
    mustBeFound(Plugin, "forwardRequest", "onRequest");
    mustBeFound(Plugin, "returnResponse", "onResponse");
    mustBeSeen(Plugin, "const", "RequestBody");
    mustBeSeen(Plugin, "const", "ResponseBody");
    const has_bodies = @hasDecl(Plugin, "RequestBody") or @hasDecl(Plugin, "ResponseBody");
    if (!has_bodies and !@hasDecl(Plugin, "forwardRequest") and !@hasDecl(Plugin, "returnResponse"))
        @compileError("a plugin has `pub fn forwardRequest() !tollgate.Verdict` or `pub fn returnResponse() !void`");
    @export(&hooks.forwardRequest, .{ .name = abi.interceptor ++ "forward-request" });
    @export(&hooks.returnResponse, .{ .name = abi.interceptor ++ "return-response" });
    @export(&hooks.start, .{ .name = "tollgate:proxy/lifecycle@0.1.0#start" });
    if (@hasDecl(Plugin, "RequestBody")) bodies.exportBody(Plugin.RequestBody, "request-body");
    if (@hasDecl(Plugin, "ResponseBody")) bodies.exportBody(Plugin.ResponseBody, "response-body");
    @export(&abi.realloc, .{ .name = "cabi_realloc" });
}

/// Lets a hook that can't fail go without an error union.
fn orError(result: anytype) anyerror!switch (@typeInfo(@TypeOf(result))) {
    .error_union => |it| it.payload,
    else => @TypeOf(result),
} {
    return result;
}

/// A hook that is there and can't be seen, or has nearly the right name, would silently not be called.
fn mustBeFound(comptime Plugin: type, comptime hook: []const u8, comptime alias: []const u8) void {
    if (@hasDecl(Plugin, hook)) return;
    @setEvalBranchQuota(1000 * (source.len + 1000));
    if (std.mem.indexOf(u8, source, "\nfn " ++ hook ++ "(") != null)
        @compileError("the hook `" ++ hook ++ "` is not `pub`, so it would not be called");
    for (std.meta.declarations(Plugin)) |name| {
        if (isNear(name, hook) or isNear(name, alias))
            @compileError("`" ++ name ++ "` is no hook: name it `" ++ hook ++ "`");
    }
}

/// A body that is there and can't be seen would silently pass as it is.
fn mustBeSeen(comptime Plugin: type, comptime kind: []const u8, comptime name: []const u8) void {
    if (@hasDecl(Plugin, name)) return;
    @setEvalBranchQuota(1000 * (source.len + 1000));
    if (std.mem.indexOf(u8, source, "\n" ++ kind ++ " " ++ name ++ " ") != null)
        @compileError("`" ++ name ++ "` is not `pub`, so it would not be called");
}

/// Whether two names differ by letter case, underscores and at most two letters.
fn isNear(comptime name: []const u8, comptime hook: []const u8) bool {
    return name.len <= 2 * hook.len and distance(plain(name), plain(hook)) <= 2;
}

fn plain(comptime name: []const u8) []const u8 {
    var letters: []const u8 = "";
    for (name) |letter| {
        if (letter != '_') letters = letters ++ [_]u8{std.ascii.toLower(letter)};
    }
    return letters;
}

/// How many letters must be added, removed or changed.
fn distance(comptime a: []const u8, comptime b: []const u8) usize {
    var row: [b.len + 1]usize = undefined;
    for (&row, 0..) |*place, i| place.* = i;
    for (a, 1..) |letter, i| {
        var diagonal = row[0];
        row[0] = i;
        for (b, 1..) |other, j| {
            const changed = diagonal + @intFromBool(letter != other);
            diagonal = row[j];
            const shorter: usize = @min(row[j], row[j - 1]);
            row[j] = @min(changed, shorter + 1);
        }
    }
    return row[b.len];
}

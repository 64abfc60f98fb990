//! Bodies that flow: what a plugin's declarations `RequestBody` and `ResponseBody` are exported as.

const std = @import("std");
const abi = @import("abi.zig");
const call = @import("call.zig");

/// How a body is cut into pieces.
pub const Unit = enum(u8) {
    /// As it arrives.
    bytes,
    /// As it arrives, but never inside a UTF-8 character.
    text,
    /// Lines with their line ends.
    lines,
    /// Events of an event stream: see `tollgate.events`.
    events,
    /// gRPC messages without their prefix. Each `emit` is one message.
    messages,
};

/// That a plugin wants a body, and how.
pub const Wish = struct {
    unit: Unit = .bytes,
    /// Whether `content-encoding` is undone before the plugin and done again behind it.
    decoded: bool = false,
};

/// What becomes of a piece.
pub const Fate = enum(u8) {
    /// It goes on as it is, after what was emitted.
    keep,
    /// What was emitted goes on in its place, which may be nothing.
    replace,
    /// What was emitted goes on, then the body ends properly.
    stop,
};

/// Exports the functions of an interface for a type with `begin`, `piece` and perhaps `end`.
pub fn exportBody(comptime Body: type, comptime interface: []const u8) void {
    for ([_][]const u8{ "begin", "piece" }) |needed| {
        if (!@hasDecl(Body, needed)) @compileError("a body has `pub fn " ++ needed ++ "`: see the README of the library");
    }
    const exported = struct {
        var body: ?Body = null;

        fn begin() callconv(abi.calling) *const abi.HookResult {
            call.begin();
            body = null;
            var fresh: Body = .{};
            const wish: ?Wish = fresh.begin() catch |err| return abi.fail(call.describe(err));
            const wanted = wish orelse return abi.wish(null, false);
            body = fresh;
            return abi.wish(@backingInt(wanted.unit), wanted.decoded);
        }

        fn piece(data: [*]const u8, len: usize) callconv(abi.calling) *const abi.HookResult {
            call.beginWithPiece();
            if (body == null) return abi.fail(not_begun);
            const fate: Fate = body.?.piece(if (len == 0) "" else data[0..len]) catch |err| {
                body = null;
                return abi.fail(call.describe(err));
            };
            if (fate == .stop) body = null;
            return abi.succeed(@backingInt(fate));
        }

        fn end() callconv(abi.calling) *const abi.HookResult {
            call.begin();
            if (body == null) return abi.fail(not_begun);
            var ending = body.?;
            body = null;
            if (@hasDecl(Body, "end")) ending.end() catch |err| return abi.fail(call.describe(err));
            return abi.succeed(0);
        }
    };
    const prefix = "tollgate:proxy/" ++ interface ++ "@0.1.0#";
    @export(&exported.begin, .{ .name = prefix ++ "begin" });
    @export(&exported.piece, .{ .name = prefix ++ "piece" });
    @export(&exported.end, .{ .name = prefix ++ "end" });
}

const not_begun = "the host gave a piece of a body that had not begun";

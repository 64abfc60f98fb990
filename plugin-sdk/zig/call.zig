//! The state of the call in hand: what the last error was, and whether an answer was made.

const std = @import("std");
const abi = @import("abi.zig");
const text = @import("text.zig");

/// The last error in words.
pub var words: []const u8 = "";
var last: ?anyerror = null;

/// Whether `answer` was called in the hook that runs.
pub var answered: bool = false;

/// Before a hook runs.
pub fn begin() void {
    abi.begin();
    forget();
}

/// Before a piece of a body is given.
pub fn beginWithPiece() void {
    abi.beginWithPiece();
    forget();
}

fn forget() void {
    words = "";
    last = null;
    answered = false;
}

/// Keeps the words of an error.
pub fn failed(err: anytype, comptime format: []const u8, args: anytype) @TypeOf(err) {
    words = print(format, args);
    last = err;
    return err;
}

/// What the host is told of an error.
pub fn describe(err: anyerror) []const u8 {
    return if (last == @as(?anyerror, err)) words else @errorName(err);
}

/// Always UTF-8, as the contract's strings must be.
pub fn print(comptime format: []const u8, args: anytype) []const u8 {
    return utf8(std.fmt.allocPrint(abi.allocator, format, args) catch outOfMemory());
}

pub fn utf8(bytes: []const u8) []const u8 {
    return abi.within(text.utf8(abi.allocator, bytes) catch outOfMemory());
}

pub fn outOfMemory() noreturn {
    @panic("out of memory");
}

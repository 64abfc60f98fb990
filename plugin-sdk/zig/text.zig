//! Bytes as the contract's strings.

const std = @import("std");

/// The bytes themselves if they are UTF-8, else a copy with U+FFFD for what is not. A string of the contract must be
/// UTF-8, or the plugin traps.
pub fn utf8(gpa: std.mem.Allocator, bytes: []const u8) std.mem.Allocator.Error![]const u8 {
    if (std.unicode.utf8ValidateSlice(bytes)) return bytes;
    return std.fmt.allocPrint(gpa, "{f}", .{std.unicode.fmtUtf8(bytes)});
}

test utf8 {
    const gpa = std.testing.allocator;
    const valid = "é\x00";
    try std.testing.expectEqual(valid, (try utf8(gpa, valid)).ptr);
    const mended = try utf8(gpa, "a\xffb\xe2\x82");
    defer gpa.free(mended);
    try std.testing.expectEqualStrings("a\u{fffd}b\u{fffd}", mended);
}

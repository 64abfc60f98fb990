//! Queries, cookies and percent-encoding.

const std = @import("std");
const Allocator = std.mem.Allocator;

/// `%XX` as its byte. `+` stays, and so does a `%` that begins no escape. The caller owns the result.
pub fn decode(gpa: Allocator, text: []const u8) Allocator.Error![]u8 {
    return decoded(gpa, text, false);
}

fn decoded(gpa: Allocator, text: []const u8, plus_is_space: bool) Allocator.Error![]u8 {
    var out: std.ArrayList(u8) = try .initCapacity(gpa, text.len);
    errdefer out.deinit(gpa);
    var i: usize = 0;
    while (i < text.len) : (i += 1) {
        if (text[i] == '%' and text.len - i > 2 and std.ascii.isHex(text[i + 1]) and std.ascii.isHex(text[i + 2])) {
            out.appendAssumeCapacity(std.fmt.parseInt(u8, text[i + 1 ..][0..2], 16) catch unreachable);
            i += 2;
        } else out.appendAssumeCapacity(if (text[i] == '+' and plus_is_space) ' ' else text[i]);
    }
    return out.toOwnedSlice(gpa);
}

/// All but letters, digits and `-._~` as `%XX`, so that the text can stand in any part of a URL. The caller owns the result.
pub fn encode(gpa: Allocator, text: []const u8) Allocator.Error![]u8 {
    var out: std.ArrayList(u8) = .empty;
    errdefer out.deinit(gpa);
    for (text) |byte| switch (byte) {
        'a'...'z', 'A'...'Z', '0'...'9', '-', '.', '_', '~' => try out.append(gpa, byte),
        else => try out.print(gpa, "%{X:0>2}", .{byte}),
    };
    return out.toOwnedSlice(gpa);
}

/// The parameters of a query, decoded: `+` is a space there. For an arena: nothing is freed.
pub fn queryParams(comptime Param: type, arena: Allocator, query: []const u8) Allocator.Error![]const Param {
    var params: std.ArrayList(Param) = .empty;
    var pieces = std.mem.splitScalar(u8, query, '&');
    while (pieces.next()) |piece| {
        if (piece.len == 0) continue;
        const end = std.mem.indexOfScalar(u8, piece, '=') orelse piece.len;
        try params.append(arena, .{
            .name = try decoded(arena, piece[0..end], true),
            .value = try decoded(arena, piece[@min(end + 1, piece.len)..], true),
        });
    }
    return params.items;
}

/// The cookies in the values of the field `cookie`. For an arena: nothing is freed.
pub fn cookies(comptime Cookie: type, arena: Allocator, values: []const []const u8) Allocator.Error![]const Cookie {
    var all: std.ArrayList(Cookie) = .empty;
    for (values) |field| {
        var pieces = std.mem.splitScalar(u8, field, ';');
        while (pieces.next()) |piece| {
            const end = std.mem.indexOfScalar(u8, piece, '=') orelse continue;
            try all.append(arena, .{ .name = trim(piece[0..end]), .value = trim(piece[end + 1 ..]) });
        }
    }
    return all.items;
}

/// Whether a value of `content-encoding` is there and is not `identity`.
pub fn isCoding(value: []const u8) bool {
    const coding = trim(value);
    return coding.len != 0 and !std.ascii.eqlIgnoreCase(coding, "identity");
}

fn trim(text: []const u8) []const u8 {
    return std.mem.trim(u8, text, " \t");
}

const testing = std.testing;

// What they do with whole queries and cookies is in ../c/tests/helpers.

test "escapes" {
    const gpa = testing.allocator;
    inline for (.{ .{ "%", "%" }, .{ "%4", "%4" }, .{ "%00%fF+", "\x00\xff+" }, .{ "", "" } }) |case| {
        const text = try decode(gpa, case[0]);
        defer gpa.free(text);
        try testing.expectEqualStrings(case[1], text);
    }
    const text = try encode(gpa, "\x00\xff+%azAZ09");
    defer gpa.free(text);
    try testing.expectEqualStrings("%00%FF%2B%25azAZ09", text);
}

test "empty pieces are none" {
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    const gpa = arena.allocator();
    const Param = struct { name: []const u8, value: []const u8 };
    try testing.expectEqual(0, (try queryParams(Param, gpa, "")).len);
    try testing.expectEqual(0, (try queryParams(Param, gpa, "&&")).len);
    try testing.expectEqual(3, (try queryParams(Param, gpa, "a&a=&b=a")).len);
}

test isCoding {
    inline for (.{ "", " ", " IDENTITY ", "identity" }) |value| try testing.expect(!isCoding(value));
    inline for (.{ "gzip", "gzip, identity", "identitx" }) |value| try testing.expect(isCoding(value));
}

//! JSON (RFC 8259) read strictly, and changed in one place without touching another byte.
//!
//! `std.json` reads JSON into values; writing those back loses white space, the spelling of numbers and of escapes.

const std = @import("std");
const Allocator = std.mem.Allocator;

/// How many objects and arrays may be open at once.
pub const max_depth = 128;

/// The text with the value of the first top-level member `name` replaced by `value` (JSON text), every other byte kept.
/// Null if `json` is not one valid JSON object, or has no such member. `name` is compared with what stands between the
/// quotes, escapes not undone. The caller owns the result.
pub fn replace(gpa: Allocator, json: []const u8, name: []const u8, value: []const u8) Allocator.Error!?[]u8 {
    var reader: Reader = .{ .json = json };
    const place = reader.document(name) catch return null;
    const found = place orelse return null;
    return try std.mem.concat(gpa, u8, &.{ json[0..found.start], value, json[found.end..] });
}

/// Text as a JSON string with its quotes. The caller owns the result.
pub fn string(gpa: Allocator, text: []const u8) Allocator.Error![]u8 {
    var out: std.ArrayList(u8) = .empty;
    errdefer out.deinit(gpa);
    try out.ensureTotalCapacity(gpa, text.len + 2);
    try out.append(gpa, '"');
    for (text) |byte| switch (byte) {
        '"', '\\' => try out.appendSlice(gpa, &.{ '\\', byte }),
        0...0x1f => try out.print(gpa, "\\u{x:0>4}", .{byte}),
        else => try out.append(gpa, byte),
    };
    try out.append(gpa, '"');
    return out.toOwnedSlice(gpa);
}

const Invalid = error{Invalid};

/// Where a value stands.
const Span = struct { start: usize, end: usize };

const Reader = struct {
    json: []const u8,
    at: usize = 0,

    /// Reads the whole text, which must be an object, and finds the value of its member.
    fn document(r: *Reader, name: []const u8) Invalid!?Span {
        r.space();
        try r.expect('{');
        const found = try r.object(1, name);
        r.space();
        if (r.at != r.json.len) return error.Invalid;
        return found;
    }

    fn peek(r: *const Reader) ?u8 {
        return if (r.at < r.json.len) r.json[r.at] else null;
    }

    fn take(r: *Reader, byte: u8) bool {
        const is_there = r.peek() == byte;
        if (is_there) r.at += 1;
        return is_there;
    }

    fn expect(r: *Reader, byte: u8) Invalid!void {
        if (!r.take(byte)) return error.Invalid;
    }

    fn word(r: *Reader, expected: []const u8) Invalid!void {
        if (!std.mem.startsWith(u8, r.json[r.at..], expected)) return error.Invalid;
        r.at += expected.len;
    }

    fn space(r: *Reader) void {
        while (r.peek()) |byte| switch (byte) {
            ' ', '\t', '\n', '\r' => r.at += 1,
            else => return,
        };
    }

    /// Any value; `depth` levels are open around it.
    fn value(r: *Reader, depth: usize) Invalid!void {
        r.space();
        switch (r.peek() orelse return error.Invalid) {
            '{', '[' => |open| {
                if (depth == max_depth) return error.Invalid;
                r.at += 1;
                if (open == '[') return r.array(depth + 1);
                _ = try r.object(depth + 1, null);
            },
            '"' => _ = try r.quoted(),
            't' => try r.word("true"),
            'f' => try r.word("false"),
            'n' => try r.word("null"),
            else => try r.number(),
        }
    }

    /// What follows `[`.
    fn array(r: *Reader, depth: usize) Invalid!void {
        r.space();
        if (r.take(']')) return;
        while (true) {
            try r.value(depth);
            r.space();
            if (!r.take(',')) return r.expect(']');
        }
    }

    /// What follows `{`; the first member with the wanted name is returned.
    fn object(r: *Reader, depth: usize, wanted: ?[]const u8) Invalid!?Span {
        var found: ?Span = null;
        r.space();
        if (r.take('}')) return found;
        while (true) {
            r.space();
            const name = try r.quoted();
            r.space();
            try r.expect(':');
            r.space();
            const start = r.at;
            try r.value(depth);
            if (wanted) |it| {
                if (found == null and std.mem.eql(u8, name, it)) found = .{ .start = start, .end = r.at };
            }
            r.space();
            if (!r.take(',')) break;
        }
        try r.expect('}');
        return found;
    }

    /// A string; returns what stands between its quotes.
    fn quoted(r: *Reader) Invalid![]const u8 {
        try r.expect('"');
        const start = r.at;
        while (r.peek()) |byte| switch (byte) {
            '"' => {
                r.at += 1;
                return r.json[start .. r.at - 1];
            },
            '\\' => try r.escape(),
            0...0x1f => return error.Invalid,
            0x20...0x21, 0x23...0x5b, 0x5d...0x7f => r.at += 1,
            0x80...0xff => {
                const length = std.unicode.utf8ByteSequenceLength(byte) catch return error.Invalid;
                if (length > r.json.len - r.at) return error.Invalid;
                if (!std.unicode.utf8ValidateSlice(r.json[r.at..][0..length])) return error.Invalid;
                r.at += length;
            },
        };
        return error.Invalid;
    }

    fn escape(r: *Reader) Invalid!void {
        try r.expect('\\');
        const byte = r.peek() orelse return error.Invalid;
        r.at += 1;
        switch (byte) {
            '"', '\\', '/', 'b', 'f', 'n', 'r', 't' => {},
            'u' => for (0..4) |_| {
                const digit = r.peek() orelse return error.Invalid;
                if (!std.ascii.isHex(digit)) return error.Invalid;
                r.at += 1;
            },
            else => return error.Invalid,
        }
    }

    fn number(r: *Reader) Invalid!void {
        _ = r.take('-');
        if (!r.take('0')) try r.digits();
        if (r.take('.')) try r.digits();
        if (r.take('e') or r.take('E')) {
            if (!r.take('+')) _ = r.take('-');
            try r.digits();
        }
    }

    /// At least one.
    fn digits(r: *Reader) Invalid!void {
        const start = r.at;
        while (r.peek()) |byte| {
            if (!std.ascii.isDigit(byte)) break;
            r.at += 1;
        }
        if (r.at == start) return error.Invalid;
    }
};

const testing = std.testing;

fn expectReplaced(expected: ?[]const u8, json: []const u8) !void {
    const got = try replace(testing.allocator, json, "g", "\"x\"");
    defer if (got) |text| testing.allocator.free(text);
    if (expected) |text| {
        try testing.expectEqualStrings(text, got orelse return error.TestExpectedReplacement);
    } else try testing.expectEqual(null, got);
}

test "only the value changes" {
    try expectReplaced("{\"g\":\"x\"}", "{\"g\":1}");
    try expectReplaced(" {\t\"a\" : 1.0e+5 ,\r\n\"g\"\n: \"x\" } \n", " {\t\"a\" : 1.0e+5 ,\r\n\"g\"\n: [{\"g\":2}, \"]\"] } \n");
}

test "the first member at the top with exactly this name" {
    try expectReplaced("{\"a\":{\"g\":1},\"g\":\"x\",\"g\":3}", "{\"a\":{\"g\":1},\"g\":2,\"g\":3}");
    try expectReplaced("{\"\\u0067\":1,\"g\":\"x\"}", "{\"\\u0067\":1,\"g\":2}");
    try expectReplaced(null, "{\"gg\":1,\"\":2,\"a\":[{\"g\":3}]}");
    try expectReplaced(null, "[{\"g\":1}]");
}

test "what is valid" {
    for ([_][]const u8{
        "0",                                            "-0",                               "10.50E-3",    "1e400", "true", "false", "null", "[]", "{}", "[ 1 , [ ] ]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\\ud800\"", "\"\x7f\u{80}\u{d7ff}\u{10ffff}\"", "\"\\u0000\"",
    }) |value| {
        const json = try std.mem.concat(testing.allocator, u8, &.{ "{\"a\":", value, ",\"g\":1}" });
        defer testing.allocator.free(json);
        const expected = try std.mem.concat(testing.allocator, u8, &.{ "{\"a\":", value, ",\"g\":\"x\"}" });
        defer testing.allocator.free(expected);
        try expectReplaced(expected, json);
    }
}

test "what is not valid" {
    for ([_][]const u8{
        "",       "01",       "-",        "+1",       ".5",         "1.",           "1.e5",         "1e",               "1e+",                  "0x1",                  "NaN",       "tru",         "True",
        "[1,]",   "[,1]",     "[1 2]",    "[}",       "{\"b\":1,}", "{b:1}",        "{\"b\" 1}",    "{\"b\":}",         "{1:2}",                "'b'",                  "\"\\x41\"", "\"\\u12g4\"", "\"\\",
        "\"\n\"", "\"\x1f\"", "\"\x00\"", "\"\xff\"", "\"\x80\"",   "\"\xc0\xaf\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf0\x8f\xbf\xbf\"", "\"b",       "\x0c1",       "\u{a0}1",
    }) |value| {
        const json = try std.mem.concat(testing.allocator, u8, &.{ "{\"g\":1,\"a\":", value, "}" });
        defer testing.allocator.free(json);
        try expectReplaced(null, json);
    }
    for ([_][]const u8{ "", " ", "{\"g\":1", "{\"g\":1}}", "{\"g\":1} x", "{\"g\":1}{}", "\u{feff}{\"g\":1}", "{,\"g\":1}" }) |json|
        try expectReplaced(null, json);
}

test "any end of a text is found" {
    const json = "{\"a\":[-1.5e+7,\"\\u00e9\u{20ac}\",true,{\"b\":null}],\"g\":1}";
    for (0..json.len) |length| try expectReplaced(null, json[0..length]);
}

test "128 levels" {
    const open: [128]u8 = @splat('[');
    const close: [128]u8 = @splat(']');
    try expectReplaced("{\"g\":\"x\",\"a\":" ++ open[1..] ++ close[1..] ++ "}", "{\"g\":1,\"a\":" ++ open[1..] ++ close[1..] ++ "}");
    try expectReplaced(null, "{\"g\":1,\"a\":" ++ open ++ close ++ "}");
}

test "text as a string" {
    const quoted = try string(testing.allocator, "a\"\\\x00\x1f\t\x7f/é\xff");
    defer testing.allocator.free(quoted);
    try testing.expectEqualStrings("\"a\\\"\\\\\\u0000\\u001f\\u0009\x7f/é\xff\"", quoted);
}

//! Events of an event stream (server-sent events; WHATWG HTML, section 9.2), read as a browser reads them. With the unit `.events` each
//! piece of a body is one event: its lines, and the blank line at its end.

const std = @import("std");
const Allocator = std.mem.Allocator;
const List = std.ArrayList(u8);

/// A line without its end, and its end: CR, LF, CRLF, or nothing behind the last one.
const Line = struct { text: []const u8, end: []const u8 };

/// Takes the first line off a text; null if there is none left.
fn next(rest: *[]const u8) ?Line {
    const all = rest.*;
    if (all.len == 0) return null;
    const length = std.mem.indexOfAny(u8, all, "\r\n") orelse all.len;
    const end: usize = if (std.mem.startsWith(u8, all[length..], "\r\n")) 2 else @intFromBool(length < all.len);
    rest.* = all[length + end ..];
    return .{ .text = all[0..length], .end = all[length..][0..end] };
}

const Field = struct { name: []const u8, value: []const u8 };

/// Name and value of a line; null for a comment and for a blank line.
fn field(line: []const u8) ?Field {
    const colon = std.mem.indexOfScalar(u8, line, ':') orelse line.len;
    if (colon == 0) return null;
    var value = line[@min(colon + 1, line.len)..];
    if (std.mem.startsWith(u8, value, " ")) value = value[1..];
    return .{ .name = line[0..colon], .value = value };
}

fn dataOf(line: []const u8) ?[]const u8 {
    const found = field(line) orelse return null;
    return if (std.mem.eql(u8, found.name, "data")) found.value else null;
}

/// The values of the fields `data` with line feeds between them; null if there is none.
pub fn data(gpa: Allocator, event: []const u8) Allocator.Error!?[]const u8 {
    var values: List = .empty;
    var found = false;
    var rest = event;
    while (next(&rest)) |line| {
        const value = dataOf(line.text) orelse continue;
        if (found) try values.append(gpa, '\n');
        found = true;
        try values.appendSlice(gpa, value);
    }
    return if (found) values.items else null;
}

/// The value of the last field `event`; if it is empty, readers call the event `message`.
pub fn name(event: []const u8) []const u8 {
    var last: []const u8 = "";
    var rest = event;
    while (next(&rest)) |line| {
        const found = field(line.text) orelse continue;
        if (std.mem.eql(u8, found.name, "event")) last = found.value;
    }
    return last;
}

/// The event with other data; its other lines stay as they are. Each line of the data becomes a field `data`, at the place of the
/// first one, or behind the other fields.
pub fn withData(gpa: Allocator, event: []const u8, new: []const u8) Allocator.Error![]const u8 {
    var out: List = .empty;
    var line_end: []const u8 = "\n";
    var is_written = false;
    var rest = event;
    while (next(&rest)) |line| {
        if (line.end.len != 0) line_end = line.end;
        const is_data = dataOf(line.text) != null;
        if ((is_data or line.text.len == 0) and !is_written) {
            try write(gpa, &out, "data", new, line_end);
            is_written = true;
        }
        if (!is_data) {
            try out.appendSlice(gpa, line.text);
            try out.appendSlice(gpa, line.end);
        }
    }
    if (!is_written) {
        // The event was cut off, perhaps within a line.
        const whole = out.items;
        if (whole.len != 0 and whole[whole.len - 1] != '\n' and whole[whole.len - 1] != '\r') try out.appendSlice(gpa, line_end);
        try write(gpa, &out, "data", new, line_end);
    }
    return out.items;
}

/// An event to be sent. The name may be empty, and must not have line breaks.
pub fn make(gpa: Allocator, event_name: []const u8, new: []const u8) Allocator.Error![]const u8 {
    var out: List = .empty;
    if (event_name.len != 0) try write(gpa, &out, "event", event_name, "\n");
    try write(gpa, &out, "data", new, "\n");
    try out.append(gpa, '\n');
    return out.items;
}

/// One field for each line of the value; what stands behind the last line break is a line too.
fn write(gpa: Allocator, out: *List, field_name: []const u8, value: []const u8, line_end: []const u8) Allocator.Error!void {
    var rest = value;
    while (true) {
        const line: Line = next(&rest) orelse .{ .text = "", .end = "" };
        try out.appendSlice(gpa, field_name);
        try out.appendSlice(gpa, ": ");
        try out.appendSlice(gpa, line.text);
        try out.appendSlice(gpa, line_end);
        if (line.end.len == 0) return;
    }
}

test "events are read as a browser does" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const gpa = arena.allocator();
    const cases = [_]struct { []const u8, []const u8, ?[]const u8 }{
        .{ "data: YHOO\ndata: +2\ndata: 10\n\n", "", "YHOO\n+2\n10" },
        .{ "event: add\ndata: 73857293\n\n", "add", "73857293" },
        .{ ": test stream\n\n", "", null },
        .{ "data:  third event\n\n", "", " third event" },
        .{ "data\ndata\n\n", "", "\n" },
        .{ "data:a\r\ndata:b\rdata:c\n\r\n", "", "a\nb\nc" },
        .{ "data : x\ndata:y:z\n dAta: w\nData: v\n\n", "", "y:z" },
        .{ "event: a\nevent\n\n", "", null },
        .{ "data: cut", "", "cut" },
        .{ "", "", null },
    };
    for (cases) |case| {
        try std.testing.expectEqualStrings(case[1], name(case[0]));
        const found = try data(gpa, case[0]);
        if (case[2]) |expected| try std.testing.expectEqualStrings(expected, found.?) else try std.testing.expectEqual(null, found);
    }
}

test "an event gets other data and nothing else changes" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const gpa = arena.allocator();
    const cases = [_][3][]const u8{
        .{ "data: a\n\n", "b", "data: b\n\n" },
        .{ ": c\r\nid: 1\r\ndata: a\r\nx: y\r\ndata: b\r\n\r\n", "1\n2", ": c\r\nid: 1\r\ndata: 1\r\ndata: 2\r\nx: y\r\n\r\n" },
        .{ "data:a\r\r", "b", "data: b\r\r" },
        .{ "event: x\n\n", "new", "event: x\ndata: new\n\n" },
        .{ "data", "new", "data: new\n" },
        .{ "id: 1", "", "id: 1\ndata: \n" },
    };
    for (cases) |case| try std.testing.expectEqualStrings(case[2], try withData(gpa, case[0], case[1]));
    try std.testing.expectEqualStrings("event: n\ndata: a\ndata: b\ndata: c\ndata: \n\n", try make(gpa, "n", "a\r\nb\rc\n"));
}

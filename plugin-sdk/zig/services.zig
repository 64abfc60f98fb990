//! State, outbound requests, waiting and metrics; tollgate.zig hands them on.

const std = @import("std");
const abi = @import("abi.zig");
const call = @import("call.zig");

const utf8 = call.utf8;

/// The same as `tollgate.Field`.
pub const Field = struct { name: []const u8, value: []const u8 };

/// Why the state could not be read or written; `tollgate.errorMessage` has the words. After the last two a write may have been done.
pub const StateError = error{ StateTooLarge, StateFull, StateNotANumber, StateTimedOut, StateUnavailable };

/// Why there is no response; `tollgate.errorMessage` has the words.
pub const SendError = error{
    SendDenied,
    SendInvalidRequest,
    SendUnresolved,
    SendUnreachable,
    SendTls,
    SendTimedOut,
    SendTooLarge,
    SendProtocol,
    SendTooMany,
};

/// The contract's word for an error of the state or of an outbound request, such as `not-a-number`; null for any other.
pub fn errorName(err: anyerror) ?[]const u8 {
    return switch (err) {
        error.StateTooLarge, error.SendTooLarge => "too-large",
        error.StateFull => "full",
        error.StateNotANumber => "not-a-number",
        error.StateTimedOut, error.SendTimedOut => "timed-out",
        error.StateUnavailable => "unavailable",
        error.SendDenied => "denied",
        error.SendInvalidRequest => "invalid-request",
        error.SendUnresolved => "unresolved",
        error.SendUnreachable => "unreachable",
        error.SendTls => "tls",
        error.SendProtocol => "protocol",
        error.SendTooMany => "too-many",
        else => null,
    };
}

fn stateError(err: *const abi.ServiceError) StateError {
    const kind: StateError = switch (err.kind) {
        0 => error.StateTooLarge,
        1 => error.StateFull,
        2 => error.StateNotANumber,
        3 => error.StateTimedOut,
        else => error.StateUnavailable,
    };
    return call.failed(kind, "{s}", .{err.text.slice()});
}

fn sendError(err: *const abi.ServiceError) SendError {
    const kind: SendError = switch (err.kind) {
        0 => error.SendDenied,
        1 => error.SendInvalidRequest,
        2 => error.SendUnresolved,
        3 => error.SendUnreachable,
        4 => error.SendTls,
        5 => error.SendTimedOut,
        6 => error.SendTooLarge,
        7 => error.SendProtocol,
        else => error.SendTooMany,
    };
    return call.failed(kind, "{s}", .{err.text.slice()});
}

/// Data that outlives an exchange, in the plugin's bucket. It needs the permission `state`. Each function takes effect at one moment, also
/// between hosts that share a Redis server. `ttl_ms` is a time to live in milliseconds; 0 is for ever.
pub const state = struct {
    /// Null if there is none or it has expired.
    pub fn get(key: []const u8) StateError!?[]const u8 {
        var area: abi.StateResult = undefined;
        const name = utf8(key);
        abi.state.get(name.ptr, name.len, &area);
        if (area.failed != 0) return stateError(&area.value.err);
        return area.value.value.get();
    }

    pub fn set(key: []const u8, value: []const u8, ttl_ms: u64) StateError!void {
        var area: abi.StateResult = undefined;
        const name = utf8(key);
        abi.state.set(name.ptr, name.len, abi.within(value).ptr, value.len, @intFromBool(ttl_ms != 0), ttl_ms, &area);
        if (area.failed != 0) return stateError(&area.value.err);
    }

    /// Removes a key. False if there was none.
    pub fn delete(key: []const u8) StateError!bool {
        var area: abi.StateResult = undefined;
        const name = utf8(key);
        abi.state.delete(name.ptr, name.len, &area);
        if (area.failed != 0) return stateError(&area.value.err);
        return area.value.is != 0;
    }

    /// Adds to a whole number, written in decimal, and gives the sum. An absent key counts as 0. The time to live counts from when the
    /// key is created.
    pub fn increment(key: []const u8, by: i64, ttl_ms: u64) StateError!i64 {
        var area: abi.SumResult = undefined;
        const name = utf8(key);
        abi.state.increment(name.ptr, name.len, by, @intFromBool(ttl_ms != 0), ttl_ms, &area);
        if (area.failed != 0) return stateError(&area.value.err);
        return area.value.sum;
    }

    /// Replaces a value if it is as expected. Null is an absent key; as the new value it removes the key. False if it was not as expected.
    pub fn compareAndSwap(key: []const u8, expected: ?[]const u8, new: ?[]const u8, ttl_ms: u64) StateError!bool {
        var area: abi.StateResult = undefined;
        const name = utf8(key);
        const before = abi.within(expected orelse "");
        const after = abi.within(new orelse "");
        abi.state.@"compare-and-swap"(
            name.ptr,
            name.len,
            @intFromBool(expected != null),
            before.ptr,
            before.len,
            @intFromBool(new != null),
            after.ptr,
            after.len,
            @intFromBool(ttl_ms != 0),
            ttl_ms,
            &area,
        );
        if (area.failed != 0) return stateError(&area.value.err);
        return area.value.is != 0;
    }

    /// Keys that begin with a prefix, in the order of their bytes, behind `after`, at most `limit` and at most 1000.
    pub fn keys(prefix: []const u8, after: ?[]const u8, limit: u32) StateError![]const []const u8 {
        var area: abi.StateResult = undefined;
        const begin = utf8(prefix);
        const behind = utf8(after orelse "");
        abi.state.keys(begin.ptr, begin.len, @intFromBool(after != null), behind.ptr, behind.len, limit, &area);
        if (area.failed != 0) return stateError(&area.value.err);
        const found = alloc([]const u8, area.value.keys.len);
        for (found, area.value.keys.items()) |*it, key| it.* = key.slice();
        return found;
    }
};

/// Outbound requests. They need the permission `http`, which lists where requests may go. A function waits for the whole response; a
/// response with any status is one. Redirects are not followed.
pub const client = struct {
    pub const Request = struct {
        method: []const u8 = "GET",
        /// Absolute, with the scheme http or https.
        url: []const u8,
        fields: []const Field = &.{},
        body: []const u8 = "",
        /// Of the whole call; 0 is the host's.
        timeout_ms: u32 = 0,
    };

    pub const Response = struct {
        status: u16,
        /// Names in lower case.
        fields: []const Field,
        body: []const u8,
        trailers: []const Field,

        /// The first value of a field, by its name in lower case.
        pub fn field(response: Response, name: []const u8) ?[]const u8 {
            for (response.fields) |one| if (std.mem.eql(u8, one.name, name)) return one.value;
            return null;
        }
    };

    pub const Sent = SendError!Response;

    pub fn send(request: Request) Sent {
        var area: abi.SendResult = undefined;
        const out = lowered(request);
        abi.client.send(
            out.method.ptr,
            out.method.len,
            out.url.ptr,
            out.url.len,
            out.fields.ptr,
            out.fields.len,
            out.body.ptr,
            out.body.len,
            out.has_timeout,
            out.timeout_ms,
            &area,
        );
        return received(&area);
    }

    /// Sends a GET request.
    pub fn get(url: []const u8) Sent {
        return send(.{ .url = url });
    }

    /// Sends several at the same time. The results are in the order of the requests.
    pub fn sendAll(requests: []const Request) []const Sent {
        const out = alloc(abi.Outgoing, requests.len);
        for (out, requests) |*it, request| it.* = lowered(request);
        var area: abi.List(abi.SendResult) = undefined;
        abi.client.@"send-all"(out.ptr, out.len, &area);
        const sent = alloc(Sent, area.len);
        for (sent, area.items()) |*it, *result| it.* = received(result);
        return sent;
    }

    fn lowered(request: Request) abi.Outgoing {
        return .{
            .method = .of(utf8(request.method)),
            .url = .of(utf8(request.url)),
            .fields = loweredFields(request.fields),
            .body = .of(request.body),
            .has_timeout = @intFromBool(request.timeout_ms != 0),
            .timeout_ms = request.timeout_ms,
        };
    }

    fn received(area: *const abi.SendResult) Sent {
        if (area.failed != 0) return sendError(&area.value.err);
        const response = &area.value.response;
        return .{
            .status = response.status,
            .fields = lifted(response.fields),
            .body = response.body.slice(),
            .trailers = lifted(response.trailers),
        };
    }
};

/// Waiting.
pub const timer = struct {
    /// Waits without blocking the host; at most 120 seconds in all in a call of a hook.
    pub fn sleep(ms: u64) void {
        abi.timer.sleep(ms);
    }
};

/// What a plugin counts and measures. What the host can't record is a warning in its log. Don't use a path, an address or an id as a
/// label's value.
pub const metrics = struct {
    /// For `start`. The bounds are the upper bounds of a histogram's buckets; none are the host's.
    pub fn describe(name: []const u8, help: []const u8, bounds: []const f64) void {
        const key = utf8(name);
        const words = utf8(help);
        const limits: []const f64 = if (bounds.len == 0) &.{} else bounds;
        abi.metrics.describe(key.ptr, key.len, words.ptr, words.len, limits.ptr, limits.len);
    }
    /// Adds to a counter.
    pub fn add(name: []const u8, by: f64, labels: []const Field) void {
        record(abi.metrics.add, name, by, labels);
    }
    /// Sets a gauge.
    pub fn set(name: []const u8, value: f64, labels: []const Field) void {
        record(abi.metrics.set, name, value, labels);
    }
    /// Records an observation in a histogram.
    pub fn observe(name: []const u8, value: f64, labels: []const Field) void {
        record(abi.metrics.observe, name, value, labels);
    }

    fn record(import: anytype, name: []const u8, value: f64, labels: []const Field) void {
        const key = utf8(name);
        const pairs = alloc(Field, labels.len);
        for (pairs, labels) |*it, label| it.* = .{ .name = label.name, .value = utf8(label.value) };
        const list = loweredFields(pairs);
        import(key.ptr, key.len, value, list.ptr, list.len);
    }
};

/// Sends bytes of a body on, in `piece` and `end`. Waits while the receiver is not ready.
pub fn emit(data: []const u8) void {
    abi.sink.emit(abi.within(data).ptr, data.len);
}

fn loweredFields(fields: []const Field) abi.List(abi.Field) {
    const list = alloc(abi.Field, fields.len);
    for (list, fields) |*it, field| it.* = .{ .name = .of(utf8(field.name)), .value = .of(field.value) };
    return .{ .ptr = list.ptr, .len = list.len };
}

fn lifted(list: abi.List(abi.Field)) []const Field {
    const fields = alloc(Field, list.len);
    for (fields, list.items()) |*it, item| it.* = .{ .name = item.name.slice(), .value = item.value.slice() };
    return fields;
}

fn alloc(comptime T: type, count: usize) []T {
    // An allocator's address for nothing lies outside of memory, and the host looks at it.
    if (count == 0) return &.{};
    return abi.allocator.alloc(T, count) catch call.outOfMemory();
}

//! Plugins for tollgate, the HTTP proxy: the contract tollgate:proxy@0.1.0 for Zig.
//!
//! A plugin's root file holds up to two hooks and hands itself over:
//!
//!     const tollgate = @import("tollgate");
//!     comptime {
//!         tollgate.plugin(@This());
//!     }
//!     pub fn forwardRequest() !tollgate.Verdict { ... }
//!     pub fn returnResponse() !void { ... }
//!
//! Everything that a function here returns lives until the hook in hand returns, and so does what `allocator` gives;
//! nothing is to be freed. What must live longer goes into memory of another allocator or into a note. What each function
//! promises stands in wit/.

const std = @import("std");
const abi = @import("abi.zig");
const call = @import("call.zig");
const hooks = @import("hooks.zig");
const bodies = @import("body.zig");
const services = @import("services.zig");

/// JSON changed without touching another byte.
pub const json = @import("json.zig");
/// Events of an event stream.
pub const events = @import("events.zig");
/// Percent-encoding.
pub const url = @import("url.zig");

/// Memory until the hook returns.
pub const allocator = abi.allocator;

/// What `forwardRequest` decides.
pub const Verdict = hooks.Verdict;

const failed = call.failed;
const print = call.print;
const utf8 = call.utf8;
const outOfMemory = call.outOfMemory;

pub const Field = services.Field;

pub const state = services.state;
pub const client = services.client;
pub const timer = services.timer;
pub const metrics = services.metrics;
pub const StateError = services.StateError;
pub const SendError = services.SendError;
pub const errorName = services.errorName;

pub const Unit = bodies.Unit;
pub const Wish = bodies.Wish;
pub const Fate = bodies.Fate;
pub const emit = services.emit;

/// Why a part of a message could not be changed; nothing was changed. `errorMessage` has the words.
pub const FieldError = error{ InvalidName, InvalidValue, OwnedByHost, TooManyFields };

/// Why a body can't be had. `errorMessage` has the words.
pub const BodyError = error{ BodyTooLarge, BodyTimedOut, BodyDisconnected, BodyAlreadyStreamed };

/// Why a setting can't be had. `errorMessage` has the words.
pub const SettingsError = error{ SettingMissing, SettingsFailed };

/// The last error of a function here, in words: `only the host sets the field te`. A hook that returns that error gives
/// the host these words.
pub fn errorMessage() []const u8 {
    return call.words;
}

/// Makes an error with a text, which goes to the host's log: `return tollgate.fail("no tenant in {s}", .{path});`
pub fn fail(comptime format: []const u8, args: anytype) error{PluginFailed} {
    return failed(error.PluginFailed, format, args);
}

/// Sets status, content-type and body of the response, and answers with it: `return try tollgate.answer(...)`. A hook that
/// calls this and then returns `.forward` fails.
pub fn answer(status: u16, content_type: []const u8, body: []const u8) FieldError!Verdict {
    call.answered = true;
    try response.setStatus(status);
    try response.setField("content-type", content_type);
    response.setBody(body);
    return .respond;
}

/// The request.
pub const request = struct {
    const import = abi.request;

    pub fn method() []const u8 {
        return get(import.method);
    }
    pub fn setMethod(new: []const u8) FieldError!void {
        return edit(import.@"set-method", new);
    }
    /// `http` or `https`.
    pub fn scheme() []const u8 {
        return get(import.scheme);
    }
    /// The host and port that the client asked for; empty when it sent none.
    pub fn authority() []const u8 {
        return get(import.authority);
    }
    /// Sets the field `host` that the backend sees. It does not choose another backend.
    pub fn setAuthority(new: []const u8) FieldError!void {
        return edit(import.@"set-authority", new);
    }
    /// Path and query as on the wire.
    pub fn target() []const u8 {
        return get(import.target);
    }
    pub fn setTarget(new: []const u8) FieldError!void {
        return edit(import.@"set-target", new);
    }
    /// The target up to its `?`.
    pub fn path() []const u8 {
        const whole = target();
        return whole[0 .. std.mem.indexOfScalar(u8, whole, '?') orelse whole.len];
    }
    /// Replaces the path, as it is to stand on the wire, and keeps the query.
    pub fn setPath(new: []const u8) FieldError!void {
        if (std.mem.indexOfAny(u8, new, "?#") != null)
            return failed(error.InvalidValue, "invalid value: the path has a ? or #: encode it with url.encode", .{});
        const whole = target();
        const end = std.mem.indexOfScalar(u8, whole, '?') orelse whole.len;
        return setTarget(std.mem.concat(allocator, u8, &.{ new, whole[end..] }) catch outOfMemory());
    }
    /// The target behind its first `?`; empty if it has none.
    pub fn query() []const u8 {
        const whole = target();
        const end = std.mem.indexOfScalar(u8, whole, '?') orelse return "";
        return whole[end + 1 ..];
    }
    /// The first value of a parameter of the query, decoded: `+` is a space, `%XX` a byte.
    pub fn queryParam(name: []const u8) ?[]const u8 {
        return valueOf(queryParams(), name);
    }
    /// Every parameter of the query in order, decoded.
    pub fn queryParams() []const Field {
        return url.queryParams(Field, allocator, query()) catch outOfMemory();
    }
    /// The first cookie of this name as it was sent.
    pub fn cookie(name: []const u8) ?[]const u8 {
        return valueOf(cookies(), name);
    }
    /// Every cookie.
    pub fn cookies() []const Field {
        return url.cookies(Field, allocator, fieldValues("cookie")) catch outOfMemory();
    }
    /// Asks the backend for a body without `content-encoding`: sets `accept-encoding` to `identity`. For plugins that read or
    /// change the response's body.
    pub fn acceptIdentity() FieldError!void {
        return setField("accept-encoding", "identity");
    }

    const message = Message(import);
    pub const field = message.field;
    pub const fieldValues = message.fieldValues;
    pub const fields = message.fields;
    pub const setField = message.setField;
    pub const setFields = message.setFields;
    pub const appendField = message.appendField;
    pub const deleteField = message.deleteField;
    pub const body = message.body;
    pub const setBody = message.setBody;
    pub const isEncoded = message.isEncoded;
};

/// The response. In `forwardRequest` it is an empty 200, which becomes the answer when that hook responds.
pub const response = struct {
    const import = abi.response;

    pub fn status() u16 {
        return @intCast(import.status());
    }
    /// 200 to 599.
    pub fn setStatus(new: u16) FieldError!void {
        var area: abi.EditResult = undefined;
        import.@"set-status"(new, &area);
        return edited(&area);
    }

    const message = Message(import);
    pub const field = message.field;
    pub const fieldValues = message.fieldValues;
    pub const fields = message.fields;
    pub const setField = message.setField;
    pub const setFields = message.setFields;
    pub const appendField = message.appendField;
    pub const deleteField = message.deleteField;
    pub const body = message.body;
    pub const setBody = message.setBody;
    pub const isEncoded = message.isEncoded;
};

/// What request and response have in common.
fn Message(import: type) type {
    return struct {
        /// The first value; null when there is none. Names match in any case, values are bytes.
        pub fn field(name: []const u8) ?[]const u8 {
            return find(import.field, name);
        }

        /// All values, in their order.
        pub fn fieldValues(name: []const u8) []const []const u8 {
            var area: abi.List(abi.Bytes) = undefined;
            const key = utf8(name);
            import.@"field-values"(key.ptr, key.len, &area);
            const values = alloc([]const u8, area.len);
            for (values, area.items()) |*value, item| value.* = item.slice();
            return values;
        }

        /// All fields, in the order of the message.
        pub fn fields() []const Field {
            var area: abi.List(abi.Field) = undefined;
            import.fields(&area);
            return fieldsOf(area);
        }

        /// Makes this the only value of the field.
        pub fn setField(name: []const u8, value: []const u8) FieldError!void {
            var area: abi.EditResult = undefined;
            const key = utf8(name);
            import.@"set-field"(key.ptr, key.len, abi.within(value).ptr, value.len, &area);
            return edited(&area);
        }

        /// Sets several fields, all or none; names that the list doesn't have are left alone.
        pub fn setFields(new: []const Field) FieldError!void {
            var area: abi.EditResult = undefined;
            const list = alloc(abi.Field, new.len);
            for (list, new) |*item, it| item.* = .{ .name = .of(utf8(it.name)), .value = .of(it.value) };
            import.@"set-fields"(list.ptr, list.len, &area);
            return edited(&area);
        }

        /// Adds a value behind those that the field has.
        pub fn appendField(name: []const u8, value: []const u8) FieldError!void {
            var area: abi.EditResult = undefined;
            const key = utf8(name);
            import.@"append-field"(key.ptr, key.len, abi.within(value).ptr, value.len, &area);
            return edited(&area);
        }

        /// Removes every value; it is no error if there was none.
        pub fn deleteField(name: []const u8) FieldError!void {
            var area: abi.EditResult = undefined;
            const key = utf8(name);
            import.@"delete-field"(key.ptr, key.len, &area);
            return edited(&area);
        }

        /// Waits for the whole body and leaves it in place.
        pub fn body() BodyError![]const u8 {
            var area: abi.BodyResult = undefined;
            import.body(&area);
            if (area.failed == 0) return area.value.body.slice();
            const err = &area.value.err;
            return switch (err.kind) {
                0 => failed(error.BodyTooLarge, "body is longer than {d} bytes", .{err.of.limit}),
                1 => failed(error.BodyTimedOut, "body did not come in time", .{}),
                2 => failed(error.BodyDisconnected, "body broke off: {s}", .{err.of.text.slice()}),
                else => failed(error.BodyAlreadyStreamed, "body has been streamed already", .{}),
            };
        }

        /// Whether `content-encoding` says that the body is compressed or encoded otherwise.
        pub fn isEncoded() bool {
            return url.isCoding(field("content-encoding") orelse "");
        }

        /// Replaces the body. The host sets `content-length`, removes `content-encoding` and digests, and weakens `etag`.
        /// A plugin that gives an encoded body sets `content-encoding` in the same hook.
        pub fn setBody(new: []const u8) void {
            import.@"set-body"(abi.within(new).ptr, new.len);
        }
    };
}

/// Facts about the current exchange, and notes that travel with it.
pub const exchange = struct {
    /// Its name in logs.
    pub fn id() []const u8 {
        return get(abi.exchange.id);
    }
    /// `127.0.0.1:50312`
    pub fn clientAddress() []const u8 {
        return get(abi.exchange.@"client-address");
    }
    /// What a plugin left in this exchange. Begin keys with the plugin's name.
    pub fn note(key: []const u8) ?[]const u8 {
        return find(abi.exchange.note, key);
    }
    pub fn setNote(key: []const u8, value: []const u8) void {
        const name = utf8(key);
        abi.exchange.@"set-note"(name.ptr, name.len, abi.within(value).ptr, value.len);
    }
};

/// The plugin's own settings: a string as it is, anything else as JSON text.
pub const settings = struct {
    /// Null when it is not set.
    pub fn get(key: []const u8) SettingsError!?[]const u8 {
        var area: abi.SettingResult = undefined;
        const name = utf8(key);
        abi.store.get(name.ptr, name.len, &area);
        if (area.failed != 0) return failed(error.SettingsFailed, "settings can't be read: {s}", .{area.value.err.text.slice()});
        return area.value.setting.get();
    }

    /// One that must be set.
    pub fn require(key: []const u8) SettingsError![]const u8 {
        return try settings.get(key) orelse failed(error.SettingMissing, "setting {s} is missing", .{key});
    }

    /// All of them; `name` is the key.
    pub fn all() SettingsError![]const Field {
        var area: abi.SettingsResult = undefined;
        abi.store.@"get-all"(&area);
        if (area.failed != 0) return failed(error.SettingsFailed, "settings can't be read: {s}", .{area.value.err.text.slice()});
        return fieldsOf(area.value.settings);
    }
};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() u64 {
    var area: abi.Datetime = undefined;
    abi.clock.now(&area);
    return area.seconds * 1000 + area.nanoseconds / 1_000_000;
}

/// 64 random bits, cryptographically secure. A generator of `std.Random` gives the same numbers in each instance unless it is
/// seeded with this.
pub fn random() u64 {
    return abi.random.@"get-random-u64"();
}

/// So many random bytes.
pub fn randomBytes(count: usize) []const u8 {
    var area: abi.Bytes = undefined;
    abi.random.@"get-random-bytes"(count, &area);
    return area.slice();
}

pub const Level = enum(u32) { trace, debug, info, warn, err, critical };

/// One line for the host's log.
pub fn log(level: Level, comptime format: []const u8, args: anytype) void {
    write(level, "", print(format, args));
}

/// For `std.log`: `pub const std_options: std.Options = .{ .logFn = tollgate.logFn };` in the plugin's root file.
pub fn logFn(comptime level: std.log.Level, comptime scope: @EnumLiteral(), comptime format: []const u8, args: anytype) void {
    const as: Level = switch (level) {
        .err => .err,
        .warn => .warn,
        .info => .info,
        .debug => .debug,
    };
    write(as, if (scope == .default) "" else @tagName(scope), print(format, args));
}

/// Says in the host's log what a panic was: `pub const panic = tollgate.panic;` in the plugin's root file.
pub const panic = std.debug.FullPanic(struct {
    fn panic(message: []const u8, _: ?usize) noreturn {
        // Without `print`: memory may be what is wrong.
        abi.logging.log(@backingInt(Level.critical), "panic", 5, message.ptr, message.len);
        @trap();
    }
}.panic);

/// Exports the hooks of a plugin; one that it doesn't have does nothing. A plugin without any, and a hook that is not `pub` or
/// has nearly the right name, are compile errors.
pub const plugin = hooks.plugin;

fn write(level: Level, context: []const u8, line: []const u8) void {
    abi.logging.log(@backingInt(level), context.ptr, context.len, line.ptr, line.len);
}

fn valueOf(pairs: []const Field, name: []const u8) ?[]const u8 {
    for (pairs) |pair| if (std.mem.eql(u8, pair.name, name)) return pair.value;
    return null;
}

fn alloc(comptime T: type, count: usize) []T {
    // An allocator's address for nothing lies outside of memory, and the host looks at it.
    if (count == 0) return &.{};
    return allocator.alloc(T, count) catch outOfMemory();
}

fn get(import: anytype) []const u8 {
    var area: abi.Bytes = undefined;
    import(&area);
    return area.slice();
}

fn find(import: anytype, name: []const u8) ?[]const u8 {
    var area: abi.Optional = undefined;
    const key = utf8(name);
    import(key.ptr, key.len, &area);
    return area.get();
}

fn fieldsOf(list: abi.List(abi.Field)) []const Field {
    const all = alloc(Field, list.len);
    for (all, list.items()) |*it, item| it.* = .{ .name = item.name.slice(), .value = item.value.slice() };
    return all;
}

/// For method, target and authority, which must not silently become another text.
fn edit(import: anytype, new: []const u8) FieldError!void {
    if (!std.unicode.utf8ValidateSlice(new)) return failed(error.InvalidValue, "invalid value: not UTF-8", .{});
    var area: abi.EditResult = undefined;
    import(abi.within(new).ptr, new.len, &area);
    return edited(&area);
}

fn edited(area: *const abi.EditResult) FieldError!void {
    if (area.failed == 0) return;
    const err = &area.err;
    return switch (err.kind) {
        0 => failed(error.InvalidName, "not a field name: {s}", .{err.text.slice()}),
        1 => failed(error.InvalidValue, "invalid value: {s}", .{err.text.slice()}),
        2 => failed(error.OwnedByHost, "only the host sets the field {s}", .{err.text.slice()}),
        else => failed(error.TooManyFields, "too many fields", .{}),
    };
}

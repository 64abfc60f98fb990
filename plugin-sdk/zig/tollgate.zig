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
const text = @import("text.zig");

/// JSON changed without touching another byte.
pub const json = @import("json.zig");

/// Memory until the hook returns.
pub const allocator = abi.allocator;

/// What `forwardRequest` decides.
pub const Verdict = enum {
    /// Go on to the next plugin and the backend.
    forward,
    /// Answer with the response as it was set.
    respond,
};

pub const Field = struct { name: []const u8, value: []const u8 };

/// Why a part of a message could not be changed; nothing was changed. `errorMessage` has the words.
pub const FieldError = error{ InvalidName, InvalidValue, OwnedByHost, TooManyFields };

/// Why a body can't be had. `errorMessage` has the words.
pub const BodyError = error{ BodyTooLarge, BodyTimedOut, BodyDisconnected, BodyAlreadyStreamed };

/// Why a setting can't be had. `errorMessage` has the words.
pub const SettingsError = error{ SettingMissing, SettingsFailed };

/// The last error of a function here, in words: `only the host sets the field te`. A hook that returns that error gives
/// the host these words.
pub fn errorMessage() []const u8 {
    return message_of_last;
}

var message_of_last: []const u8 = "";
var last: ?anyerror = null;

fn failed(err: anytype, comptime format: []const u8, args: anytype) @TypeOf(err) {
    message_of_last = print(format, args);
    last = err;
    return err;
}

/// Makes an error with a text, which goes to the host's log: `return tollgate.fail("no tenant in {s}", .{path});`
pub fn fail(comptime format: []const u8, args: anytype) error{PluginFailed} {
    return failed(error.PluginFailed, format, args);
}

/// Sets status, content-type and body of the response, and answers with it.
pub fn answer(status: u16, content_type: []const u8, body: []const u8) FieldError!Verdict {
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
            import.@"set-field"(key.ptr, key.len, value.ptr, value.len, &area);
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
            import.@"append-field"(key.ptr, key.len, value.ptr, value.len, &area);
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

        /// Replaces the body; the host sets `content-length`.
        pub fn setBody(new: []const u8) void {
            import.@"set-body"(new.ptr, new.len);
        }
    };
}

/// Facts about the exchange in hand, and notes that travel with it.
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
        abi.exchange.@"set-note"(name.ptr, name.len, value.ptr, value.len);
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

/// Exports the hooks of a plugin; one that it doesn't have does nothing.
pub fn plugin(comptime Plugin: type) void {
    const hooks = struct {
        fn forwardRequest() callconv(abi.calling) *const abi.HookResult {
            begin();
            if (!@hasDecl(Plugin, "forwardRequest")) return abi.succeed(@backingInt(Verdict.forward));
            const verdict: Verdict = orError(Plugin.forwardRequest()) catch |err| return abi.fail(describe(err));
            return abi.succeed(@backingInt(verdict));
        }

        fn returnResponse() callconv(abi.calling) *const abi.HookResult {
            begin();
            if (!@hasDecl(Plugin, "returnResponse")) return abi.succeed(0);
            orError(Plugin.returnResponse()) catch |err| return abi.fail(describe(err));
            return abi.succeed(0);
        }
    };
    if (!@hasDecl(Plugin, "forwardRequest") and !@hasDecl(Plugin, "returnResponse"))
        @compileError("a plugin has `pub fn forwardRequest() !tollgate.Verdict` or `pub fn returnResponse() !void`");
    @export(&hooks.forwardRequest, .{ .name = abi.interceptor ++ "forward-request" });
    @export(&hooks.returnResponse, .{ .name = abi.interceptor ++ "return-response" });
    @export(&abi.realloc, .{ .name = "cabi_realloc" });
}

fn begin() void {
    abi.reset();
    message_of_last = "";
    last = null;
}

/// Lets a hook that can't fail go without an error union.
fn orError(result: anytype) anyerror!switch (@typeInfo(@TypeOf(result))) {
    .error_union => |it| it.payload,
    else => @TypeOf(result),
} {
    return result;
}

/// What the host is told of an error.
fn describe(err: anyerror) []const u8 {
    return if (last == @as(?anyerror, err)) message_of_last else @errorName(err);
}

fn write(level: Level, context: []const u8, line: []const u8) void {
    abi.logging.log(@backingInt(level), context.ptr, context.len, line.ptr, line.len);
}

/// Always UTF-8, as the contract's strings must be.
fn print(comptime format: []const u8, args: anytype) []const u8 {
    return utf8(std.fmt.allocPrint(allocator, format, args) catch outOfMemory());
}

fn utf8(bytes: []const u8) []const u8 {
    return text.utf8(allocator, bytes) catch outOfMemory();
}

fn alloc(comptime T: type, count: usize) []T {
    return allocator.alloc(T, count) catch outOfMemory();
}

fn outOfMemory() noreturn {
    @panic("out of memory");
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
    import(new.ptr, new.len, &area);
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

//! The contract on the canonical ABI of the component model: each function as it is lowered into WebAssembly.
//!
//! A result that doesn't fit one value is written by the host into an area that the caller gives. Texts and lists in it
//! lie in memory that the host got from `cabi_realloc`.

const std = @import("std");

comptime {
    if (@sizeOf(usize) != 4) @compileError("the contract is bound for wasm32 only; json.zig and text.zig are for any target");
}

/// How exported functions are called.
pub const calling: std.builtin.CallingConvention = .c;

/// What the names of exports begin with.
pub const interceptor = "tollgate:proxy/interceptor@0.1.0#";

/// The bytes at an address that the host can look at: an allocator's address for nothing may lie outside of memory.
pub fn within(bytes: []const u8) []const u8 {
    return if (bytes.len == 0) "" else bytes;
}

/// A `string` or a `list<u8>`.
pub const Bytes = extern struct {
    ptr: [*]const u8,
    len: usize,

    pub fn of(bytes: []const u8) Bytes {
        return .{ .ptr = within(bytes).ptr, .len = bytes.len };
    }

    pub fn slice(bytes: Bytes) []const u8 {
        return if (bytes.len == 0) "" else bytes.ptr[0..bytes.len];
    }
};

pub const Field = extern struct { name: Bytes, value: Bytes };

pub fn List(comptime T: type) type {
    return extern struct {
        ptr: [*]const T,
        len: usize,

        pub fn items(list: @This()) []const T {
            return if (list.len == 0) &.{} else list.ptr[0..list.len];
        }
    };
}

/// `option<string>` or `option<list<u8>>`
pub const Optional = extern struct {
    some: u8,
    value: Bytes,

    pub fn get(optional: Optional) ?[]const u8 {
        return if (optional.some == 0) null else optional.value.slice();
    }
};

/// `result<_, field-error>`
pub const EditResult = extern struct {
    failed: u8,
    err: extern struct { kind: u8, text: Bytes },
};

/// `result<list<u8>, body-error>`
pub const BodyResult = extern struct {
    failed: u8,
    value: extern union {
        body: Bytes,
        err: extern struct { kind: u8, of: extern union { limit: u64, text: Bytes } },
    },
};

/// An error of the settings; both of its cases hold text.
const StoreError = extern struct { kind: u8, text: Bytes };

/// `result<option<string>, error>`
pub const SettingResult = extern struct {
    failed: u8,
    value: extern union { setting: Optional, err: StoreError },
};

/// `result<list<tuple<string, string>>, error>`
pub const SettingsResult = extern struct {
    failed: u8,
    value: extern union { settings: List(Field), err: StoreError },
};

/// `state-error` and `send-error`: all cases hold text.
pub const ServiceError = extern struct { kind: u8, text: Bytes };

/// `result<option<list<u8>>, state-error>`, `result<bool, …>`, `result<list<string>, …>`, `result<_, …>`
pub const StateResult = extern struct {
    failed: u8,
    value: extern union { value: Optional, is: u8, keys: List(Bytes), err: ServiceError },
};

/// `result<s64, state-error>`
pub const SumResult = extern struct {
    failed: u8,
    value: extern union { sum: i64, err: ServiceError },
};

/// `result<incoming-response, send-error>`
pub const SendResult = extern struct {
    failed: u8,
    value: extern union {
        response: extern struct { status: u16, fields: List(Field), body: Bytes, trailers: List(Field) },
        err: ServiceError,
    },
};

/// `outgoing-request`, in a list
pub const Outgoing = extern struct {
    method: Bytes,
    url: Bytes,
    fields: List(Field),
    body: Bytes,
    has_timeout: u8,
    timeout_ms: u32,
};

comptime {
    if (@sizeOf(StateResult) != 16 or @sizeOf(SumResult) != 24 or @sizeOf(SendResult) != 32 or @sizeOf(Outgoing) != 40)
        @compileError("results of services are not laid out as the contract has them");
}

/// `result<verdict, string>`, `result<option<body-wish>, string>`, `result<fate, string>` or `result<_, string>`
pub const HookResult = extern struct {
    failed: u8,
    value: extern union { verdict: u8, wish: extern struct { some: u8, unit: u8, decoded: u8 }, err: Bytes },
};

const GetText = fn (*Bytes) callconv(calling) void;
const Find = fn ([*]const u8, usize, *Optional) callconv(calling) void;
const FindAll = fn ([*]const u8, usize, *List(Bytes)) callconv(calling) void;
const GetFields = fn (*List(Field)) callconv(calling) void;
const GetBody = fn (*BodyResult) callconv(calling) void;
const EditText = fn ([*]const u8, usize, *EditResult) callconv(calling) void;
const EditField = fn ([*]const u8, usize, [*]const u8, usize, *EditResult) callconv(calling) void;
const EditFields = fn ([*]const Field, usize, *EditResult) callconv(calling) void;
const GiveBytes = fn ([*]const u8, usize) callconv(calling) void;

fn Interface(comptime module: []const u8) type {
    return struct {
        fn function(comptime name: []const u8, comptime Function: type) *const Function {
            return @extern(*const Function, .{ .name = name, .library_name = module });
        }
    };
}

pub const request = struct {
    const import = Interface("tollgate:proxy/request@0.1.0").function;
    pub const method = import("method", GetText);
    pub const @"set-method" = import("set-method", EditText);
    pub const scheme = import("scheme", GetText);
    pub const authority = import("authority", GetText);
    pub const @"set-authority" = import("set-authority", EditText);
    pub const target = import("target", GetText);
    pub const @"set-target" = import("set-target", EditText);
    pub const field = import("field", Find);
    pub const @"field-values" = import("field-values", FindAll);
    pub const fields = import("fields", GetFields);
    pub const @"set-field" = import("set-field", EditField);
    pub const @"set-fields" = import("set-fields", EditFields);
    pub const @"append-field" = import("append-field", EditField);
    pub const @"delete-field" = import("delete-field", EditText);
    pub const body = import("body", GetBody);
    pub const @"set-body" = import("set-body", GiveBytes);
};

pub const response = struct {
    const import = Interface("tollgate:proxy/response@0.1.0").function;
    pub const status = import("status", fn () callconv(calling) u32);
    pub const @"set-status" = import("set-status", fn (u32, *EditResult) callconv(calling) void);
    pub const field = import("field", Find);
    pub const @"field-values" = import("field-values", FindAll);
    pub const fields = import("fields", GetFields);
    pub const @"set-field" = import("set-field", EditField);
    pub const @"set-fields" = import("set-fields", EditFields);
    pub const @"append-field" = import("append-field", EditField);
    pub const @"delete-field" = import("delete-field", EditText);
    pub const body = import("body", GetBody);
    pub const @"set-body" = import("set-body", GiveBytes);
};

pub const exchange = struct {
    const import = Interface("tollgate:proxy/exchange@0.1.0").function;
    pub const id = import("id", GetText);
    pub const @"client-address" = import("client-address", GetText);
    pub const note = import("note", Find);
    pub const @"set-note" = import("set-note", fn ([*]const u8, usize, [*]const u8, usize) callconv(calling) void);
};

pub const store = struct {
    const import = Interface("wasi:config/store@0.2.0-rc.1").function;
    pub const get = import("get", fn ([*]const u8, usize, *SettingResult) callconv(calling) void);
    pub const @"get-all" = import("get-all", fn (*SettingsResult) callconv(calling) void);
};

pub const logging = struct {
    const import = Interface("wasi:logging/logging@0.1.0-draft").function;
    pub const log = import("log", fn (u32, [*]const u8, usize, [*]const u8, usize) callconv(calling) void);
};

/// A time of day since 1970.
pub const Datetime = extern struct { seconds: u64, nanoseconds: u32 };

pub const clock = struct {
    const import = Interface("wasi:clocks/wall-clock@0.2.0").function;
    pub const now = import("now", fn (*Datetime) callconv(calling) void);
};

pub const random = struct {
    const import = Interface("wasi:random/random@0.2.0").function;
    pub const @"get-random-u64" = import("get-random-u64", fn () callconv(calling) u64);
    pub const @"get-random-bytes" = import("get-random-bytes", fn (u64, *Bytes) callconv(calling) void);
};

pub const state = struct {
    const import = Interface("tollgate:proxy/state@0.1.0").function;
    pub const get = import("get", fn ([*]const u8, usize, *StateResult) callconv(calling) void);
    pub const set = import("set", fn ([*]const u8, usize, [*]const u8, usize, u32, u64, *StateResult) callconv(calling) void);
    pub const delete = import("delete", fn ([*]const u8, usize, *StateResult) callconv(calling) void);
    pub const increment = import("increment", fn ([*]const u8, usize, i64, u32, u64, *SumResult) callconv(calling) void);
    pub const @"compare-and-swap" = import(
        "compare-and-swap",
        fn ([*]const u8, usize, u32, [*]const u8, usize, u32, [*]const u8, usize, u32, u64, *StateResult) callconv(calling) void,
    );
    pub const keys = import("keys", fn ([*]const u8, usize, u32, [*]const u8, usize, u32, *StateResult) callconv(calling) void);
};

pub const client = struct {
    const import = Interface("tollgate:proxy/client@0.1.0").function;
    pub const send = import(
        "send",
        fn ([*]const u8, usize, [*]const u8, usize, [*]const Field, usize, [*]const u8, usize, u32, u32, *SendResult) callconv(calling) void,
    );
    pub const @"send-all" = import("send-all", fn ([*]const Outgoing, usize, *List(SendResult)) callconv(calling) void);
};

pub const timer = struct {
    const import = Interface("tollgate:proxy/timer@0.1.0").function;
    pub const sleep = import("sleep", fn (u64) callconv(calling) void);
};

pub const metrics = struct {
    const import = Interface("tollgate:proxy/metrics@0.1.0").function;
    const Record = fn ([*]const u8, usize, f64, [*]const Field, usize) callconv(calling) void;
    pub const describe = import("describe", fn ([*]const u8, usize, [*]const u8, usize, [*]const f64, usize) callconv(calling) void);
    pub const add = import("add", Record);
    pub const set = import("set", Record);
    pub const observe = import("observe", Record);
};

pub const sink = struct {
    const import = Interface("tollgate:proxy/body-sink@0.1.0").function;
    pub const emit = import("emit", GiveBytes);
};

var arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Memory until the next call begins.
pub const allocator = arena.allocator();

/// What is kept for the next call, so that small exchanges don't grow and shrink the arena each time.
const kept = 64 * 1024;

/// Whether a call of the plugin runs, and whether the host has taken memory for the piece of a body that it is about to give.
var in_call = false;
var has_piece = false;

/// A call begins: frees the memory of the one before, whose result the host has read by now.
pub fn begin() void {
    reset();
    in_call = true;
    has_piece = false;
}

/// The same for a call with a piece, whose memory stays.
pub fn beginWithPiece() void {
    if (!has_piece) reset();
    in_call = true;
    has_piece = false;
}

fn reset() void {
    // False only means that it could not keep any.
    _ = arena.reset(.{ .retain_with_limit = kept });
}

/// `cabi_realloc`: memory for what the host hands over. The host frees none and changes none's alignment.
pub fn realloc(old: [*]u8, old_len: usize, alignment: usize, len: usize) callconv(calling) [*]u8 {
    if (len == 0) return @ptrFromInt(alignment);
    if (!in_call and !has_piece) {
        reset();
        has_piece = true;
    }
    const memory = allocator.rawAlloc(len, .fromByteUnits(alignment), @returnAddress()) orelse @panic("out of memory");
    if (old_len != 0) @memcpy(memory, old[0..@min(old_len, len)]);
    return memory;
}

var result: HookResult = undefined;

/// The result of a hook that ended well.
pub fn succeed(verdict: u8) *const HookResult {
    in_call = false;
    result = .{ .failed = 0, .value = .{ .verdict = verdict } };
    return &result;
}

/// The result of `begin` of a body; null is no wish.
pub fn wish(unit: ?u8, decoded: bool) *const HookResult {
    in_call = false;
    const some = @intFromBool(unit != null);
    result = .{ .failed = 0, .value = .{ .wish = .{ .some = some, .unit = unit orelse 0, .decoded = @intFromBool(decoded) } } };
    return &result;
}

/// The result of a hook that failed; the words are UTF-8 and live in memory of `allocator`.
pub fn fail(words: []const u8) *const HookResult {
    in_call = false;
    result = .{ .failed = 1, .value = .{ .err = .of(words) } };
    return &result;
}

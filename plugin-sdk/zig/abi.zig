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

/// A `string` or a `list<u8>`.
pub const Bytes = extern struct {
    ptr: [*]const u8,
    len: usize,

    pub fn of(bytes: []const u8) Bytes {
        return .{ .ptr = bytes.ptr, .len = bytes.len };
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

/// `result<verdict, string>` or `result<_, string>`
pub const HookResult = extern struct {
    failed: u8,
    value: extern union { verdict: u8, err: Bytes },
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

var arena: std.heap.ArenaAllocator = .init(std.heap.wasm_allocator);

/// Memory until the next call begins.
pub const allocator = arena.allocator();

/// What is kept for the next call, so that small exchanges don't grow and shrink the arena each time.
const kept = 64 * 1024;

/// Frees the memory of the call before. The host has read its result by now.
pub fn reset() void {
    // False only means that it could not keep any.
    _ = arena.reset(.{ .retain_with_limit = kept });
}

/// `cabi_realloc`: memory for what the host hands over. The host frees none and changes none's alignment.
pub fn realloc(old: [*]u8, old_len: usize, alignment: usize, len: usize) callconv(calling) [*]u8 {
    if (len == 0) return @ptrFromInt(alignment);
    const memory = allocator.rawAlloc(len, .fromByteUnits(alignment), @returnAddress()) orelse @panic("out of memory");
    if (old_len != 0) @memcpy(memory, old[0..@min(old_len, len)]);
    return memory;
}

var result: HookResult = undefined;

/// The result of a hook that ended well.
pub fn succeed(verdict: u8) *const HookResult {
    result = .{ .failed = 0, .value = .{ .verdict = verdict } };
    return &result;
}

/// The result of a hook that failed; the words are UTF-8 and live in memory of `allocator`.
pub fn fail(words: []const u8) *const HookResult {
    result = .{ .failed = 1, .value = .{ .err = .of(words) } };
    return &result;
}

//! Interfaces of others that every version of the contract refers to, for core modules. For components wasmtime's bindings
//! say the same (`plugin/host/standard.rs`); both end in the same functions.

use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::{self, Host as _};
use wasmtime_wasi::p2::bindings::random::random::Host as _;
use wasmtime_wasi::random::WasiRandomView;

use super::abi::{Functions, record, variant};
use crate::plugin::host::standard::{logging, settings};

variant!(settings::Error { 0 Upstream(String), 1 Io(String) });
variant!(logging::Level { 0 Trace, 1 Debug, 2 Info, 3 Warn, 4 Error, 5 Critical });
record!(wall_clock::Datetime {
    seconds: u64,
    nanoseconds: u32
});

/// What `wasi:config` answers.
type Setting<T> = Result<T, settings::Error>;

pub fn add(functions: &mut Functions) {
    use logging::Host as _;
    use settings::Host as _;
    functions
        .interface("wasi:config/store@0.2.0-rc.1")
        .function::<(&str,), Setting<Option<String>>>("get", |state, (key,)| {
            Ok(state.get(key.to_owned()))
        })
        .function::<(), Setting<Vec<(String, String)>>>("get-all", |state, ()| Ok(state.get_all()));
    functions
        .interface("wasi:logging/logging@0.1.0-draft")
        .function::<(logging::Level, String, String), ()>("log", |state, (level, about, text)| {
            state.log(level, about, text);
            Ok(())
        });
    functions
        .interface("wasi:clocks/wall-clock@0.2.0")
        .function::<(), wall_clock::Datetime>("now", |state, ()| state.clocks().now())
        .function::<(), wall_clock::Datetime>("resolution", |state, ()| {
            state.clocks().resolution()
        });
    functions
        .interface("wasi:random/random@0.2.0")
        .function::<(u64,), Vec<u8>>("get-random-bytes", |state, (len,)| {
            state.random().get_random_bytes(len)
        })
        .function::<(), u64>("get-random-u64", |state, ()| {
            state.random().get_random_u64()
        });
}

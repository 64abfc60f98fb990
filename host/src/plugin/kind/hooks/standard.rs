//! Interfaces of others that every version of the contract refers to, for core modules. For components wasmtime's bindings
//! say the same (`plugin/host/standard.rs`); both end in the same functions.

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::{self, Host as _};
use wasmtime_wasi::p2::bindings::random::random::Host as _;
use wasmtime_wasi::random::WasiRandomView;

use super::abi::{InterfaceFunctions, record, variant};
use super::capability::Capability;
use crate::config::Permission;
use crate::plugin::host::standard::{logging, settings};
use crate::plugin::host::{HooksState, key_value, outgoing_handler};

variant!(settings::Error { 0 Upstream(String), 1 Io(String) });
variant!(logging::Level { 0 Trace, 1 Debug, 2 Info, 3 Warn, 4 Error, 5 Critical });
record!(wall_clock::Datetime {
    seconds: u64,
    nanoseconds: u32
});

/// What `wasi:config` answers.
type Setting<T> = Result<T, settings::Error>;

/// Their rows.
pub static CAPABILITIES: [Capability; 12] = [
    Capability {
        interface: "wasi:config/store@0.2.0-rc.1",
        permission: None,
        waiting: &[],
        link: |linker| settings::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: add_settings,
    },
    Capability {
        interface: "wasi:logging/logging@0.1.0-draft",
        permission: None,
        waiting: &[],
        link: |linker| logging::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: add_logging,
    },
    Capability {
        interface: "wasi:clocks/wall-clock@0.2.0",
        permission: None,
        waiting: &[],
        link: WITH_WASI,
        functions: add_wall_clock,
    },
    Capability {
        interface: "wasi:random/random@0.2.0",
        permission: None,
        waiting: &[],
        link: WITH_WASI,
        functions: add_random,
    },
    Capability {
        interface: "wasi:http/types@0.2.0",
        permission: None,
        waiting: &[],
        link: outgoing_handler::add_types_to_linker,
        functions: ONLY_COMPONENTS,
    },
    Capability {
        interface: "wasi:http/outgoing-handler@0.2.0",
        permission: Some(Permission::Http),
        waiting: &[],
        link: outgoing_handler::add_handler_to_linker,
        functions: ONLY_COMPONENTS,
    },
    Capability {
        interface: "wasi:keyvalue/store@0.2.0-draft",
        permission: Some(Permission::State),
        waiting: &[],
        link: key_value::add_draft_to_linker,
        functions: ONLY_COMPONENTS,
    },
    Capability {
        interface: "wasi:keyvalue/atomics@0.2.0-draft",
        permission: Some(Permission::State),
        waiting: &[],
        link: WITH_THE_FIRST,
        functions: ONLY_COMPONENTS,
    },
    Capability {
        interface: "wasi:keyvalue/batch@0.2.0-draft",
        permission: Some(Permission::State),
        waiting: &[],
        link: WITH_THE_FIRST,
        functions: ONLY_COMPONENTS,
    },
    Capability {
        interface: "wasi:keyvalue/store@0.2.0-draft2",
        permission: Some(Permission::State),
        waiting: &[],
        link: key_value::add_draft2_to_linker,
        functions: ONLY_COMPONENTS,
    },
    Capability {
        interface: "wasi:keyvalue/atomics@0.2.0-draft2",
        permission: Some(Permission::State),
        waiting: &[],
        link: WITH_THE_FIRST,
        functions: ONLY_COMPONENTS,
    },
    Capability {
        interface: "wasi:keyvalue/batch@0.2.0-draft2",
        permission: Some(Permission::State),
        waiting: &[],
        link: WITH_THE_FIRST,
        functions: ONLY_COMPONENTS,
    },
];

type Own = HasSelf<HooksState>;

/// Linked with the rest of WASI.
const WITH_WASI: fn(&mut Linker<HooksState>) -> wasmtime::Result<()> = |_| Ok(());

/// Linked with the first interface of its package.
const WITH_THE_FIRST: fn(&mut Linker<HooksState>) -> wasmtime::Result<()> = |_| Ok(());

/// They have handles, which only components can have. What is of no package that answers at once can wait anyway.
const ONLY_COMPONENTS: fn(&mut InterfaceFunctions<'_>) = |_| {};

fn add_settings(functions: &mut InterfaceFunctions<'_>) {
    use settings::Host as _;
    functions
        .function::<(&str,), Setting<Option<String>>>("get", |state, (key,)| {
            Ok(state.get(key.to_owned()))
        })
        .function::<(), Setting<Vec<(String, String)>>>("get-all", |state, ()| Ok(state.get_all()));
}

fn add_logging(functions: &mut InterfaceFunctions<'_>) {
    use logging::Host as _;
    functions.function::<(logging::Level, String, String), ()>(
        "log",
        |state, (level, about, text)| {
            state.log(level, about, text);
            Ok(())
        },
    );
}

fn add_wall_clock(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(), wall_clock::Datetime>("now", |state, ()| state.clocks().now())
        .function::<(), wall_clock::Datetime>("resolution", |state, ()| {
            state.clocks().resolution()
        });
}

fn add_random(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(u64,), Vec<u8>>("get-random-bytes", |state, (len,)| {
            state.random().get_random_bytes(len)
        })
        .function::<(), u64>("get-random-u64", |state, ()| {
            state.random().get_random_u64()
        });
}

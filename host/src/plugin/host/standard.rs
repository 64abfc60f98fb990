//! Interfaces of others that every version of the contract refers to: they are in a linker once, whatever versions are.
//!
//! A version that takes a later release of one makes it part of its own bindings.

wasmtime::component::bindgen!({
    path: ["../wit/v0.1/deps/wasi-config", "../wit/v0.1/deps/wasi-logging"],
    inline: "
        package tollgate:host;
        world standard {
            import wasi:config/store@0.2.0-rc.1;
            import wasi:logging/logging@0.1.0-draft;
        }
    ",
    world: "tollgate:host/standard",
});

pub use wasi::config::store as settings;
pub use wasi::logging::logging;

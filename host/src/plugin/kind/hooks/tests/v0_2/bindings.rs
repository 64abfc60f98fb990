//! What wasmtime makes of the made-up WIT.

wasmtime::component::bindgen!({
    path: [
        "../wit/v0.1/deps/wasi-config",
        "../wit/v0.1/deps/wasi-logging",
        "src/plugin/kind/hooks/tests/v0_2/plugin.wit",
    ],
    world: "tollgate:proxy/plugin",
    imports: { "tollgate:proxy/request.read-body": async },
    exports: { default: async },
    with: {
        "wasi:config/store": crate::plugin::host::standard::settings,
        "wasi:logging/logging": crate::plugin::host::standard::logging,
    },
});

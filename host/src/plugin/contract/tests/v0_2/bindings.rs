//! What wasmtime makes of the made-up WIT.

wasmtime::component::bindgen!({
    path: [
        "../wit/v0.1/deps/wasi-config",
        "../wit/v0.1/deps/wasi-logging",
        "src/plugin/contract/tests/v0_2/plugin.wit",
    ],
    world: "tollgate:proxy/plugin",
    imports: { "tollgate:proxy/request.read-body": async },
    exports: { default: async },
    with: {
        "wasi:config/store": crate::plugin::contract::settings,
        "wasi:logging/logging": crate::plugin::contract::logging,
    },
});

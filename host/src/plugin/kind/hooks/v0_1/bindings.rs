//! What wasmtime makes of `wit/v0.1`.

wasmtime::component::bindgen!({
    path: "../wit/v0.1",
    // With all imports, and only the export that every plugin has.
    inline: "
        package tollgate:host-v0-1;
        world plugin {
            include tollgate:proxy/service-plugin@0.1.0;
        }
    ",
    world: "tollgate:host-v0-1/plugin",
    imports: {
        // As in the row's `waiting`.
        "tollgate:proxy/request.body": async,
        "tollgate:proxy/response.body": async,
        "tollgate:proxy/body-sink.emit": async | trappable,
        "tollgate:proxy/client": async,
        "tollgate:proxy/state": async,
        "tollgate:proxy/timer": async,
        "tollgate:proxy/websocket.send": async | trappable,
        "tollgate:proxy/websocket.close": trappable,
        "tollgate:proxy/exchange.set-note": trappable,
    },
    exports: { default: async },
    with: {
        "wasi:config/store": crate::plugin::host::standard::settings,
        "wasi:logging/logging": crate::plugin::host::standard::logging,
        // Linked with the rest of WASI.
        "wasi:clocks/wall-clock": wasmtime_wasi::p2::bindings::clocks::wall_clock,
        "wasi:random/random": wasmtime_wasi::p2::bindings::random::random,
    },
});

//! The only `bindgen!` of the host: what wasmtime makes of `wit/v0.1`.
//!
//! Only a body can keep a guest waiting; every other function answers at once.

wasmtime::component::bindgen!({
    path: "../wit/v0.1",
    world: "tollgate:proxy/plugin",
    imports: {
        "tollgate:proxy/request.body": async,
        "tollgate:proxy/response.body": async,
        "tollgate:proxy/exchange.set-note": trappable,
    },
    exports: { default: async },
});

//! `wasi:http/types` and `wasi:http/outgoing-handler` for plugins with hooks.

use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView, WasiHttpView, p2};

use super::state::HooksState;

impl WasiHttpView for HooksState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.outgoing.view(&mut self.guest.table)
    }
}

impl HooksState {
    /// What sends the next request. It belongs to the call in hand, and its budget.
    pub(super) fn next_request(&mut self) -> WasiHttpCtxView<'_> {
        let (sender, budget) = (self.caller(), self.calls.clone());
        let trace = self.exchange.trace.clone();
        self.outgoing.set_sender(sender, budget, trace);
        self.http()
    }
}

/// Offers `wasi:http/types`.
///
/// # Errors
/// None that a plugin could cause.
pub fn add_types_to_linker(linker: &mut Linker<HooksState>) -> wasmtime::Result<()> {
    let options = p2::bindings::LinkOptions::default();
    types::add_to_linker::<HooksState, WasiHttp>(linker, &(&options).into(), HooksState::http)
}

/// Offers `wasi:http/outgoing-handler`.
///
/// # Errors
/// None that a plugin could cause.
pub fn add_handler_to_linker(linker: &mut Linker<HooksState>) -> wasmtime::Result<()> {
    outgoing_handler::add_to_linker::<HooksState, WasiHttp>(linker, HooksState::next_request)
}

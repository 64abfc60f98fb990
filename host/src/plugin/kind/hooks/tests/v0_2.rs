//! A made-up version 0.2, built as a real one would be: its WIT, its bindings, its conversions and its row.

mod bindings;
mod functions;
mod hooks;
mod imports;

use wasmtime::component::{HasSelf, Linker};

use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::contract::Contract;
use crate::plugin::kind::hooks::wit::Wit;
use bindings::PluginPre;
use bindings::tollgate::proxy::{request, response, types};
use hooks::Functions;

pub static CONTRACT: Contract = Contract {
    version: "0.2.0",
    wit: Wit::new(
        &[("plugin.wit", include_str!("v0_2/plugin.wit"))],
        &[
            (
                "store.wit",
                include_str!("../../../../../../wit/v0.1/deps/wasi-config/store.wit"),
            ),
            (
                "logging.wit",
                include_str!("../../../../../../wit/v0.1/deps/wasi-logging/logging.wit"),
            ),
        ],
    ),
    hooks: ["on-request", "on-response"],
    waiting: &["read-body"],
    link: add_to_linker,
    check: |plugin| PluginPre::new(plugin.clone()).map(drop),
    functions: functions::add,
    enter: |entrance| Ok(Box::new(Functions::find(entrance)?)),
};

fn add_to_linker(linker: &mut Linker<HooksState>) -> wasmtime::Result<()> {
    type Own = HasSelf<HooksState>;
    types::add_to_linker::<HooksState, Own>(linker, |state| state)?;
    request::add_to_linker::<HooksState, Own>(linker, |state| state)?;
    response::add_to_linker::<HooksState, Own>(linker, |state| state)
}

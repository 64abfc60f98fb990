//! Version 0.1 of the contract, `wit/v0.1`.

mod bindings;
mod convert;
mod functions;
mod hooks;
mod imports;

use wasmtime::component::{HasSelf, Linker};

use super::contract::Contract;
use super::wit::Wit;
use crate::plugin::host::HooksState;
use bindings::PluginPre;
use bindings::tollgate::proxy::{exchange, request, response, types};
use hooks::Functions;

pub static CONTRACT: Contract = Contract {
    version: "0.1.0",
    wit: Wit::new(FILES, DEPENDENCIES),
    hooks: ["forward-request", "return-response"],
    waiting: &["body"],
    link: add_to_linker,
    check: |plugin| PluginPre::new(plugin.clone()).map(drop),
    functions: functions::add,
    enter: |entrance| Ok(Box::new(Functions::find(entrance)?)),
};

/// In the order of their names; a test holds this list against the folder.
const FILES: &[(&str, &str)] = &[
    ("body.wit", include_str!("../../../../../wit/v0.1/body.wit")),
    (
        "client.wit",
        include_str!("../../../../../wit/v0.1/client.wit"),
    ),
    (
        "exchange.wit",
        include_str!("../../../../../wit/v0.1/exchange.wit"),
    ),
    (
        "interceptor.wit",
        include_str!("../../../../../wit/v0.1/interceptor.wit"),
    ),
    (
        "request.wit",
        include_str!("../../../../../wit/v0.1/request.wit"),
    ),
    (
        "response.wit",
        include_str!("../../../../../wit/v0.1/response.wit"),
    ),
    (
        "types.wit",
        include_str!("../../../../../wit/v0.1/types.wit"),
    ),
    (
        "world.wit",
        include_str!("../../../../../wit/v0.1/world.wit"),
    ),
];

const DEPENDENCIES: &[(&str, &str)] = &[
    (
        "deps/wasi-clocks/wall-clock.wit",
        include_str!("../../../../../wit/v0.1/deps/wasi-clocks/wall-clock.wit"),
    ),
    (
        "deps/wasi-config/store.wit",
        include_str!("../../../../../wit/v0.1/deps/wasi-config/store.wit"),
    ),
    (
        "deps/wasi-logging/logging.wit",
        include_str!("../../../../../wit/v0.1/deps/wasi-logging/logging.wit"),
    ),
    (
        "deps/wasi-random/random.wit",
        include_str!("../../../../../wit/v0.1/deps/wasi-random/random.wit"),
    ),
];

fn add_to_linker(linker: &mut Linker<HooksState>) -> wasmtime::Result<()> {
    type Own = HasSelf<HooksState>;
    types::add_to_linker::<HooksState, Own>(linker, |state| state)?;
    request::add_to_linker::<HooksState, Own>(linker, |state| state)?;
    response::add_to_linker::<HooksState, Own>(linker, |state| state)?;
    exchange::add_to_linker::<HooksState, Own>(linker, |state| state)
}

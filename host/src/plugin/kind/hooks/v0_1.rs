//! Version 0.1 of the contract, `wit/v0.1`.

mod bindings;
mod choosing;
mod convert;
mod functions;
mod hooks;
mod imports;
mod measuring;
mod messages;
mod services;

use wasmtime::component::HasSelf;

use super::capability::Capability;
use super::contract::{Contract, ExportedInterface, INTERCEPTOR};
use super::wit::Wit;
use crate::config::Permission;
use crate::plugin::host::HooksState;
use bindings::PluginPre;
use bindings::tollgate::proxy::{
    backends, body_sink, client, exchange, metrics, request, response, state, timer, types,
    websocket,
};
use hooks::Functions;

pub static CONTRACT: Contract = Contract {
    version: "0.1.0",
    wit: Wit::new(FILES, DEPENDENCIES),
    exports: &EXPORTS,
    body_exports: [Some(2), Some(3)],
    background_export: Some(4),
    messages_export: Some(5),
    capabilities: &CAPABILITIES,
    check: |plugin| PluginPre::new(plugin.clone()).map(drop),
    enter: |entrance| Ok(Box::new(Functions::find(entrance)?)),
};

/// In the order in which [`Functions::find`] looks for them.
const EXPORTS: [ExportedInterface; 6] = [
    ExportedInterface {
        name: INTERCEPTOR,
        functions: &["forward-request", "return-response"],
    },
    ExportedInterface {
        name: "lifecycle",
        functions: &["start"],
    },
    ExportedInterface {
        name: "request-body",
        functions: &["begin", "piece", "end"],
    },
    ExportedInterface {
        name: "response-body",
        functions: &["begin", "piece", "end"],
    },
    ExportedInterface {
        name: "background",
        functions: &["tick"],
    },
    ExportedInterface {
        name: "websocket-messages",
        functions: &["opened", "message", "closed"],
    },
];

type Own = HasSelf<HooksState>;

static CAPABILITIES: [Capability; 11] = [
    Capability {
        interface: "tollgate:proxy/types@0.1.0",
        permission: None,
        waiting: &[],
        link: |linker| types::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: |_| {},
    },
    Capability {
        interface: "tollgate:proxy/request@0.1.0",
        permission: None,
        waiting: &["body"],
        link: |linker| request::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: functions::add_request,
    },
    Capability {
        interface: "tollgate:proxy/response@0.1.0",
        permission: None,
        waiting: &["body"],
        link: |linker| response::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: functions::add_response,
    },
    Capability {
        interface: "tollgate:proxy/exchange@0.1.0",
        permission: None,
        waiting: &[],
        link: |linker| exchange::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: functions::add_exchange,
    },
    Capability {
        interface: "tollgate:proxy/body-sink@0.1.0",
        permission: None,
        waiting: &["emit"],
        link: |linker| body_sink::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: functions::add_body_sink,
    },
    Capability {
        interface: "tollgate:proxy/state@0.1.0",
        permission: Some(Permission::State),
        waiting: &[
            "get",
            "set",
            "delete",
            "increment",
            "compare-and-swap",
            "keys",
        ],
        link: |linker| state::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: services::add_state,
    },
    Capability {
        interface: "tollgate:proxy/client@0.1.0",
        permission: Some(Permission::Http),
        waiting: &["send", "send-all"],
        link: |linker| client::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: services::add_client,
    },
    Capability {
        interface: "tollgate:proxy/timer@0.1.0",
        permission: None,
        waiting: &["sleep"],
        link: |linker| timer::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: services::add_timer,
    },
    Capability {
        interface: "tollgate:proxy/metrics@0.1.0",
        permission: None,
        waiting: &[],
        link: |linker| metrics::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: measuring::add_metrics,
    },
    Capability {
        interface: "tollgate:proxy/backends@0.1.0",
        permission: Some(Permission::Backends),
        waiting: &[],
        link: |linker| backends::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: choosing::add_backends,
    },
    Capability {
        interface: "tollgate:proxy/websocket@0.1.0",
        permission: None,
        waiting: &["send"],
        link: |linker| websocket::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: messages::add_websocket,
    },
];

/// In the order of their names; a test holds this list against the folder.
const FILES: &[(&str, &str)] = &[
    (
        "backends.wit",
        include_str!("../../../../../wit/v0.1/backends.wit"),
    ),
    (
        "background.wit",
        include_str!("../../../../../wit/v0.1/background.wit"),
    ),
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
        "lifecycle.wit",
        include_str!("../../../../../wit/v0.1/lifecycle.wit"),
    ),
    (
        "metrics.wit",
        include_str!("../../../../../wit/v0.1/metrics.wit"),
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
        "state.wit",
        include_str!("../../../../../wit/v0.1/state.wit"),
    ),
    (
        "timer.wit",
        include_str!("../../../../../wit/v0.1/timer.wit"),
    ),
    (
        "types.wit",
        include_str!("../../../../../wit/v0.1/types.wit"),
    ),
    (
        "websocket.wit",
        include_str!("../../../../../wit/v0.1/websocket.wit"),
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

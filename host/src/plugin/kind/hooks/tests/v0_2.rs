//! A made-up version 0.2, built as a real one would be: its WIT, its bindings, its conversions and its row.

mod bindings;
mod functions;
mod hooks;
mod imports;

use wasmtime::component::HasSelf;

use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::capability::Capability;
use crate::plugin::kind::hooks::contract::{Contract, ExportedInterface, INTERCEPTOR};
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
    exports: &[ExportedInterface {
        name: INTERCEPTOR,
        functions: &["on-request", "on-response"],
    }],
    body_exports: [None, None],
    background_export: None,
    messages_export: None,
    capabilities: &CAPABILITIES,
    check: |plugin| PluginPre::new(plugin.clone()).map(drop),
    enter: |entrance| Ok(Box::new(Functions::find(entrance)?)),
};

type Own = HasSelf<HooksState>;

static CAPABILITIES: [Capability; 3] = [
    Capability {
        interface: "tollgate:proxy/types@0.2.0",
        permission: None,
        waiting: &[],
        link: |linker| types::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: |_| {},
    },
    Capability {
        interface: "tollgate:proxy/request@0.2.0",
        permission: None,
        waiting: &["read-body"],
        link: |linker| request::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: functions::add_request,
    },
    Capability {
        interface: "tollgate:proxy/response@0.2.0",
        permission: None,
        waiting: &[],
        link: |linker| response::add_to_linker::<HooksState, Own>(linker, |state| state),
        functions: functions::add_response,
    },
];

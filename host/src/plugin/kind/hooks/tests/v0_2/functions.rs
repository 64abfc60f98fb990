//! What a plugin of the made-up version imports, for core modules.

use super::bindings::exports::tollgate::proxy::interceptor::{Decision, Edit};
use super::bindings::tollgate::proxy::request::Host as _;
use super::bindings::tollgate::proxy::types::{FieldValue, Refusal};
use super::bindings::tollgate::proxy::{request, response};
use crate::plugin::kind::hooks::abi::{InterfaceFunctions, record, variant};

record!(FieldValue { bytes: Vec<u8>, sensitive: bool });
record!(Refusal {
    name: String,
    why: String
});
record!(Edit { status: Option<u16> });
variant!(Decision { 0 Forward, 1 Respond(u16) });

pub fn add_request(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(), String>("target", |state, ()| Ok(state.target()))
        .function::<(String,), Option<FieldValue>>("field", |state, (name,)| Ok(state.field(name)))
        .function::<(String, FieldValue), Result<(), Refusal>>(
            "put-field",
            |state, (name, value)| Ok(request::Host::put_field(state, name, value)),
        )
        .waiting::<(u64,), Result<Vec<u8>, String>>("read-body", |state, (most,)| {
            Box::pin(async move { Ok(state.read_body(most).await) })
        });
}

pub fn add_response(functions: &mut InterfaceFunctions<'_>) {
    functions.function::<(String, FieldValue), Result<(), Refusal>>(
        "put-field",
        |state, (name, value)| Ok(response::Host::put_field(state, name, value)),
    );
}

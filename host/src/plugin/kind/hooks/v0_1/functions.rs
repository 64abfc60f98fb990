//! What a plugin of this version imports, for core modules. For components wasmtime's bindings say the same (`imports.rs`);
//! both end in the same functions of the host.

use bytes::Bytes;

use super::bindings::exports::tollgate::proxy::interceptor::Verdict;
use super::bindings::tollgate::proxy::types::{BodyError, BodyWish, Fate, FieldError, Unit};
use super::convert::{body_error, field_error};
use crate::message::GivenName;
use crate::plugin::host::{self, fields};
use crate::plugin::kind::hooks::abi::{InterfaceFunctions, record, variant};

variant!(FieldError { 0 InvalidName(String), 1 InvalidValue(String), 2 OwnedByHost(String), 3 TooMany });
variant!(BodyError { 0 TooLarge(u64), 1 TimedOut, 2 Disconnected(String), 3 AlreadyStreamed });
variant!(Verdict { 0 Forward, 1 Respond });
variant!(Unit { 0 Bytes, 1 Text, 2 Lines, 3 Events, 4 Messages });
variant!(Fate { 0 Keep, 1 Replace, 2 Stop });
record!(BodyWish {
    unit: Unit,
    decoded: bool
});

type Edited = Result<(), FieldError>;
type Name = GivenName<'static>;
type Field = (&'static str, &'static [u8]);

pub fn add_body_sink(functions: &mut InterfaceFunctions<'_>) {
    functions.waiting::<(&[u8],), ()>("emit", |state, (data,)| {
        Box::pin(state.emit(Bytes::copy_from_slice(data)))
    });
}

pub fn add_exchange(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(), String>("id", |state, ()| Ok(state.exchange.id.to_string()))
        .function::<(), String>("client-address", |state, ()| {
            Ok(state.exchange.client.to_string())
        })
        .function::<(&str,), Option<Vec<u8>>>("note", |state, (key,)| {
            Ok(host::exchange::note(&state.exchange, key))
        })
        .function::<(String, &[u8]), ()>("set-note", |state, (key, value)| {
            host::exchange::set_note(&mut state.exchange, key, value.to_vec())
        });
}

pub fn add_request(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(), String>("method", |state, ()| {
            Ok(host::request::method(&state.exchange))
        })
        .function::<(&str,), Edited>("set-method", |state, (method,)| {
            let (exchange, growth) = (&mut state.exchange, &mut state.growth.request);
            Ok(host::request::set_method(exchange, growth, method).map_err(field_error))
        })
        .function::<(), String>("scheme", |state, ()| {
            Ok(host::request::scheme(&state.exchange))
        })
        .function::<(), String>("authority", |state, ()| {
            Ok(host::request::authority(&state.exchange))
        })
        .function::<(&str,), Edited>("set-authority", |state, (authority,)| {
            let (exchange, growth) = (&mut state.exchange, &mut state.growth.request);
            Ok(host::request::set_authority(exchange, growth, authority).map_err(field_error))
        })
        .function::<(), String>("target", |state, ()| {
            Ok(host::request::target(&state.exchange))
        })
        .function::<(&str,), Edited>("set-target", |state, (target,)| {
            let (exchange, growth) = (&mut state.exchange, &mut state.growth.request);
            Ok(host::request::set_target(exchange, growth, target).map_err(field_error))
        })
        .function::<(Name,), Option<Vec<u8>>>("field", |state, (name,)| {
            Ok(fields::get(&state.exchange.request.fields, name))
        })
        .function::<(Name,), Vec<Vec<u8>>>("field-values", |state, (name,)| {
            Ok(fields::get_all(&state.exchange.request.fields, name))
        })
        .function::<(), Vec<(String, Vec<u8>)>>("fields", |state, ()| {
            Ok(fields::list(&state.exchange.request.fields))
        })
        .function::<(Name, &[u8]), Edited>("set-field", |state, (name, value)| {
            Ok(state.request_fields().set(name, value).map_err(field_error))
        })
        .function::<(Vec<Field>,), Edited>("set-fields", |state, (list,)| {
            Ok(state.request_fields().set_all(&list).map_err(field_error))
        })
        .function::<(Name, &[u8]), Edited>("append-field", |state, (name, value)| {
            Ok(state
                .request_fields()
                .append(name, value)
                .map_err(field_error))
        })
        .function::<(Name,), Edited>("delete-field", |state, (name,)| {
            Ok(state.request_fields().delete(name).map_err(field_error))
        })
        .waiting::<(), Result<Vec<u8>, BodyError>>("body", |state, ()| {
            Box::pin(async { Ok(state.read_request_body().await.map_err(body_error)) })
        })
        .function::<(&[u8],), ()>("set-body", |state, (body,)| {
            state.replace_request_body(Bytes::copy_from_slice(body));
            Ok(())
        });
}

pub fn add_response(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(), u16>("status", |state, ()| {
            Ok(host::response::status(&state.exchange))
        })
        .function::<(u16,), Edited>("set-status", |state, (status,)| {
            Ok(host::response::set_status(&mut state.exchange, status).map_err(field_error))
        })
        .function::<(Name,), Option<Vec<u8>>>("field", |state, (name,)| {
            Ok(fields::get(&state.exchange.response.fields, name))
        })
        .function::<(Name,), Vec<Vec<u8>>>("field-values", |state, (name,)| {
            Ok(fields::get_all(&state.exchange.response.fields, name))
        })
        .function::<(), Vec<(String, Vec<u8>)>>("fields", |state, ()| {
            Ok(fields::list(&state.exchange.response.fields))
        })
        .function::<(Name, &[u8]), Edited>("set-field", |state, (name, value)| {
            Ok(state
                .response_fields()
                .set(name, value)
                .map_err(field_error))
        })
        .function::<(Vec<Field>,), Edited>("set-fields", |state, (list,)| {
            Ok(state.response_fields().set_all(&list).map_err(field_error))
        })
        .function::<(Name, &[u8]), Edited>("append-field", |state, (name, value)| {
            Ok(state
                .response_fields()
                .append(name, value)
                .map_err(field_error))
        })
        .function::<(Name,), Edited>("delete-field", |state, (name,)| {
            Ok(state.response_fields().delete(name).map_err(field_error))
        })
        .waiting::<(), Result<Vec<u8>, BodyError>>("body", |state, ()| {
            Box::pin(async { Ok(state.read_response_body().await.map_err(body_error)) })
        })
        .function::<(&[u8],), ()>("set-body", |state, (body,)| {
            state.replace_response_body(Bytes::copy_from_slice(body));
            Ok(())
        });
}

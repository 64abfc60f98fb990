//! The host in a native build: every function goes to the exchange that is in hand on this thread.

#[path = "native/metrics.rs"]
mod metrics;
#[path = "native/services.rs"]
mod services;
#[path = "native/websocket.rs"]
mod websocket;

use std::time::Duration;

use super::Side;
use crate::field::Field;
use crate::in_hand::{self, Message, with};
use crate::{BodyError, FieldError, Level};

pub(crate) use metrics::*;
pub(crate) use services::*;
pub(crate) use websocket::*;

pub(crate) fn method() -> String {
    with(|state| state.method.clone())
}

pub(crate) fn set_method(method: &str) -> Result<(), FieldError> {
    with(|state| state.set_method(method))
}

pub(crate) fn scheme() -> String {
    with(|state| state.scheme.clone())
}

pub(crate) fn authority() -> String {
    let host = field(Side::Request, "host").unwrap_or_default();
    String::from_utf8_lossy(&host).into_owned()
}

pub(crate) fn set_authority(authority: &str) -> Result<(), FieldError> {
    set_field(Side::Request, "host", authority.as_bytes())
}

pub(crate) fn target() -> String {
    with(|state| state.target.clone())
}

pub(crate) fn set_target(target: &str) -> Result<(), FieldError> {
    with(|state| state.set_target(target))
}

pub(crate) fn status() -> u16 {
    with(|state| state.status)
}

pub(crate) fn set_status(status: u16) -> Result<(), FieldError> {
    with(|state| state.set_status(status))
}

pub(crate) fn field(side: Side, name: &str) -> Option<Vec<u8>> {
    field_values(side, name).into_iter().next()
}

pub(crate) fn field_values(side: Side, name: &str) -> Vec<Vec<u8>> {
    message(side, |message| message.values(name))
}

pub(crate) fn fields(side: Side) -> Vec<Field> {
    message(side, |message| message.fields.clone())
}

pub(crate) fn set_field(side: Side, name: &str, value: &[u8]) -> Result<(), FieldError> {
    set_fields(side, &[(name.to_owned(), value.to_vec())])
}

pub(crate) fn set_fields(side: Side, fields: &[Field]) -> Result<(), FieldError> {
    message(side, |message| message.set(fields))
}

pub(crate) fn append_field(side: Side, name: &str, value: &[u8]) -> Result<(), FieldError> {
    message(side, |message| message.append(name, value))
}

pub(crate) fn delete_field(side: Side, name: &str) -> Result<(), FieldError> {
    message(side, |message| message.delete(name))
}

pub(crate) fn body(side: Side) -> Result<Vec<u8>, BodyError> {
    message(side, Message::read)
}

pub(crate) fn set_body(side: Side, body: &[u8]) {
    message(side, |message| message.write(body));
}

pub(crate) fn emit(data: &[u8]) {
    with(|state| state.emitted.push(data.to_vec()));
}

pub(crate) fn id() -> String {
    with(|state| state.id.clone())
}

pub(crate) fn client_address() -> String {
    with(|state| state.client_address.clone())
}

pub(crate) fn note(key: &str) -> Option<Vec<u8>> {
    with(|state| state.notes.get(key).cloned())
}

pub(crate) fn set_note(key: &str, value: &[u8]) {
    with(|state| state.notes.insert(key.to_owned(), value.to_vec()));
}

pub(crate) fn settings() -> Result<Vec<(String, String)>, String> {
    Ok(with(|state| state.settings.clone()))
}

pub(crate) fn log(level: Level, _context: &str, message: &str) {
    with(|state| state.log.push((level, message.to_owned())));
}

pub(crate) fn sleep(ms: u64) {
    with(|state| state.slept += Duration::from_millis(ms));
}

pub(crate) fn random() -> u64 {
    with(in_hand::State::random)
}

/// Since 1970.
pub(crate) fn now() -> Duration {
    with(|state| state.now)
}

fn message<T>(side: Side, act: impl FnOnce(&mut Message) -> T) -> T {
    with(|state| {
        act(match side {
            Side::Request => &mut state.request,
            Side::Response => &mut state.response,
        })
    })
}

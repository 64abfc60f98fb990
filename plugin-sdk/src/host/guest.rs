//! The host as a plugin sees it: the contract's imports, one call each, with the generated error types turned into ours.

#[path = "guest/services.rs"]
mod services;
#[path = "guest/websocket.rs"]
mod websocket;

pub(crate) use crate::bindings::metrics::tollgate::proxy::metrics::{
    add as add_metric, describe as describe_metric, observe as observe_metric, set as set_metric,
};

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::Side;
use crate::bindings::tollgate::proxy::{body_sink, exchange, request, response, timer, types};
use crate::bindings::wasi::clocks::wall_clock;
use crate::bindings::wasi::config::store;
use crate::bindings::wasi::logging::logging;
use crate::bindings::wasi::random::random as wasi_random;
use crate::field::Field;
use crate::{BodyError, FieldError, Level};

pub(crate) use services::*;
pub(crate) use websocket::*;

pub(crate) use exchange::{client_address, id, note, set_note};
pub(crate) use request::{authority, method, scheme, target};
pub(crate) use response::status;
pub(crate) use timer::sleep;

pub(crate) fn set_method(method: &str) -> Result<(), FieldError> {
    Ok(request::set_method(method)?)
}

pub(crate) fn set_authority(authority: &str) -> Result<(), FieldError> {
    Ok(request::set_authority(authority)?)
}

pub(crate) fn set_target(target: &str) -> Result<(), FieldError> {
    Ok(request::set_target(target)?)
}

pub(crate) fn set_status(status: u16) -> Result<(), FieldError> {
    Ok(response::set_status(status)?)
}

pub(crate) fn field(side: Side, name: &str) -> Option<Vec<u8>> {
    match side {
        Side::Request => request::field(name),
        Side::Response => response::field(name),
    }
}

pub(crate) fn field_values(side: Side, name: &str) -> Vec<Vec<u8>> {
    match side {
        Side::Request => request::field_values(name),
        Side::Response => response::field_values(name),
    }
}

pub(crate) fn fields(side: Side) -> Vec<Field> {
    match side {
        Side::Request => request::fields(),
        Side::Response => response::fields(),
    }
}

pub(crate) fn set_field(side: Side, name: &str, value: &[u8]) -> Result<(), FieldError> {
    Ok(match side {
        Side::Request => request::set_field(name, value),
        Side::Response => response::set_field(name, value),
    }?)
}

pub(crate) fn set_fields(side: Side, fields: &[Field]) -> Result<(), FieldError> {
    Ok(match side {
        Side::Request => request::set_fields(fields),
        Side::Response => response::set_fields(fields),
    }?)
}

pub(crate) fn append_field(side: Side, name: &str, value: &[u8]) -> Result<(), FieldError> {
    Ok(match side {
        Side::Request => request::append_field(name, value),
        Side::Response => response::append_field(name, value),
    }?)
}

pub(crate) fn delete_field(side: Side, name: &str) -> Result<(), FieldError> {
    Ok(match side {
        Side::Request => request::delete_field(name),
        Side::Response => response::delete_field(name),
    }?)
}

pub(crate) fn body(side: Side) -> Result<Vec<u8>, BodyError> {
    Ok(match side {
        Side::Request => request::body(),
        Side::Response => response::body(),
    }?)
}

pub(crate) fn set_body(side: Side, body: &[u8]) {
    match side {
        Side::Request => request::set_body(body),
        Side::Response => response::set_body(body),
    }
}

/// Sends bytes of the body in hand on.
pub(crate) fn emit(data: &[u8]) {
    body_sink::emit(data);
}

/// The plugin's settings; the error is the host's text.
pub(crate) fn settings() -> Result<Vec<(String, String)>, String> {
    store::get_all().map_err(|error| match error {
        store::Error::Upstream(text) | store::Error::Io(text) => text,
    })
}

pub(crate) fn log(level: Level, context: &str, message: &str) {
    let level = match level {
        Level::Trace => logging::Level::Trace,
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warn,
        Level::Error => logging::Level::Error,
    };
    logging::log(level, context, message);
}

/// The last critical line of a call that traps is why it trapped: the host tells it with the trap.
pub(crate) fn log_critical(message: &str) {
    logging::log(logging::Level::Critical, "", message);
}

pub(crate) fn random() -> u64 {
    wasi_random::get_random_u64()
}

/// Since 1970.
pub(crate) fn now() -> Duration {
    let now = wall_clock::now();
    Duration::new(now.seconds, now.nanoseconds)
}

impl From<types::FieldError> for FieldError {
    fn from(error: types::FieldError) -> Self {
        match error {
            types::FieldError::InvalidName(name) => Self::InvalidName(name),
            types::FieldError::InvalidValue(what) => Self::InvalidValue(what),
            types::FieldError::OwnedByHost(name) => Self::OwnedByHost(name),
            types::FieldError::TooMany => Self::TooMany,
        }
    }
}

impl From<types::BodyError> for BodyError {
    fn from(error: types::BodyError) -> Self {
        match error {
            types::BodyError::TooLarge(limit) => Self::TooLarge(limit),
            types::BodyError::TimedOut => Self::TimedOut,
            types::BodyError::Disconnected(what) => Self::Disconnected(what),
            types::BodyError::AlreadyStreamed => Self::AlreadyStreamed,
        }
    }
}

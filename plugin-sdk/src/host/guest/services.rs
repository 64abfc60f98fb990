//! State and outbound requests: the contract's imports with our types.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::bindings::tollgate::proxy::{backends, client, state};
use crate::error::{BackendError, StateError};
use crate::outbound::{IncomingResponse, OutgoingRequest, SendError};

pub(crate) use backends::backend;

pub(crate) fn set_backend(name: &str) -> Result<(), BackendError> {
    backends::set_backend(name).map_err(|error| match error {
        backends::BackendError::Denied(why) => BackendError::Denied(why),
        backends::BackendError::Unknown(why) => BackendError::Unknown(why),
        backends::BackendError::TooLate => BackendError::TooLate,
    })
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, StateError> {
    Ok(state::get(key)?)
}

pub(crate) fn state_set(key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), StateError> {
    Ok(state::set(key, value, ttl)?)
}

pub(crate) fn state_delete(key: &str) -> Result<bool, StateError> {
    Ok(state::delete(key)?)
}

pub(crate) fn state_increment(key: &str, by: i64, ttl: Option<u64>) -> Result<i64, StateError> {
    Ok(state::increment(key, by, ttl)?)
}

pub(crate) fn state_swap(
    key: &str,
    expected: Option<&[u8]>,
    new: Option<&[u8]>,
    ttl: Option<u64>,
) -> Result<bool, StateError> {
    Ok(state::compare_and_swap(key, expected, new, ttl)?)
}

pub(crate) fn state_keys(
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, StateError> {
    let after = after.map(ToString::to_string);
    Ok(state::keys(prefix, after.as_deref(), limit)?)
}

pub(crate) fn send(request: OutgoingRequest) -> Result<IncomingResponse, SendError> {
    received(client::send(&given(request)))
}

pub(crate) fn send_all(requests: Vec<OutgoingRequest>) -> Vec<Result<IncomingResponse, SendError>> {
    let requests: Vec<_> = requests.into_iter().map(given).collect();
    client::send_all(&requests)
        .into_iter()
        .map(received)
        .collect()
}

fn given(request: OutgoingRequest) -> client::OutgoingRequest {
    client::OutgoingRequest {
        method: request.method,
        uri: request.uri,
        fields: request.fields,
        body: request.body,
        timeout_ms: request
            .timeout
            .map(|timeout| u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)),
    }
}

fn received(
    result: Result<client::IncomingResponse, client::SendError>,
) -> Result<IncomingResponse, SendError> {
    use client::SendError as Wit;
    match result {
        Ok(response) => Ok(IncomingResponse {
            status: response.status,
            fields: response.fields,
            body: response.body,
            trailers: response.trailers,
        }),
        Err(error) => Err(match error {
            Wit::Denied(why) => SendError::Denied(why),
            Wit::InvalidRequest(why) => SendError::InvalidRequest(why),
            Wit::Unresolved(why) => SendError::Unresolved(why),
            Wit::Unreachable(why) => SendError::Unreachable(why),
            Wit::Tls(why) => SendError::Tls(why),
            Wit::TimedOut(why) => SendError::TimedOut(why),
            Wit::TooLarge(why) => SendError::TooLarge(why),
            Wit::Protocol(why) => SendError::Protocol(why),
            Wit::TooMany(why) => SendError::TooMany(why),
        }),
    }
}

impl From<state::StateError> for StateError {
    fn from(error: state::StateError) -> Self {
        match error {
            state::StateError::TooLarge(why) => Self::TooLarge(why),
            state::StateError::Full(why) => Self::Full(why),
            state::StateError::NotANumber(why) => Self::NotANumber(why),
            state::StateError::TimedOut(why) => Self::TimedOut(why),
            state::StateError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

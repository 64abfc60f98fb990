//! State and outbound requests in a native build: a map, and canned answers.

use std::time::Duration;

use crate::error::{BackendError, StateError};
use crate::in_hand::{Kept, with};
use crate::outbound::{IncomingResponse, OutgoingRequest, SendError};

pub(crate) fn backend() -> String {
    with(|state| state.backend.clone())
}

pub(crate) fn set_backend(name: &str) -> Result<(), BackendError> {
    with(|state| {
        if !state.may_choose {
            return Err(BackendError::TooLate);
        }
        if !state.backends.iter().any(|granted| granted == name) {
            let why = format!("the test has no backend {name:?}: add it with backends()");
            return Err(BackendError::Denied(why));
        }
        state.backend = name.to_owned();
        Ok(())
    })
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, StateError> {
    Ok(with(|state| state.kept(key).map(|kept| kept.value.clone())))
}

pub(crate) fn state_set(key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), StateError> {
    with(|state| {
        let until = ttl.map(|ttl| state.now + Duration::from_millis(ttl));
        let value = value.to_vec();
        state.kept.insert(key.to_owned(), Kept { value, until });
    });
    Ok(())
}

pub(crate) fn state_delete(key: &str) -> Result<bool, StateError> {
    Ok(with(|state| {
        let was_there = state.kept(key).is_some();
        state.kept.remove(key);
        was_there
    }))
}

pub(crate) fn state_increment(key: &str, by: i64, ttl: Option<u64>) -> Result<i64, StateError> {
    let wrong = |why: &str| StateError::NotANumber(format!("the value of {key:?} {why}"));
    let (before, until) = with(|state| match state.kept(key) {
        None => (
            Some(0),
            ttl.map(|ttl| state.now + Duration::from_millis(ttl)),
        ),
        Some(kept) => {
            let text = std::str::from_utf8(&kept.value).ok();
            (text.and_then(|text| text.parse().ok()), kept.until)
        }
    });
    let before: i64 = before.ok_or_else(|| wrong("is not a whole number of 64 bits"))?;
    let sum = before
        .checked_add(by)
        .ok_or_else(|| wrong("would not fit into 64 bits"))?;
    let value = sum.to_string().into_bytes();
    with(|state| state.kept.insert(key.to_owned(), Kept { value, until }));
    Ok(sum)
}

pub(crate) fn state_swap(
    key: &str,
    expected: Option<&[u8]>,
    new: Option<&[u8]>,
    ttl: Option<u64>,
) -> Result<bool, StateError> {
    if state_get(key)?.as_deref() != expected {
        return Ok(false);
    }
    match new {
        Some(new) => state_set(key, new, ttl)?,
        None => drop(state_delete(key)?),
    }
    Ok(true)
}

pub(crate) fn state_keys(
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>, StateError> {
    Ok(with(|state| {
        let keys = state.kept.keys().filter(|key| state.kept(key).is_some());
        let keys = keys.filter(|key| key.starts_with(prefix));
        let keys = keys.filter(|key| after.is_none_or(|after| key.as_str() > after));
        keys.take(limit.min(1000) as usize).cloned().collect()
    }))
}

pub(crate) fn send(request: OutgoingRequest) -> Result<IncomingResponse, SendError> {
    with(|state| {
        let answer = state.answers.iter().find(|(uri, _)| *uri == request.uri);
        let answer = answer.map(|(_, answer)| answer.clone());
        let denied = || {
            let why = format!(
                "the test has no answer for {}: add it with outbound()",
                request.uri
            );
            Err(SendError::Denied(why))
        };
        let answer = answer.unwrap_or_else(denied);
        state.asked.push(request);
        answer
    })
}

pub(crate) fn send_all(requests: Vec<OutgoingRequest>) -> Vec<Result<IncomingResponse, SendError>> {
    requests.into_iter().map(send).collect()
}

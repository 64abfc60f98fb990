//! Generated types ↔ our own: the only file that sees both.

use super::bindings::exports::tollgate::proxy::interceptor as generated;
use super::bindings::tollgate::proxy::types;
use crate::interceptor::Verdict;
use crate::message::BodyError;

/// What a plugin is told about a body that it can't have.
pub fn body_error(error: &BodyError) -> types::BodyError {
    match error {
        BodyError::TooLarge { limit } => types::BodyError::TooLarge(*limit),
        BodyError::TimedOut { .. } => types::BodyError::TimedOut,
        BodyError::Disconnected(why) => types::BodyError::Disconnected(why.clone()),
        BodyError::AlreadyStreamed => types::BodyError::AlreadyStreamed,
    }
}

/// What a plugin decided.
pub fn verdict(verdict: generated::Verdict) -> Verdict {
    match verdict {
        generated::Verdict::Forward => Verdict::Forward,
        generated::Verdict::Respond => Verdict::Respond,
    }
}

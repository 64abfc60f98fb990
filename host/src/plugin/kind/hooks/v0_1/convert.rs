//! Generated types ↔ our own.

use super::bindings::exports::tollgate::proxy::interceptor as generated;
use super::bindings::tollgate::proxy::types;
use crate::interceptor::Verdict;
use crate::message::BodyError;
use crate::message::pieces::Unit;
use crate::plugin::host::FieldError;
use crate::plugin::kind::hooks::contract::{BodyWish, Fate};

/// What a plugin is told about a body that it can't have.
pub fn body_error(error: BodyError) -> types::BodyError {
    match error {
        BodyError::TooLarge { limit } => types::BodyError::TooLarge(limit),
        BodyError::TimedOut { .. } => types::BodyError::TimedOut,
        BodyError::Disconnected(why) => types::BodyError::Disconnected(why),
        BodyError::Rewriting(_) => types::BodyError::Disconnected(error.to_string()),
        BodyError::AlreadyStreamed => types::BodyError::AlreadyStreamed,
    }
}

/// What a plugin is told about a change that was refused.
pub fn field_error(error: FieldError) -> types::FieldError {
    match error {
        FieldError::InvalidName(name) => types::FieldError::InvalidName(name),
        FieldError::InvalidValue(why) => types::FieldError::InvalidValue(why),
        FieldError::OwnedByHost(name) => types::FieldError::OwnedByHost(name),
        FieldError::TooMany => types::FieldError::TooMany,
    }
}

/// What a plugin decided.
pub fn verdict(verdict: generated::Verdict) -> Verdict {
    match verdict {
        generated::Verdict::Forward => Verdict::Forward,
        generated::Verdict::Respond => Verdict::Respond,
    }
}

/// How a plugin wants to get a body.
pub fn body_wish(wish: types::BodyWish) -> BodyWish {
    BodyWish {
        unit: match wish.unit {
            types::Unit::Bytes => Unit::Bytes,
            types::Unit::Text => Unit::Text,
            types::Unit::Lines => Unit::Lines,
            types::Unit::Events => Unit::Events,
            types::Unit::Messages => Unit::Messages,
        },
        decoded: wish.decoded,
    }
}

/// What becomes of a piece.
pub fn fate(fate: types::Fate) -> Fate {
    match fate {
        types::Fate::Keep => Fate::Keep,
        types::Fate::Replace => Fate::Replace,
        types::Fate::Stop => Fate::Stop,
    }
}

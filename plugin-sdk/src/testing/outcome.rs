//! What a run left behind, for a test to look at.

use std::collections::BTreeMap;
use std::time::Duration;

use super::checked::checked;
use crate::Level;
use crate::field::Field;
use crate::in_hand::{Body, Recorded, State};
use crate::outbound::OutgoingRequest;

/// What became of the exchange.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The request as the plugin left it: what the backend saw, if it was asked.
    pub request: RequestSeen,
    /// The response as the client sees it, unless `error` is set.
    pub response: ResponseSeen,
    /// What an error answer of the host would get: see [`set_error_fields`](crate::exchange::set_error_fields).
    pub error_fields: Vec<Field>,
    /// Whether the backend was asked; false if the plugin answered or failed before.
    pub reached_backend: bool,
    /// Why a hook failed. In the proxy, the plugin's `on-failure` would now decide what the client gets.
    pub error: Option<String>,
    /// Lines for the host's log.
    pub log: Vec<(Level, String)>,
    /// Notes by key.
    pub notes: BTreeMap<String, Vec<u8>>,
    /// The plugin's state by key, without what has expired.
    pub state: BTreeMap<String, Vec<u8>>,
    /// The outbound requests that the plugin sent.
    pub outbound: Vec<OutgoingRequest>,
    /// What the plugin counted and measured.
    pub metrics: Recorded,
    /// How long the plugin asked to wait; no time passes in a test.
    pub slept: Duration,
}

/// A request at the end of `forward_request`.
#[derive(Clone, Debug, Default)]
pub struct RequestSeen {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The name of the backend that it is sent to.
    pub backend: String,
    /// All fields in their order, names in lower case.
    pub fields: Vec<Field>,
    /// What is sent on.
    pub body: Vec<u8>,
    /// Whether the plugin read or set the body; one that it didn't streams past it.
    pub body_wanted: bool,
}

/// A response at the end of `return_response`.
#[derive(Clone, Debug, Default)]
pub struct ResponseSeen {
    /// The status.
    pub status: u16,
    /// All fields in their order, names in lower case.
    pub fields: Vec<Field>,
    /// What is sent on.
    pub body: Vec<u8>,
    /// Whether the plugin read or set the body; one that it didn't streams past it.
    pub body_wanted: bool,
}

impl Outcome {
    pub(super) fn of(
        state: State,
        request: RequestSeen,
        reached_backend: bool,
        error: Option<String>,
    ) -> Self {
        let kept = state
            .kept
            .keys()
            .filter_map(|key| Some((key, state.kept(key)?)));
        let kept = kept
            .map(|(key, kept)| (key.clone(), kept.value.clone()))
            .collect();
        let response = ResponseSeen {
            status: state.status,
            body: state.response.body.bytes().to_vec(),
            body_wanted: state.response.body.was_wanted(),
            fields: state.response.fields,
        };
        let State {
            asked,
            metrics,
            log,
            notes,
            slept,
            error_fields,
            ..
        } = state;
        Self {
            request,
            response,
            error_fields,
            reached_backend,
            error,
            log,
            notes,
            state: kept,
            outbound: asked,
            metrics,
            slept,
        }
    }
}

impl RequestSeen {
    pub(super) fn of(state: &State) -> Self {
        let body: &Body = &state.request.body;
        Self {
            method: state.method.clone(),
            target: state.target.clone(),
            backend: state.backend.clone(),
            fields: state.request.fields.clone(),
            body: body.bytes().to_vec(),
            body_wanted: body.was_wanted(),
        }
    }
}

macro_rules! seen_methods {
    ($seen:ty) => {
        impl $seen {
            /// The first value of a field; panics if it is not UTF-8.
            pub fn field(&self, name: &str) -> Option<&str> {
                self.field_values(name).first().copied()
            }

            /// All values of a field; panics if one is not UTF-8.
            pub fn field_values(&self, name: &str) -> Vec<&str> {
                values(&self.fields, name)
            }

            /// The body as text; panics if it is not UTF-8.
            pub fn text(&self) -> &str {
                checked(std::str::from_utf8(&self.body), "body")
            }
        }
    };
}
seen_methods!(RequestSeen);
seen_methods!(ResponseSeen);

fn values<'a>(fields: &'a [Field], name: &str) -> Vec<&'a str> {
    let of_name = fields
        .iter()
        .filter(|(of, _)| of.eq_ignore_ascii_case(name));
    of_name
        .map(|(_, value)| checked(std::str::from_utf8(value), name))
        .collect()
}

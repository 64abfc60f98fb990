//! Interim responses (1xx) on their way from a backend to the client, before the final one.

use std::sync::Arc;

use http::StatusCode;

use super::Fields;

/// Told of each interim response of a backend but 101, in order; called on the exchange's own task or the connection's.
pub type OnInformational = Arc<dyn Fn(StatusCode, &Fields) + Send + Sync>;

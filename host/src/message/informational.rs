//! Interim responses (1xx) on their way from a backend to the client, before the final one.

use std::sync::Arc;

use super::ResponseHead;

/// Told of each interim response of a backend but 101, in order; called on the exchange's own task or the connection's.
pub type OnInformational = Arc<dyn Fn(&ResponseHead) + Send + Sync>;

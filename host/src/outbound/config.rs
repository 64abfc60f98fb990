//! The limits of outbound calls: one set for the process. The list of what a plugin may reach is [`Allow`](super::Allow).

use std::path::PathBuf;
use std::time::Duration;

/// Settings of all outbound calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundConfig {
    /// Of a whole call, from its begin to the last byte of the response. Of a call that streams: up to the response's head
    /// while the request makes no progress, and for each wait in the response's body. A caller can only shorten it.
    pub timeout: Duration,
    /// To look the name up, connect and shake hands.
    pub connect_timeout: Duration,
    /// How long a connection may stay open without a call.
    pub idle: Duration,
    /// Connections without a call that are kept for one plugin and one destination.
    pub max_idle: usize,
    /// Bytes of a request's target and fields together, and of a response's head. 8 KiB at least.
    pub max_head: usize,
    /// Fields of a response's head.
    pub max_fields: usize,
    /// Bytes of a request's body.
    pub max_request: u64,
    /// Bytes of a whole response's body. Of one that streams the caller says the limit.
    pub max_response: u64,
    /// Calls that one exchange may cause.
    pub max_calls: usize,
    /// Calls of one plugin under way.
    pub max_at_once_of_plugin: usize,
    /// Calls of all plugins under way.
    pub max_at_once: usize,
    /// PEM files of certificate authorities that are trusted beside the system's.
    pub ca: Vec<PathBuf>,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            idle: Duration::from_secs(30),
            max_idle: 16,
            max_head: 64 << 10,
            max_fields: 100,
            max_request: 16 << 20,
            max_response: 16 << 20,
            max_calls: 50,
            max_at_once_of_plugin: 64,
            max_at_once: 512,
            ca: Vec::new(),
        }
    }
}

/// The limits in time that a streaming call may set for itself, within [`OutboundConfig`]'s. None is the configuration's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallTimes {
    /// Up to the head of the response, while the request's body makes no progress.
    pub head: Option<Duration>,
    /// For each wait in the body of the response.
    pub gap: Option<Duration>,
}

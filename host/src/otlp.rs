//! Traces for a collector, by OTLP over HTTP: a span for each exchange, and below it one for each hook of a plugin, for the
//! backend, and for each outbound call.
//!
//! Exchanges leave their spans in a bounded queue and never wait. One task sends them in batches; what doesn't fit, or what the
//! collector doesn't take, is lost and counted.

mod client;
mod config;
mod exporter;
mod observer;
mod spans;

pub use config::{OtlpConfig, traces_url};
pub use exporter::{OtlpError, SpanSender, start};
pub use observer::SpanObserver;

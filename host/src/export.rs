//! What `/metrics` answers: everything that is counted, as OpenMetrics text.
//!
//! Exchanges are counted by an [`Observer`](crate::message::trace::Observer) ([`ExchangeMetrics`]), plugins where they run
//! ([`PluginCounters`](crate::metrics::PluginCounters)); what is known elsewhere is asked for when somebody reads ([`HostState`]).
//! Names begin with `tollgate_`; those that plugins choose with `tollgate_plugin_`, which none of the host's own do. Labels have
//! values of the configuration only: routes, backends, plugins.

mod exchanges;
mod exposition;
mod families;
mod plugins;
mod state;

pub use exchanges::ExchangeMetrics;
pub use exposition::{CONTENT_TYPE, Exporter};
pub use state::{ConfigReloads, ConnectionsOf, ConnectionsTo, HostState, ServingVersion};

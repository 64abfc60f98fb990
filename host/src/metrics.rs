//! Metrics that plugins count and measure: a registry for the life of the process, from which a reader takes snapshots.
//!
//! A plugin has the same series whatever version of it serves. What one may record is bounded, and who records wrongly is told why;
//! nothing fails for it. The rules of names are those of OpenMetrics, so that all plugins together can be written as one exposition:
//! families of the same name have the same kind, and no two families give samples of the same name. What the host itself counts of a
//! plugin is kept beside them ([`PluginCounters`]).

mod counters;
mod durations;
mod limits;
mod names;
mod refusal;
mod registry;
mod series;
mod snapshot;

pub use counters::{CompiledBy, FailureCause, LoadResult, PluginCounters};
pub use durations::{CountedDurations, Durations};
pub use refusal::MetricRefusal;
pub use registry::{Metrics, PluginMetrics};
pub use snapshot::{MetricFamily, MetricKind, MetricSeries, MetricValue};

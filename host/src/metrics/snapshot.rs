//! What a reader gets: the state of all metrics at one moment.

use std::fmt;

/// What a metric is; a name keeps the kind of its first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// All series of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFamily {
    /// As plugins wrote it, without the host's prefix; of a counter without `_total`.
    pub name: String,
    pub kind: MetricKind,
    /// That of the first plugin by name that described it.
    pub help: Option<String>,
    /// By plugin, then by labels. Never empty.
    pub series: Vec<MetricSeries>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSeries {
    pub plugin: String,
    /// By name. No value is empty, and none of the names is `plugin` or `le`.
    pub labels: Vec<(String, String)>,
    pub value: MetricValue,
}

/// The value of a series. All numbers are finite.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    Counter(f64),
    Gauge(f64),
    Histogram {
        /// Of all observations.
        sum: f64,
        /// Upper bounds, ascending, each with the observations in its own bucket alone (not cumulative). The last bound is
        /// [`f64::INFINITY`].
        buckets: Vec<(f64, u64)>,
    },
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        })
    }
}

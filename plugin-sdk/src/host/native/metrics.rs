//! Metrics in a native build: kept for the test to look at, by the host's rules for names and kinds.

use crate::Level;
use crate::in_hand::{MetricKind, State, with};

pub(crate) fn describe_metric(name: &str, _help: &str, bounds: &[f64]) {
    with(|state| {
        let ascend =
            bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|a, b| a < b);
        if !ascend || bounds.len() > 64 {
            refuse(
                state,
                name,
                "the bounds of buckets must be at most 64 finite numbers in ascending order",
            );
        }
    });
}

pub(crate) fn add_metric(name: &str, by: f64, labels: &[(&str, &str)]) {
    let name = name.strip_suffix("_total").unwrap_or(name);
    record(MetricKind::Counter, name, by, labels);
}

pub(crate) fn set_metric(name: &str, value: f64, labels: &[(&str, &str)]) {
    record(MetricKind::Gauge, name, value, labels);
}

pub(crate) fn observe_metric(name: &str, value: f64, labels: &[(&str, &str)]) {
    record(MetricKind::Histogram, name, value, labels);
}

fn record(kind: MetricKind, name: &str, value: f64, labels: &[(&str, &str)]) {
    with(|state| {
        if let Err(why) = state.metrics.record(kind, name, value, labels) {
            refuse(state, name, &why);
        }
    });
}

/// As the host does it: a line in the log, and nothing recorded.
fn refuse(state: &mut State, name: &str, why: &str) {
    let line = format!("nothing was recorded for the metric {name:?}: {why}");
    if !state.log.iter().any(|(_, said)| *said == line) {
        state.log.push((Level::Warn, line));
    }
}

//! What a plugin has counted and measured in a test.

use std::collections::BTreeMap;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// Metrics that a plugin recorded; see [`metrics`](crate::metrics). Labels may be given in any order.
#[derive(Clone, Debug, Default)]
pub struct Recorded(BTreeMap<String, Metric>);

#[derive(Clone, Debug)]
struct Metric {
    kind: MetricKind,
    series: BTreeMap<Vec<(String, String)>, Vec<f64>>,
}

impl Recorded {
    /// What a counter has come to; 0 if nothing was added.
    pub fn counter(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let values = self.values(MetricKind::Counter, name, labels);
        values.iter().sum()
    }

    /// What a gauge was set to last; `None` if it was not set.
    pub fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let values = self.values(MetricKind::Gauge, name, labels);
        values.last().copied()
    }

    /// What was observed in a histogram, in that order.
    pub fn observed(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        self.values(MetricKind::Histogram, name, labels).to_vec()
    }

    fn values(&self, kind: MetricKind, name: &str, labels: &[(&str, &str)]) -> &[f64] {
        let metric = self.0.get(name).filter(|metric| metric.kind == kind);
        let series = metric.and_then(|metric| metric.series.get(&sorted(labels)));
        series.map_or(&[], Vec::as_slice)
    }

    pub(crate) fn record(
        &mut self,
        kind: MetricKind,
        name: &str,
        value: f64,
        labels: &[(&str, &str)],
    ) -> Result<(), String> {
        check(kind, name, value, labels)?;
        let new = || Metric {
            kind,
            series: BTreeMap::new(),
        };
        let metric = self.0.entry(name.to_owned()).or_insert_with(new);
        if metric.kind != kind {
            return Err("it was used as another kind of metric before".to_owned());
        }
        metric.series.entry(sorted(labels)).or_default().push(value);
        Ok(())
    }
}

/// The host's rules, but for how many there may be.
fn check(kind: MetricKind, name: &str, value: f64, labels: &[(&str, &str)]) -> Result<(), String> {
    if !is_name(name) || name.ends_with("_total") {
        return Err(
            "a metric's name has 1 to 100 lower-case letters, digits and `_`, and begins with a letter; `_total` is for counters".to_owned(),
        );
    }
    if !value.is_finite() || (kind == MetricKind::Counter && value < 0.0) {
        return Err(
            "a value must be finite, and what is added to a counter not negative".to_owned(),
        );
    }
    if labels.len() > 16 {
        return Err("it has more than 16 labels".to_owned());
    }
    for (at, (name, value)) in labels.iter().enumerate() {
        let is_twice = labels[..at].iter().any(|(before, _)| before == name);
        if !is_name(name) || ["plugin", "le"].contains(name) || is_twice || value.len() > 256 {
            return Err(format!(
                "the label {name:?} is not a name, is the host's, is there twice, or its value has more than 256 bytes"
            ));
        }
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    let shaped = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(shaped)
}

/// By name, without those that have no value.
fn sorted(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    let labels = labels.iter().filter(|(_, value)| !value.is_empty());
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut labels: Vec<_> = labels.map(owned).collect();
    labels.sort();
    labels
}

#[cfg(test)]
mod tests {
    use crate::metrics::{self, Counter, Gauge, Histogram};
    use crate::{Plugin, Request, Result, Verdict, testing};

    const HITS: Counter<'_> = metrics::counter("hits_total");
    const LEVEL: Gauge<'_> = metrics::gauge("level");
    const SECONDS: Histogram<'_> = metrics::histogram("seconds");

    #[derive(serde::Deserialize)]
    struct Measures;

    impl Plugin for Measures {
        fn start(&self) -> Result<()> {
            SECONDS.describe_with_buckets("How long.", &[0.1, 1.0]);
            SECONDS.describe_with_buckets("How long.", &[1.0, 0.1]);
            HITS.describe("How many.");
            Ok(())
        }

        fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
            HITS.add(1, &[]);
            HITS.add(1.5, &[("b", "x"), ("a", "y"), ("c", "")]);
            metrics::counter("hits").add(1, &[("a", "y"), ("b", "x")]);
            LEVEL.set(4, &[]);
            LEVEL.set(-2.5, &[]);
            SECONDS.observe(0.5, &[]);
            SECONDS.observe(0.25, &[]);
            // All of these are refused.
            HITS.add(-1, &[]);
            HITS.add(f64::NAN, &[]);
            metrics::gauge("hits").set(1, &[]);
            metrics::gauge("Level").set(1, &[]);
            metrics::gauge("Level").set(1, &[]);
            LEVEL.set(9, &[("le", "x")]);
            Ok(Verdict::Forward)
        }
    }

    #[test]
    fn a_test_sees_what_was_recorded_and_why_other_things_were_not() {
        let outcome = testing::exchange().run::<Measures>();
        assert_eq!(outcome.error, None);
        let recorded = &outcome.metrics;
        assert_eq!(recorded.counter("hits", &[]), 1.0);
        assert_eq!(recorded.counter("hits", &[("b", "x"), ("a", "y")]), 2.5);
        assert_eq!(recorded.gauge("level", &[]), Some(-2.5));
        assert_eq!(recorded.gauge("hits", &[]), None);
        assert_eq!(recorded.gauge("level", &[("le", "x")]), None);
        assert_eq!(recorded.observed("seconds", &[]), [0.5, 0.25]);
        let warned: Vec<_> = outcome.log.iter().map(|(_, line)| line.as_str()).collect();
        let about = [
            "\"seconds\": the bounds",
            "\"hits\": a value",
            "\"hits\": it was",
            "\"Level\": a metric's",
            "\"level\": the label",
        ];
        assert_eq!(warned.len(), about.len(), "{warned:?}");
        for (line, about) in warned.iter().zip(about) {
            assert!(line.contains(about), "{line}");
        }
    }
}

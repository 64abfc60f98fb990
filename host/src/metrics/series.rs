//! One series: its value, which many threads change at the same time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::refusal::MetricRefusal;
use super::snapshot::{MetricKind, MetricValue};

/// A series and what it belongs to.
#[derive(Debug)]
pub struct Series {
    pub metric: Arc<str>,
    pub labels: Box<[(String, String)]>,
    value: Cell,
}

/// A value of its kind. No change is lost, and a reader sees none by halves.
#[derive(Debug)]
enum Cell {
    Counter(Number),
    Gauge(Number),
    Histogram {
        bounds: Arc<[f64]>,
        observed: Mutex<Observed>,
    },
}

/// The bits of a float.
#[derive(Debug)]
struct Number(AtomicU64);

#[derive(Debug)]
struct Observed {
    sum: f64,
    /// For each bound, and for what is above the last.
    counts: Box<[u64]>,
}

impl Series {
    /// With nothing recorded. `bounds` are those of a histogram.
    pub fn new(
        kind: MetricKind,
        metric: Arc<str>,
        labels: Box<[(String, String)]>,
        bounds: &Arc<[f64]>,
    ) -> Self {
        let zero = || Number(AtomicU64::new(0f64.to_bits()));
        let value = match kind {
            MetricKind::Counter => Cell::Counter(zero()),
            MetricKind::Gauge => Cell::Gauge(zero()),
            MetricKind::Histogram => Cell::Histogram {
                bounds: bounds.clone(),
                observed: Mutex::new(Observed {
                    sum: 0.0,
                    counts: vec![0; bounds.len() + 1].into(),
                }),
            },
        };
        Self {
            metric,
            labels,
            value,
        }
    }

    pub fn kind(&self) -> MetricKind {
        match self.value {
            Cell::Counter(_) => MetricKind::Counter,
            Cell::Gauge(_) => MetricKind::Gauge,
            Cell::Histogram { .. } => MetricKind::Histogram,
        }
    }

    /// Records a finite value, as this kind of metric does it.
    ///
    /// # Errors
    /// When a sum would not be finite, or the series is of another kind.
    pub fn record(&self, kind: MetricKind, value: f64) -> Result<(), MetricRefusal> {
        match (&self.value, kind) {
            (Cell::Counter(count), MetricKind::Counter) => count.add(value),
            (Cell::Gauge(gauge), MetricKind::Gauge) => {
                gauge.0.store(value.to_bits(), Ordering::Relaxed);
                Ok(())
            }
            (Cell::Histogram { bounds, observed }, MetricKind::Histogram) => {
                let bucket = bounds.partition_point(|bound| *bound < value);
                let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
                let sum = observed.sum + value;
                if !sum.is_finite() {
                    return Err(MetricRefusal::NotFinite);
                }
                observed.sum = sum;
                observed.counts[bucket] += 1;
                Ok(())
            }
            _ => Err(MetricRefusal::OtherKind(self.kind())),
        }
    }

    pub fn value(&self) -> MetricValue {
        match &self.value {
            Cell::Counter(count) => MetricValue::Counter(count.get()),
            Cell::Gauge(gauge) => MetricValue::Gauge(gauge.get()),
            Cell::Histogram { bounds, observed } => {
                let observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
                let bounds = bounds.iter().copied().chain([f64::INFINITY]);
                MetricValue::Histogram {
                    sum: observed.sum,
                    buckets: bounds.zip(observed.counts.iter().copied()).collect(),
                }
            }
        }
    }
}

impl Number {
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn add(&self, by: f64) -> Result<(), MetricRefusal> {
        let sum = |bits| {
            let sum = f64::from_bits(bits) + by;
            sum.is_finite().then(|| sum.to_bits())
        };
        let added = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        added.map(drop).map_err(|_| MetricRefusal::NotFinite)
    }
}

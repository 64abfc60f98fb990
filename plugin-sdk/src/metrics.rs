//! What a plugin counts and measures. The host offers it to Prometheus; the plugin needs no permission.
//!
//! A metric is a constant: its name and its kind. The host adds the label `plugin`, puts `tollgate_plugin_` before each name, and adds
//! `_total` to a counter's. Labels are pairs of name and value; each combination of values is a series of its own, of which a plugin
//! can have 1,000, so don't use a path, an address or an id as a value. `wit/v0.1/metrics.wit` has all rules.
//!
//! Recording never fails: the host logs a warning for what it can't record, once for each name and reason. In the trial of a version
//! nothing is recorded.
//!
//! ```
//! use tollgate_plugin::metrics::{self, Counter, Histogram};
//! use tollgate_plugin::{Answer, Plugin, Request, Response, Result, Verdict, testing};
//!
//! const REFUSED: Counter = metrics::counter("refused");
//! const BYTES: Histogram = metrics::histogram("response_bytes");
//!
//! #[derive(serde::Deserialize)]
//! struct Guard;
//!
//! impl Plugin for Guard {
//!     fn start(&self) -> Result<()> {
//!         REFUSED.describe("Requests that were refused.");
//!         BYTES.describe_with_buckets("Sizes of responses.", &[1e3, 1e6, 1e9]);
//!         Ok(())
//!     }
//!
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         if request.field("authorization").is_none() {
//!             REFUSED.add(1, &[("reason", "no_token")]);
//!             return Ok(Answer::new(401).into());
//!         }
//!         Ok(Verdict::Forward)
//!     }
//!
//!     fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
//!         BYTES.observe(response.body()?.len() as f64, &[]);
//!         Ok(())
//!     }
//! }
//!
//! let outcome = testing::exchange().run::<Guard>();
//! assert_eq!(outcome.metrics.counter("refused", &[("reason", "no_token")]), 1.0);
//! assert_eq!(outcome.metrics.observed("response_bytes", &[]), [0.0]);
//! ```

use crate::host;

/// Something that is counted and never becomes less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counter<'a>(&'a str);

/// Something that rises and falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gauge<'a>(&'a str);

/// Something of which many values are measured: times, sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Histogram<'a>(&'a str);

/// The counter of this name.
pub const fn counter(name: &str) -> Counter<'_> {
    Counter(name)
}

/// The gauge of this name.
pub const fn gauge(name: &str) -> Gauge<'_> {
    Gauge(name)
}

/// The histogram of this name.
pub const fn histogram(name: &str) -> Histogram<'_> {
    Histogram(name)
}

impl Counter<'_> {
    /// Says what it counts, for the output. Call it in [`Plugin::start`](crate::Plugin::start).
    pub fn describe(self, help: &str) {
        host::describe_metric(self.0, help, &[]);
    }

    /// Adds a number that is not negative.
    pub fn add(self, by: impl Into<f64>, labels: &[(&str, &str)]) {
        host::add_metric(self.0, by.into(), labels);
    }
}

impl Gauge<'_> {
    /// Says what it is, for the output. Call it in [`Plugin::start`](crate::Plugin::start).
    pub fn describe(self, help: &str) {
        host::describe_metric(self.0, help, &[]);
    }

    /// Sets it.
    pub fn set(self, value: impl Into<f64>, labels: &[(&str, &str)]) {
        host::set_metric(self.0, value.into(), labels);
    }
}

impl Histogram<'_> {
    /// Says what is measured, for the output. Its buckets are the default, which suits seconds (0.005 to 10). Call it in
    /// [`Plugin::start`](crate::Plugin::start).
    pub fn describe(self, help: &str) {
        host::describe_metric(self.0, help, &[]);
    }

    /// The same with buckets of its own: their upper bounds in ascending order, at most 64.
    pub fn describe_with_buckets(self, help: &str, bounds: &[f64]) {
        host::describe_metric(self.0, help, bounds);
    }

    /// Records a value. Times are in seconds.
    pub fn observe(self, value: impl Into<f64>, labels: &[(&str, &str)]) {
        host::observe_metric(self.0, value.into(), labels);
    }
}

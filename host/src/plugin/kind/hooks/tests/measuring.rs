//! Metrics, whichever way a plugin is linked: what arrives, and that a trial records nothing.

use super::ways::{self, call_both};
use super::{CONTRACTS, Exchange, REALLOC, hosts, prepare};
use crate::config::PluginLimits;
use crate::interceptor::Verdict;
use crate::metrics::{MetricFamily, MetricValue};

/// A guest that describes a histogram, and records one of each kind; of each kind something wrong, too.
fn measuring() -> String {
    format!(
        r#"(module
  (import "tollgate:proxy/metrics@0.1.0" "describe" (func $describe (param i32 i32 i32 i32 i32 i32)))
  (import "tollgate:proxy/metrics@0.1.0" "add" (func $add (param i32 i32 f64 i32 i32)))
  (import "tollgate:proxy/metrics@0.1.0" "set" (func $set (param i32 i32 f64 i32 i32)))
  (import "tollgate:proxy/metrics@0.1.0" "observe" (func $observe (param i32 i32 f64 i32 i32)))
  {REALLOC}
  (data (i32.const 16) "hitslevelsizesbyxHow large.")
  ;; Two labels: by = "x", and x = "hits".
  (data (i32.const 64) "\1e\00\00\00\02\00\00\00\20\00\00\00\01\00\00\00")
  (data (i32.const 80) "\20\00\00\00\01\00\00\00\10\00\00\00\04\00\00\00")
  (func $start
    (f64.store (i32.const 256) (f64.const 1)) (f64.store (i32.const 264) (f64.const 10.5)))
  (start $start)
  (func (export "tollgate:proxy/interceptor@0.1.0#forward-request") (result i32)
    (call $describe (i32.const 25) (i32.const 5) (i32.const 33) (i32.const 10) (i32.const 256) (i32.const 2))
    (call $add (i32.const 16) (i32.const 4) (f64.const 1.5) (i32.const 64) (i32.const 2))
    (call $add (i32.const 16) (i32.const 4) (f64.const 2) (i32.const 0) (i32.const 0))
    (call $set (i32.const 20) (i32.const 5) (f64.const -0.25) (i32.const 64) (i32.const 1))
    (call $observe (i32.const 25) (i32.const 5) (f64.const 10.5) (i32.const 0) (i32.const 0))
    (call $observe (i32.const 25) (i32.const 5) (f64.const 11) (i32.const 0) (i32.const 0))
    (call $add (i32.const 16) (i32.const 4) (f64.const nan) (i32.const 0) (i32.const 0))
    (call $set (i32.const 16) (i32.const 4) (f64.const 1) (i32.const 0) (i32.const 0))
    (call $observe (i32.const 16) (i32.const 0) (f64.const 1) (i32.const 0) (i32.const 0))
    (i64.store (i32.const 128) (i64.const 0)) (i32.const 128))
  (func (export "tollgate:proxy/interceptor@0.1.0#return-response") (result i32)
    (i64.store (i32.const 128) (i64.const 0)) (i32.const 128)))"#
    )
}

/// A metric's name, its labels, and its value.
type Sample = (String, Vec<(String, String)>, MetricValue);

fn values(families: &[MetricFamily]) -> Vec<Sample> {
    let of_family = |family: &MetricFamily| {
        let name = family.name.clone();
        let series = family.series.clone().into_iter();
        series.map(move |series| (name.clone(), series.labels, series.value))
    };
    families.iter().flat_map(of_family).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_measures_is_recorded() {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for way in ways::all() {
        let plugin = way.plugin(&measuring(), PluginLimits::default());
        assert!(!plugin.can_wait(), "{}: it may run straight", way.name);
        for times in [1.0, 2.0] {
            let (_, forward, _) = call_both(&plugin, Exchange::blank()).await;
            assert_eq!(forward, Ok(Verdict::Forward), "{}", way.name);
            let families = way.services().metrics().snapshot();
            let count = times as u64;
            let sizes = MetricValue::Histogram {
                sum: 21.5 * times,
                buckets: vec![(1.0, 0), (10.5, count), (f64::INFINITY, count)],
            };
            let labels = vec![label("by", "x"), label("x", "hits")];
            let expected = [
                ("hits".to_owned(), vec![], MetricValue::Counter(2.0 * times)),
                (
                    "hits".to_owned(),
                    labels.clone(),
                    MetricValue::Counter(1.5 * times),
                ),
                (
                    "level".to_owned(),
                    labels[..1].to_vec(),
                    MetricValue::Gauge(-0.25),
                ),
                ("sizes".to_owned(), vec![], sizes),
            ];
            assert_eq!(values(&families), expected, "{}", way.name);
            assert_eq!(families[2].help.as_deref(), Some("How large."));
            assert!(families.iter().all(|family| family.series[0].plugin == "p"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_records_nothing() {
    for host in hosts(CONTRACTS, None) {
        let guest = prepare(&host, "p", measuring().as_bytes()).unwrap().guest;
        let metrics = host.resources.services.metrics().clone();
        assert_eq!(metrics.snapshot(), []);
        let plugin = super::hooks_of(&guest.link());
        let (_, forward, _) = call_both(&plugin, Exchange::blank()).await;
        assert_eq!(forward, Ok(Verdict::Forward));
        assert_eq!(metrics.snapshot().len(), 3);
    }
}

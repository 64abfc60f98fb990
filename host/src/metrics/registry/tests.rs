//! What is recorded, what is refused, and that nothing is lost.

use std::sync::Barrier;
use std::thread;

use super::*;
use crate::metrics::MetricValue;

/// `name{plugin,label=value} = value`, a line for each series.
fn lines(metrics: &Metrics) -> Vec<String> {
    let mut lines = Vec::new();
    for family in metrics.snapshot() {
        for series in &family.series {
            let labels: Vec<_> = series
                .labels
                .iter()
                .map(|(k, v)| format!(",{k}={v}"))
                .collect();
            let value = match &series.value {
                MetricValue::Counter(value) | MetricValue::Gauge(value) => value.to_string(),
                MetricValue::Histogram { sum, buckets } => {
                    let counts: Vec<_> = buckets.iter().filter(|(_, count)| *count > 0).collect();
                    format!("{sum} {counts:?}")
                }
            };
            let (name, plugin) = (&family.name, &series.plugin);
            lines.push(format!("{name}{{{plugin}{}}} = {value}", labels.concat()));
        }
    }
    lines
}

#[test]
fn values_are_kept_by_plugin_name_and_labels() {
    let metrics = Metrics::default();
    let (one, two) = (metrics.of_plugin("one"), metrics.of_plugin("two"));
    one.add("hits", 1.0, &[]).unwrap();
    one.add("hits_total", 2.5, &[]).unwrap();
    one.add("hits", 1.0, &[("b", "x"), ("a", "y"), ("c", "")])
        .unwrap();
    one.add("hits", 1.0, &[("a", "y"), ("b", "x")]).unwrap();
    two.add("hits", 7.0, &[]).unwrap();
    two.set("level", 3.0, &[]).unwrap();
    two.set("level", -1.0, &[]).unwrap();
    for value in [0.005, 0.0051, 11.0, 12.0] {
        two.observe("seconds", value, &[]).unwrap();
    }
    // Another version of the plugin goes on.
    metrics.of_plugin("two").add("hits", 1.0, &[]).unwrap();
    let expected = [
        "hits{one} = 3.5",
        "hits{one,a=y,b=x} = 2",
        "hits{two} = 8",
        "level{two} = -1",
        "seconds{two} = 23.0101 [(0.005, 1), (0.01, 1), (inf, 2)]",
    ];
    assert_eq!(lines(&metrics), expected);
}

#[test]
fn what_is_described_is_told_and_bounds_are_fixed() {
    let metrics = Metrics::default();
    let plugin = metrics.of_plugin("p");
    plugin.describe("sizes", "Sizes.", &[1.0, 10.0]).unwrap();
    plugin
        .describe("sizes", "Sizes of bodies.", &[1.0, 10.0])
        .unwrap();
    plugin.describe("hits_total", "Hits.", &[]).unwrap();
    plugin.describe("unused", "Nothing.", &[]).unwrap();
    assert!(metrics.snapshot().is_empty());
    plugin.observe("sizes", 10.0, &[]).unwrap();
    plugin.add("hits", 1.0, &[]).unwrap();
    let help: Vec<_> = metrics.snapshot().into_iter().map(|f| f.help).collect();
    assert_eq!(
        help,
        [
            Some("Hits.".to_owned()),
            Some("Sizes of bodies.".to_owned())
        ]
    );
    assert_eq!(lines(&metrics)[1], "sizes{p} = 10 [(10.0, 1)]");
    let again = plugin.describe("sizes", "", &[1.0]);
    assert_eq!(again, Err(MetricRefusal::BoundsFixed));
    plugin.observe("times", 1.0, &[]).unwrap();
    let later = plugin.describe("times", "", &[1.0]);
    assert_eq!(later, Err(MetricRefusal::BoundsFixed));
    assert_eq!(plugin.describe("hits", "", &[1.0]), Ok(()));
    assert_eq!(
        plugin.describe("x", "", &[2.0, 1.0]),
        Err(MetricRefusal::Bounds)
    );
    let long = "h".repeat(MOST_HELP + 1);
    assert_eq!(plugin.describe("x", &long, &[]), Err(MetricRefusal::Help));
    assert_eq!(plugin.describe("X", "", &[]), Err(MetricRefusal::Name));
}

#[test]
fn what_is_wrong_changes_nothing() {
    let metrics = Metrics::default();
    let plugin = metrics.of_plugin("p");
    plugin.add("hits", 1.0, &[]).unwrap();
    plugin.add("huge", f64::MAX, &[]).unwrap();
    plugin.observe("wide", f64::MAX, &[]).unwrap();
    let before = metrics.snapshot();
    let refused = [
        (plugin.add("Hits", 1.0, &[]), MetricRefusal::Name),
        (plugin.add("_total", 1.0, &[]), MetricRefusal::Name),
        (plugin.add("hits", -1.0, &[]), MetricRefusal::Negative),
        (plugin.add("hits", f64::NAN, &[]), MetricRefusal::NotFinite),
        (
            plugin.set("level", f64::INFINITY, &[]),
            MetricRefusal::NotFinite,
        ),
        (plugin.add("huge", f64::MAX, &[]), MetricRefusal::NotFinite),
        (
            plugin.observe("wide", f64::MAX, &[]),
            MetricRefusal::NotFinite,
        ),
        (
            plugin.set("hits", 1.0, &[]),
            MetricRefusal::OtherKind(MetricKind::Counter),
        ),
        (
            plugin.set("hits", 1.0, &[("a", "b")]),
            MetricRefusal::OtherKind(MetricKind::Counter),
        ),
        (
            plugin.observe("hits", 1.0, &[]),
            MetricRefusal::OtherKind(MetricKind::Counter),
        ),
        (
            plugin.add("wide", 1.0, &[]),
            MetricRefusal::OtherKind(MetricKind::Histogram),
        ),
        (plugin.set("x_total", 1.0, &[]), MetricRefusal::TotalOfOther),
        (
            plugin.add("new", 1.0, &[("le", "x")]),
            MetricRefusal::LabelName("le".to_owned()),
        ),
    ];
    for (result, expected) in refused {
        assert_eq!(result, Err(expected));
    }
    assert_eq!(metrics.snapshot(), before);
}

#[test]
fn a_name_is_of_one_kind_for_all_plugins_and_so_are_its_samples() {
    let metrics = Metrics::default();
    let (one, two) = (metrics.of_plugin("one"), metrics.of_plugin("two"));
    one.add("hits", 1.0, &[]).unwrap();
    let other = two.set("hits", 1.0, &[]);
    let expected = MetricRefusal::KindOfOther {
        plugin: "one".to_owned(),
        kind: MetricKind::Counter,
    };
    assert_eq!(other, Err(expected));
    let clash = |other: &str| {
        Err(MetricRefusal::SampleNames {
            plugin: "one".to_owned(),
            other: other.to_owned(),
        })
    };
    one.observe("wait", 1.0, &[]).unwrap();
    assert_eq!(two.set("wait_count", 1.0, &[]), clash("wait"));
    one.set("size_sum", 1.0, &[]).unwrap();
    assert_eq!(two.observe("size", 1.0, &[]), clash("size_sum"));
    // What no histogram has is free.
    two.set("size_count", 1.0, &[]).unwrap();
    two.add("size", 1.0, &[]).unwrap();
}

#[test]
fn names_and_series_are_bounded() {
    let metrics = Metrics::default();
    let plugin = metrics.of_plugin("p");
    for number in 0..MOST_NAMES {
        plugin.add(&format!("m{number}"), 1.0, &[]).unwrap();
    }
    let more = plugin.add("more", 1.0, &[]);
    assert_eq!(more, Err(MetricRefusal::TooManyNames));
    let more = plugin.describe("more", "", &[]);
    assert_eq!(more, Err(MetricRefusal::TooManyNames));
    for number in MOST_NAMES..MOST_SERIES {
        let id = number.to_string();
        plugin.add("m0", 1.0, &[("id", &id)]).unwrap();
    }
    let more = plugin.add("m0", 1.0, &[("id", "more")]);
    assert_eq!(more, Err(MetricRefusal::TooManySeries));
    // Those that are there go on, and another plugin has its own.
    plugin.add("m0", 1.0, &[("id", "999")]).unwrap();
    metrics.of_plugin("q").add("more", 1.0, &[]).unwrap();
    assert_eq!(lines(&metrics).len(), MOST_SERIES + 1);
}

#[test]
fn a_trial_finds_what_is_wrong_and_records_nothing() {
    let metrics = Metrics::default();
    let plugin = metrics.of_plugin("p");
    plugin.add("hits", 1.0, &[]).unwrap();
    metrics.of_plugin("q").set("level", 1.0, &[]).unwrap();
    let before = metrics.snapshot();
    let trial = plugin.for_trial();
    let other = MetricRefusal::OtherKind(MetricKind::Counter);
    assert_eq!(trial.set("hits", 1.0, &[]), Err(other));
    assert!(trial.add("level", 1.0, &[]).is_err());
    trial.add("hits", 1.0, &[]).unwrap();
    trial.set("new", 1.0, &[]).unwrap();
    assert!(trial.add("new", 1.0, &[]).is_err());
    assert_eq!(metrics.snapshot(), before);
    plugin.add("new", 1.0, &[]).unwrap();
}

#[test]
fn a_plugin_is_told_once_for_each_name_and_reason() {
    let plugin = Metrics::default().of_plugin("p");
    let kind = |kind| MetricRefusal::OtherKind(kind);
    assert!(plugin.is_news("a", &MetricRefusal::Negative));
    assert!(!plugin.is_news("a", &MetricRefusal::Negative));
    assert!(plugin.is_news("b", &MetricRefusal::Negative));
    assert!(plugin.is_news("a", &kind(MetricKind::Gauge)));
    assert!(!plugin.is_news("a", &kind(MetricKind::Counter)));
    let news =
        (0..2 * MOST_WARNINGS).filter(|n| plugin.is_news(&n.to_string(), &MetricRefusal::Name));
    assert_eq!(news.count(), MOST_WARNINGS - 3);
}

#[test]
fn no_change_is_lost_between_threads() {
    const THREADS: u32 = 4;
    const TIMES: u32 = 100_000;
    let metrics = Metrics::default();
    let together = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (metrics, together) = (metrics.clone(), &together);
            scope.spawn(move || {
                together.wait();
                let plugin = metrics.of_plugin("p");
                for time in 0..TIMES {
                    // All of them meet at new series, too.
                    let series = (time / 5000).to_string();
                    plugin.add("hits", 1.0, &[]).unwrap();
                    plugin.add("hits", 1.0, &[("series", &series)]).unwrap();
                    plugin.observe("seconds", f64::from(number), &[]).unwrap();
                }
            });
        }
        // A reader sees an observation in the sum and in a bucket, or in neither.
        let reader = metrics.clone();
        scope.spawn(move || {
            for _ in 0..100 {
                for family in reader.snapshot() {
                    if let MetricValue::Histogram { sum, buckets } = &family.series[0].value {
                        let at_least: u64 = buckets.iter().map(|(_, count)| count).sum();
                        assert!(*sum <= f64::from(THREADS - 1) * at_least as f64);
                    }
                }
            }
        });
    });
    let all = f64::from(THREADS * TIMES);
    let families = metrics.snapshot();
    let values: Vec<f64> = families[0]
        .series
        .iter()
        .map(|series| match series.value {
            MetricValue::Counter(value) => value,
            _ => panic!("{series:?}"),
        })
        .collect();
    assert_eq!(values[0], all);
    assert_eq!(values[1..].iter().sum::<f64>(), all);
    assert_eq!(values.len(), 21);
    let MetricValue::Histogram { sum, buckets } = &families[1].series[0].value else {
        panic!()
    };
    let count: u64 = buckets.iter().map(|(_, count)| count).sum();
    assert_eq!(
        (*sum, count),
        (
            f64::from((0..THREADS).sum::<u32>() * TIMES),
            u64::from(THREADS * TIMES)
        )
    );
}

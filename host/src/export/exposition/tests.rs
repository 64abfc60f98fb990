//! What is written for what was counted.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::export::ConnectionsTo;
use crate::export::state::ServingVersion;
use crate::message::trace::{
    Beginning, CallTrace, Ending, Failure, Finished, Identity, Observer as _, Observers, Outcome,
    Performer, Trace,
};
use crate::message::{ExchangeId, RequestHead, ResponseHead, Scheme};

fn exporter(exchanges: &Arc<ExchangeMetrics>, plugins: &Metrics) -> Exporter {
    let state = || HostState {
        backends: vec![ConnectionsTo {
            backend: "default".to_owned(),
            address: "http://127.0.0.1:1".to_owned(),
            open: 3,
            idle: 2,
        }],
        versions: vec![
            ServingVersion {
                plugin: "a".to_owned(),
                serving: Some(("0123abcd".to_owned(), "baseline".to_owned())),
            },
            ServingVersion {
                plugin: "b".to_owned(),
                serving: None,
            },
        ],
        access_log_lines: Some((5, 1)),
        spans: Some((7, 2)),
        recording: Some((1, 2, 3)),
        routes: HashSet::from(["/x".into()]),
        backend_names: HashSet::from(["default".to_owned()]),
        ..HostState::default()
    };
    Exporter::new(exchanges.clone(), plugins.clone(), Arc::default(), state)
}

/// An exchange through a plugin and a backend, which may fail in the plugin.
fn exchange(exchanges: &Arc<ExchangeMetrics>, fails: bool) {
    let observers = Arc::new(Observers::new(vec![exchanges.clone()]));
    let head = RequestHead::new();
    let beginning = Beginning {
        id: ExchangeId(1),
        client: "127.0.0.1:1".parse().unwrap(),
        scheme: Scheme::Http,
        head: &head,
    };
    let mut trace = Trace::begin(&observers, beginning);
    trace.route(&"/x".into());
    trace.begin_step(|| Performer::Plugin {
        plugin: Arc::new(Identity {
            name: "a".to_owned(),
            version: "0123abcd".to_owned(),
        }),
        hook: "forward-request",
    });
    trace.computed(Duration::from_micros(3));
    CallTrace::begin(&trace, "GET", "a.test", "http://a.test/").end(Ok(200), 0);
    if fails {
        trace.end_step(Outcome::Failed("trapped".to_owned()));
        trace.fail(|| Failure {
            status: 502,
            proxy_error: "proxy_internal_error",
            text: "plugin a: trapped".to_owned(),
        });
        return trace.answers(&ResponseHead::new(http::StatusCode::BAD_GATEWAY));
    }
    trace.end_step(Outcome::Done);
    trace.begin_step(|| Performer::Backend {
        name: "default".to_owned(),
        address: None,
    });
    trace.end_step(Outcome::Done);
    trace.answers(&ResponseHead::new(http::StatusCode::OK));
    trace.sent(10, true);
}

#[test]
fn exchanges_are_counted_by_what_they_came_to() {
    let (exchanges, plugins) = (Arc::default(), Metrics::default());
    exchange(&exchanges, false);
    exchange(&exchanges, false);
    exchange(&exchanges, true);
    let text = exporter(&exchanges, &plugins).exposition();
    for line in [
        r#"tollgate_exchanges_total{route="/x",status="2xx",outcome="complete"} 2"#,
        r#"tollgate_exchanges_total{route="/x",status="5xx",outcome="proxy_internal_error"} 1"#,
        r#"tollgate_exchange_duration_seconds_count{route="/x"} 3"#,
        r#"tollgate_exchange_duration_seconds_bucket{le="+Inf",route="/x"} 3"#,
        r#"tollgate_proxy_duration_seconds_count{route="/x"} 3"#,
        r#"tollgate_response_body_bytes_total{route="/x"} 20"#,
        r#"tollgate_hook_calls_total{plugin="a",hook="forward-request",outcome="done"} 2"#,
        r#"tollgate_hook_calls_total{plugin="a",hook="forward-request",outcome="failed"} 1"#,
        r#"tollgate_hook_computing_seconds_total{plugin="a",hook="forward-request"} 0.000009"#,
        r#"tollgate_outbound_calls_total{plugin="a"} 3"#,
        r#"tollgate_backend_requests_total{backend="default",outcome="done"} 2"#,
        r#"tollgate_backend_duration_seconds_count{backend="default"} 2"#,
        r#"tollgate_backend_connections{backend="default",address="http://127.0.0.1:1",state="in-use"} 1.0"#,
        r#"tollgate_version_info{plugin="a",version="0123abcd",tier="baseline"} 1"#,
        r#"tollgate_serving{plugin="b"} 0.0"#,
        "tollgate_access_log_lines_dropped_total 1",
        "tollgate_spans_dropped_total 2",
        "tollgate_recording_dropped_total 3",
        "tollgate_ready 0.0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn routes_and_backends_that_are_gone_are_not_written_and_begin_anew() {
    let exchanges = Arc::<ExchangeMetrics>::default();
    let labels = Arc::new(std::sync::Mutex::new(HashSet::from([Arc::from("/x")])));
    let asked = labels.clone();
    let exporter = Exporter::new(
        exchanges.clone(),
        Metrics::default(),
        Arc::default(),
        move || {
            let routes = asked.lock().unwrap().clone();
            HostState {
                backend_names: routes.iter().map(|_| "default".to_owned()).collect(),
                routes,
                ..HostState::default()
            }
        },
    );
    let line =
        |count: u32| format!("tollgate_exchange_duration_seconds_count{{route=\"/x\"}} {count}\n");
    let request = |count: u32| {
        format!("tollgate_backend_requests_total{{backend=\"default\",outcome=\"done\"}} {count}\n")
    };
    exchange(&exchanges, false);
    exchange(&exchanges, false);
    let text = exporter.exposition();
    assert!(
        text.contains(&line(2)) && text.contains(&request(2)),
        "{text}"
    );

    labels.lock().unwrap().clear();
    let is_gone =
        |text: &str| !text.contains("route=\"/x\"") && !text.contains("backend=\"default\"");
    let text = exporter.exposition();
    assert!(is_gone(&text), "{text}");
    assert!(
        text.contains("tollgate_hook_calls_total{plugin=\"a\""),
        "{text}"
    );
    // One that began before.
    exchange(&exchanges, false);
    assert!(is_gone(&exporter.exposition()));

    labels.lock().unwrap().insert("/x".into());
    assert!(is_gone(&exporter.exposition()), "nothing is left of before");
    exchange(&exchanges, false);
    let text = exporter.exposition();
    assert!(
        text.contains(&line(1)) && text.contains(&request(1)),
        "{text}"
    );
}

#[test]
fn what_has_no_route_and_no_answer_is_counted_and_a_step_that_goes_on_is_not_another_call() {
    let exchanges = Arc::<ExchangeMetrics>::default();
    let ms = Duration::from_millis;
    let mut times = sample().times.clone();
    (times.route, times.status, times.ending) = (None, None, Ending::CutOff);
    (times.request_bytes, times.head_after) = (5, Some(ms(10)));
    times.steps[1].duration = ms(8);
    times.steps.push(times.steps[0].clone());
    times.steps[3].is_more = true;
    exchanges.finished(&Arc::new(Finished { times, full: None }));
    let text = exporter(&exchanges, &Metrics::default()).exposition();
    for line in [
        r#"tollgate_exchanges_total{route="none",status="none",outcome="cut-off"} 1"#,
        r#"tollgate_request_body_bytes_total{route="none"} 5"#,
        r#"tollgate_proxy_duration_seconds_sum{route="none"} 0.002"#,
        r#"tollgate_hook_calls_total{plugin="a",hook="forward-request",outcome="done"} 1"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}

#[test]
fn what_plugins_record_has_a_name_space_of_its_own() {
    let (exchanges, plugins) = (Arc::default(), Metrics::default());
    let own = plugins.of_plugin("a\"\n");
    own.describe("hits", "first\nsecond \\ \"x\"", &[]).unwrap();
    own.add("hits", 2.0, &[("path", "/\"\\\n")]).unwrap();
    own.set("level", -0.5, &[]).unwrap();
    own.observe("took", 0.3, &[]).unwrap();
    let text = exporter(&exchanges, &plugins).exposition();
    for line in [
        r#"# HELP tollgate_plugin_hits first\nsecond \\ \"x\""#,
        "# TYPE tollgate_plugin_hits counter",
        r#"tollgate_plugin_hits_total{plugin="a\"\n",path="/\"\\\n"} 2.0"#,
        r#"tollgate_plugin_level{plugin="a\"\n"} -0.5"#,
        r#"tollgate_plugin_took_bucket{le="0.25",plugin="a\"\n"} 0"#,
        r#"tollgate_plugin_took_bucket{le="0.5",plugin="a\"\n"} 1"#,
        r#"tollgate_plugin_took_count{plugin="a\"\n"} 1"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    // The same for what begins with the prefix only by chance.
    let families: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let names: BTreeSet<_> = families
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(families.len(), names.len(), "no family is there twice");
    let of_plugins = names
        .iter()
        .filter(|name| name.starts_with(plugins::OF_PLUGINS));
    assert_eq!(
        of_plugins.count(),
        3,
        "none of the host's own is named so: {names:?}"
    );
    assert!(names.iter().all(|name| name.starts_with("tollgate_")));
}

/// Not a bound that machines could break, but what a run of this test says with `--nocapture`.
#[test]
fn the_cost_of_counting_is_told() {
    let exchanges = Arc::<ExchangeMetrics>::default();
    exchange(&exchanges, false);
    let finished = sample();
    let (began, rounds) = (Instant::now(), 100_000);
    (0..rounds).for_each(|_| exchanges.finished(&finished));
    let each = began.elapsed() / rounds;
    println!("counting one exchange with two hooks takes {each:?}");
    let text = exporter(&exchanges, &Metrics::default()).exposition();
    let counted = format!(
        "tollgate_exchange_duration_seconds_count{{route=\"/x\"}} {}",
        rounds + 1
    );
    assert!(text.contains(&counted));
}

/// A finished exchange through both hooks of a plugin, and a backend.
fn sample() -> Arc<Finished> {
    #[derive(Debug, Default)]
    struct Keep(std::sync::Mutex<Option<Arc<Finished>>>);
    impl crate::message::trace::Observer for Keep {
        fn wants(&self) -> crate::message::trace::Level {
            crate::message::trace::Level::Times
        }
        fn finished(&self, exchange: &Arc<Finished>) {
            *self.0.lock().unwrap() = Some(exchange.clone());
        }
    }
    let keep = Arc::new(Keep::default());
    let observers = Arc::new(Observers::new(vec![keep.clone()]));
    let head = RequestHead::new();
    let beginning = Beginning {
        id: ExchangeId(1),
        client: "127.0.0.1:1".parse().unwrap(),
        scheme: Scheme::Http,
        head: &head,
    };
    let mut trace = Trace::begin(&observers, beginning);
    trace.route(&"/x".into());
    for hook in ["forward-request", "", "return-response"] {
        trace.begin_step(|| match hook {
            "" => Performer::Backend {
                name: "default".to_owned(),
                address: None,
            },
            hook => Performer::Plugin {
                plugin: Arc::new(Identity {
                    name: "a".to_owned(),
                    version: "0".to_owned(),
                }),
                hook,
            },
        });
        trace.end_step(Outcome::Done);
    }
    trace.answers(&ResponseHead::new(http::StatusCode::OK));
    trace.sent(10, true);
    drop(trace);
    let finished = keep.0.lock().unwrap().take().unwrap();
    assert!(finished.times.began <= SystemTime::now());
    finished
}

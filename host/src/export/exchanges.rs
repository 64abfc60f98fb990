//! Counts finished exchanges: by route, status and outcome, and how long everybody who worked on them took.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::families::Families;
use crate::message::trace::{
    Ending, Finished, Level, Observer, Outcome, Performer, StepTimes, Times,
};
use crate::metrics::Durations;

/// Stands for the route of an exchange that took none.
const NO_ROUTE: &str = "none";

/// Classes of statuses, and none for a client that left before the head.
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

const HOOKS: [&str; 6] = [
    "forward-request",
    "return-response",
    "handle",
    "request-body",
    "response-body",
    "websocket-messages",
];

const OUTCOMES: [&str; 5] = ["done", "responded", "failed", "undone", "abandoned"];

/// See the module's text. A name that was counted before is found under a lock that others only read.
#[derive(Debug, Default)]
pub struct ExchangeMetrics {
    routes: ByName<OfRoute>,
    plugins: ByName<OfPlugin>,
    backends: ByName<OfBackend>,
}

#[derive(Debug, Default)]
struct OfRoute {
    complete: [AtomicU64; CLASSES.len()],
    cut_off: [AtomicU64; CLASSES.len()],
    /// By class and the error's type (RFC 9209).
    failed: Mutex<BTreeMap<(usize, &'static str), u64>>,
    duration: Durations,
    /// What tollgate and its plugins took of the time until the response's head.
    added: Durations,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct OfPlugin {
    hooks: [OfHook; HOOKS.len()],
    outbound: AtomicU64,
}

#[derive(Debug, Default)]
struct OfHook {
    outcomes: [AtomicU64; OUTCOMES.len()],
    duration: Durations,
    computing_ns: AtomicU64,
}

#[derive(Debug, Default)]
struct OfBackend {
    outcomes: [AtomicU64; OUTCOMES.len()],
    duration: Durations,
}

impl Observer for ExchangeMetrics {
    fn wants(&self) -> Level {
        Level::Times
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        let times = &exchange.times;
        let route = times.route.as_deref().unwrap_or(NO_ROUTE);
        self.routes.with(route, |route| route.count(times));
        for step in times.steps.iter().filter(|step| !step.is_more) {
            match &step.performer {
                Performer::Host => {}
                Performer::Plugin { plugin, hook } => {
                    self.plugins
                        .with(&plugin.name, |plugin| plugin.count(hook, step));
                }
                Performer::Backend { name, .. } => self.backends.with(name, |backend| {
                    add(&backend.outcomes[outcome(&step.outcome)], 1);
                    backend.duration.observe(step.duration);
                }),
            }
        }
    }
}

impl OfRoute {
    fn count(&self, times: &Times) {
        let class = class(times.status);
        match &times.ending {
            Ending::Complete => add(&self.complete[class], 1),
            Ending::CutOff => add(&self.cut_off[class], 1),
            Ending::Failed(failure) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed.entry((class, failure.proxy_error)).or_default() += 1;
            }
        }
        self.duration.observe(times.duration);
        if let Some(head) = times.head_after {
            self.added
                .observe(head.saturating_sub(waited(&times.steps)));
        }
        add(&self.request_bytes, times.request_bytes);
        add(&self.response_bytes, times.response_bytes);
    }

    /// Class and outcome of the exchanges that ended so, with their number.
    fn endings(&self) -> Vec<(&'static str, &'static str, u64)> {
        let of = |counts: &[AtomicU64; CLASSES.len()], outcome| {
            let counts = CLASSES.iter().zip(counts);
            let counts = counts.map(move |(class, count)| (*class, outcome, get(count)));
            counts
                .filter(|(_, _, count)| *count > 0)
                .collect::<Vec<_>>()
        };
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = failed
            .iter()
            .map(|((class, error), count)| (CLASSES[*class], *error, *count));
        let mut endings = of(&self.complete, "complete");
        endings.extend(of(&self.cut_off, "cut-off"));
        endings.extend(failed);
        endings
    }
}

impl OfPlugin {
    fn count(&self, hook: &str, step: &StepTimes) {
        let Some(at) = HOOKS.iter().position(|known| *known == hook) else {
            return;
        };
        let hook = &self.hooks[at];
        add(&hook.outcomes[outcome(&step.outcome)], 1);
        hook.duration.observe(step.duration);
        if let Some(computing) = step.computing {
            add(
                &hook.computing_ns,
                u64::try_from(computing.as_nanos()).unwrap_or(0),
            );
        }
        if step.outbound_calls > 0 {
            add(&self.outbound, u64::from(step.outbound_calls));
        }
    }

    /// The hooks that were called, with their names.
    fn called(&self) -> impl Iterator<Item = (&'static str, &OfHook)> {
        let hooks = HOOKS.iter().copied().zip(&self.hooks);
        hooks.filter(|(_, hook)| hook.outcomes.iter().any(|count| get(count) > 0))
    }
}

/// The time in which the exchange waited for backends.
fn waited(steps: &[StepTimes]) -> Duration {
    let backends = steps
        .iter()
        .filter(|step| matches!(step.performer, Performer::Backend { .. }));
    backends.map(|step| step.duration).sum()
}

fn class(status: Option<u16>) -> usize {
    let class = status.map_or(0, |status| usize::from(status / 100));
    if class < CLASSES.len() { class } else { 0 }
}

fn outcome(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Done => 0,
        Outcome::Responded => 1,
        Outcome::Failed(_) => 2,
        Outcome::Undone(_) => 3,
        Outcome::Abandoned => 4,
    }
}

fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl ExchangeMetrics {
    /// Forgets routes and backends that the configuration no longer has. An exchange that began before they went may end later, so
    /// this is asked for before each [`write`](Self::write).
    pub(super) fn keep(&self, routes: &HashSet<Arc<str>>, backends: &HashSet<String>) {
        self.routes
            .keep(|route| route == NO_ROUTE || routes.contains(route));
        self.backends.keep(|backend| backends.contains(backend));
    }

    pub(super) fn write(&self, families: &mut Families<'_>) -> Result<(), Error> {
        self.write_routes(families)?;
        self.write_hooks(families)?;
        self.write_backends(families)
    }

    fn write_routes(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let routes = self.routes.all();
        let endings = routes.iter().flat_map(|(route, of)| {
            let endings = of.endings().into_iter();
            endings.map(move |(class, outcome, count)| {
                (
                    vec![("route", &**route), ("status", class), ("outcome", outcome)],
                    count,
                )
            })
        });
        families.counters(
            "tollgate_exchanges",
            "Exchanges that are finished. outcome: complete, cut-off, or the error type of RFC 9209",
            endings,
        )?;
        let of = |value: fn(&OfRoute) -> &Durations| {
            let series =
                move |(route, of): &'_ (String, Arc<OfRoute>)| (route.clone(), value(of).counted());
            routes.iter().map(series).collect::<Vec<_>>()
        };
        let durations = of(|of| &of.duration);
        families.histograms(
            "tollgate_exchange_duration_seconds",
            "From the end of the request's head to the last byte of the response",
            durations
                .iter()
                .map(|(route, counted)| (vec![("route", &**route)], counted.clone())),
        )?;
        let added = of(|of| &of.added);
        families.histograms(
            "tollgate_proxy_duration_seconds",
            "Time until the response's head, without waiting for the backend: what tollgate and its plugins add",
            added.iter().map(|(route, counted)| (vec![("route", &**route)], counted.clone())),
        )?;
        families.counters(
            "tollgate_request_body_bytes",
            "Bytes of requests' bodies",
            routes
                .iter()
                .map(|(route, of)| (vec![("route", &**route)], get(&of.request_bytes))),
        )?;
        families.counters(
            "tollgate_response_body_bytes",
            "Bytes of responses' bodies",
            routes
                .iter()
                .map(|(route, of)| (vec![("route", &**route)], get(&of.response_bytes))),
        )
    }

    fn write_hooks(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let plugins = self.plugins.all();
        let hooks: Vec<_> = plugins
            .iter()
            .flat_map(|(plugin, of)| {
                of.called()
                    .map(move |(hook, of)| (vec![("plugin", &**plugin), ("hook", hook)], of))
            })
            .collect();
        let outcomes = hooks.iter().flat_map(|(labels, hook)| {
            let counts = OUTCOMES.iter().zip(&hook.outcomes);
            counts.map(move |(outcome, count)| {
                let mut labels = labels.clone();
                labels.push(("outcome", outcome));
                (labels, get(count))
            })
        });
        families.counters(
            "tollgate_hook_calls",
            "Calls of plugins' hooks for exchanges",
            outcomes.filter(|(_, count)| *count > 0),
        )?;
        families.histograms(
            "tollgate_hook_duration_seconds",
            "How long calls of plugins' hooks took, with waiting",
            hooks
                .iter()
                .map(|(labels, hook)| (labels.clone(), hook.duration.counted())),
        )?;
        families.counters(
            "tollgate_hook_computing_seconds",
            "Time in which plugins' hooks computed",
            hooks
                .iter()
                .map(|(labels, hook)| (labels.clone(), get(&hook.computing_ns) as f64 / 1e9)),
        )?;
        families.counters(
            "tollgate_outbound_calls",
            "Requests that plugins sent while they worked on exchanges",
            plugins
                .iter()
                .map(|(plugin, of)| (vec![("plugin", &**plugin)], get(&of.outbound))),
        )
    }

    fn write_backends(&self, families: &mut Families<'_>) -> Result<(), Error> {
        let backends = self.backends.all();
        let outcomes = backends.iter().flat_map(|(backend, of)| {
            let counts = OUTCOMES.iter().zip(&of.outcomes);
            let series = counts.map(move |(outcome, count)| {
                (
                    vec![("backend", &**backend), ("outcome", *outcome)],
                    get(count),
                )
            });
            series.filter(|(_, count)| *count > 0)
        });
        families.counters(
            "tollgate_backend_requests",
            "Requests that went to backends; one that was tried again counts once",
            outcomes,
        )?;
        families.histograms(
            "tollgate_backend_duration_seconds",
            "From the request to the backend to the head of its response",
            backends
                .iter()
                .map(|(backend, of)| (vec![("backend", &**backend)], of.duration.counted())),
        )
    }
}

/// Counters by a name of the configuration. There are few, so they are found by comparing rather than by a hash.
#[derive(Debug)]
struct ByName<T>(RwLock<BTreeMap<String, Arc<T>>>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Default> ByName<T> {
    fn with(&self, name: &str, work: impl FnOnce(&T)) {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = known.get(name) {
                return work(found);
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        work(known.entry(name.to_owned()).or_default());
    }

    /// Forgets those that this says no to.
    fn keep(&self, is_kept: impl Fn(&str) -> bool) {
        let is_gone = |name: &String| !is_kept(name);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if !known.keys().any(is_gone) {
            return;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| is_kept(name));
    }

    /// All of them, by name.
    fn all(&self) -> Vec<(String, Arc<T>)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let all = known.iter();
        all.map(|(name, of)| (name.clone(), of.clone())).collect()
    }
}

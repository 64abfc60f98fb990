//! `/api/v1/events`: what happens, as it happens, as server-sent events.
//!
//! Nothing waits for a reader. An event is made when the connection can take it, from what is so at that moment; changes that came
//! meanwhile are one change.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use utoipa::IntoParams;

use super::exchanges::computed;
use super::logs::LogLines;
use super::plugins::{Plugin, Plugins};
use super::status::Status;
use crate::admin::input::Asked;
use crate::admin::problem::Problem;
use crate::admin::state::Admin;
use crate::record::filter::Filter;
use crate::record::{Recorded, Summary};
use crate::telemetry;

/// How often the status is told.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// How often a silent connection is shown to be alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// Which events
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsAsked {
    /// Kinds of events with commas between: `status`, `plugin`, `exchanges`, `log`. All but `log` without it.
    pub only: Option<String>,
    /// Of exchanges those that fit: mitmproxy's filter expressions, as for the list.
    pub filter: Option<String>,
}

/// The kinds of events that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Status,
    Plugin,
    Exchanges,
    Log,
}

const KINDS: [(&str, Kind); 4] = [
    ("status", Kind::Status),
    ("plugin", Kind::Plugin),
    ("exchanges", Kind::Exchanges),
    ("log", Kind::Log),
];

/// Exchanges, and lines of the log, are told in one event if they come sooner one after the other.
const BATCH: Duration = Duration::from_millis(100);

/// Exchanges in one event. The others wait for the next one, or are lost.
const MOST_EXCHANGES: usize = 1_000;

/// Lines of the log in one event.
const MOST_LINES: usize = 1_000;

/// What happens, as server-sent events
///
/// `status`: a `Status`, at once and every second. `plugin`: a `Plugin`, all of them at once and each that changes. `removed`:
/// `{"name": …}`, a plugin that is not listed any more. `exchanges`: `[Summary, …]`, those that are new, at most ten times a second.
/// `lost`: `{"exchanges": …}`, how many this connection did not take in time. `log`: `LogLines`, those that are new; `lost` says how many were lost because
/// this connection did not take them in time.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventsAsked), responses(
    (status = 200, description = "Events until the connection is closed.", body = String, content_type = "text/event-stream"),
    (status = 400, description = "`only` names no kind of event, or the filter has a mistake.", body = Problem, content_type = "application/problem+json"),
))]
pub async fn events(
    State(admin): State<Arc<Admin>>,
    Asked(asked): Asked<EventsAsked>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let kinds = kinds(asked.only.as_deref())?;
    let filter = asked.filter.as_deref().map(Filter::parse).transpose();
    let filter = filter.map_err(|error| Problem::bad_request(format!("filter: {error}")))?;
    let feed = Feed::new(admin, kinds, filter.map(Arc::new));
    let events = stream::unfold(feed, |mut feed| async {
        let event = feed.next().await?;
        Some((Ok(event), feed))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)))
}

fn kinds(only: Option<&str>) -> Result<BTreeSet<Kind>, Problem> {
    let Some(only) = only else {
        return Ok(BTreeSet::from([
            Kind::Status,
            Kind::Plugin,
            Kind::Exchanges,
        ]));
    };
    let kind = |name: &str| {
        let found = KINDS.iter().find(|(known, _)| *known == name.trim());
        found.map(|(_, kind)| *kind).ok_or_else(|| {
            let known: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            let name = crate::text::line(name);
            Problem::bad_request(format!(
                "only: there are no events {name}; expected {}",
                known.join(", ")
            ))
        })
    };
    only.split(',').map(kind).collect()
}

/// The events of one connection.
struct Feed {
    admin: Arc<Admin>,
    kinds: BTreeSet<Kind>,
    every: Interval,
    changes: watch::Receiver<u64>,
    /// The plugins as they were told.
    told: BTreeMap<String, Plugin>,
    /// None if nothing is recorded.
    exchanges: Option<broadcast::Receiver<Arc<Recorded>>>,
    exchanges_from: Instant,
    filter: Option<Arc<Filter>>,
    log: watch::Receiver<u64>,
    /// The last line that was told, and when lines may be told again.
    log_told: u64,
    log_from: Instant,
    /// Made and not sent yet.
    ready: VecDeque<Event>,
}

/// A plugin that is not listed any more.
#[derive(Serialize)]
struct Removed<'a> {
    name: &'a str,
}

/// Exchanges that a connection did not take in time.
#[derive(Serialize)]
struct Lost {
    exchanges: u64,
}

impl Feed {
    fn new(admin: Arc<Admin>, kinds: BTreeSet<Kind>, filter: Option<Arc<Filter>>) -> Self {
        let mut every = interval(STATUS_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = admin.table.changes();
        // All that there is counts as changed.
        changes.mark_changed();
        let log = telemetry::recent().changes();
        let log_told = *log.borrow();
        let recorder = admin.recorder.as_ref();
        let exchanges = recorder.filter(|_| kinds.contains(&Kind::Exchanges));
        Self {
            exchanges: exchanges.map(|recorder| recorder.ring().subscribe()),
            exchanges_from: Instant::now(),
            filter,
            kinds,
            every,
            changes,
            told: BTreeMap::new(),
            log_told,
            log,
            log_from: Instant::now(),
            ready: VecDeque::new(),
            admin,
        }
    }

    /// The next event; none when there will be no more.
    async fn next(&mut self) -> Option<Event> {
        let has = |kind| self.kinds.contains(&kind);
        let (status, plugins, log) = (has(Kind::Status), has(Kind::Plugin), has(Kind::Log));
        while self.ready.is_empty() {
            tokio::select! {
                _ = self.every.tick(), if status => {
                    let event = event("status", &Status::of(&self.admin));
                    self.ready.push_back(event);
                }
                changed = self.changes.changed(), if plugins => {
                    changed.ok()?;
                    self.plugins();
                }
                first = next_exchange(self.exchanges_from, &mut self.exchanges) => {
                    self.exchanges(first).await;
                }
                changed = after(self.log_from, &mut self.log), if log => {
                    changed.ok()?;
                    self.lines();
                }
            }
        }
        self.ready.pop_front()
    }

    /// Tells an exchange and those that came with it, as far as the filter lets them through, or how many were lost.
    async fn exchanges(&mut self, first: Result<Arc<Recorded>, u64>) {
        self.exchanges_from = Instant::now() + BATCH;
        let mut come = Vec::new();
        let mut next = Some(first);
        while let Some(exchange) = next {
            match exchange {
                Ok(exchange) => come.push(exchange),
                Err(exchanges) => self.ready.push_back(event("lost", &Lost { exchanges })),
            }
            next = match &mut self.exchanges {
                Some(exchanges) if come.len() < MOST_EXCHANGES => received(exchanges.try_recv()),
                _ => None,
            };
        }
        if let Some(filter) = &self.filter {
            come = fitting(filter.clone(), come).await;
        }
        if !come.is_empty() {
            let summaries: Vec<_> = come.iter().map(|exchange| Summary::of(exchange)).collect();
            self.ready.push_back(event("exchanges", &summaries));
        }
    }

    /// Tells the lines of the log that were not told.
    fn lines(&mut self) {
        let new = telemetry::recent().after(self.log_told, MOST_LINES);
        self.log_from = Instant::now() + BATCH;
        if let Some(last) = new.lines.last() {
            self.log_told = last.number;
            self.ready
                .push_back(event("log", &LogLines::of(&new, &self.admin.masks)));
        }
    }

    /// Tells of the plugins that are not as they were told.
    fn plugins(&mut self) {
        let now = Plugins::of(&self.admin).plugins;
        let names: BTreeSet<&str> = now.iter().map(|plugin| &*plugin.name).collect();
        let gone = self.told.keys().filter(|name| !names.contains(&***name));
        self.ready
            .extend(gone.map(|name| event("removed", &Removed { name })));
        let changed = now
            .iter()
            .filter(|plugin| self.told.get(&plugin.name) != Some(plugin));
        self.ready
            .extend(changed.map(|plugin| event("plugin", plugin)));
        self.told = now
            .into_iter()
            .map(|plugin| (plugin.name.clone(), plugin))
            .collect();
    }
}

/// The next exchange, not before this moment, or how many were lost. Never if nothing is recorded.
async fn next_exchange(
    from: Instant,
    exchanges: &mut Option<broadcast::Receiver<Arc<Recorded>>>,
) -> Result<Arc<Recorded>, u64> {
    sleep_until(from).await;
    let Some(receiver) = exchanges else {
        return pending().await;
    };
    match receiver.recv().await {
        Ok(exchange) => Ok(exchange),
        Err(RecvError::Lagged(lost)) => Err(lost),
        Err(RecvError::Closed) => {
            *exchanges = None;
            pending().await
        }
    }
}

/// Those that fit. A filter may look at every byte that is kept, so this has a thread of its own.
async fn fitting(filter: Arc<Filter>, mut come: Vec<Arc<Recorded>>) -> Vec<Arc<Recorded>> {
    let look = move || {
        come.retain(|exchange| filter.matches(exchange));
        come
    };
    // It fails only where the filter panics, which the log tells.
    computed(look).await.unwrap_or_default()
}

/// What is there already.
fn received(got: Result<Arc<Recorded>, TryRecvError>) -> Option<Result<Arc<Recorded>, u64>> {
    match got {
        Ok(exchange) => Some(Ok(exchange)),
        Err(TryRecvError::Lagged(lost)) => Some(Err(lost)),
        Err(TryRecvError::Empty | TryRecvError::Closed) => None,
    }
}

/// A change, not before this moment.
async fn after(
    from: Instant,
    changes: &mut watch::Receiver<u64>,
) -> Result<(), watch::error::RecvError> {
    sleep_until(from).await;
    changes.changed().await
}

fn event(name: &str, data: &impl Serialize) -> Event {
    // Plain data always has a JSON form, and JSON has no line breaks.
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(name).data(data)
}

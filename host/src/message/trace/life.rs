//! What is known of an exchange while it lasts, and the moment in which it is finished.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::full::{Full, FullStep, Kept};
use super::observer::{Finished, Level, Observers};
use super::times::{Ending, Failure, Outcome, Performer, StepTimes, Times};
use crate::message::{AsName, ExchangeId, Known, RequestHead, Scheme};

/// What is known of an exchange before anybody has worked on it.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    pub id: ExchangeId,
    pub client: SocketAddr,
    pub scheme: Scheme,
    /// As it came.
    pub head: &'a RequestHead,
}

/// See the module's text. Dropped when the exchange is finished.
#[derive(Debug)]
pub(super) struct Life {
    observers: Arc<Observers>,
    began: Instant,
    /// None when it was handed over.
    noted: Mutex<Option<Noted>>,
}

/// What was taken down so far.
#[derive(Debug)]
struct Noted {
    times: Times,
    full: Option<Box<Full>>,
    /// The request's body as it comes.
    request_body: Kept,
    has_failed: bool,
}

impl Life {
    pub(super) fn new(observers: Arc<Observers>, beginning: Beginning<'_>) -> Self {
        let times = times_of(beginning);
        let is_full = observers.level() == Some(Level::Full);
        let full = is_full.then(|| Box::new(Full::new(beginning.head.clone())));
        Self {
            observers,
            began: Instant::now(),
            noted: Mutex::new(Some(Noted {
                times,
                full,
                request_body: Kept::Unknown,
                has_failed: false,
            })),
        }
    }

    fn note(&self, note: impl FnOnce(&mut Noted, Duration)) {
        let now = self.began.elapsed();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(noted) = noted.as_mut() {
            note(noted, now);
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Times, Duration)) {
        self.note(|noted, now| change(&mut noted.times, now));
    }

    /// The most bytes of a body to take down.
    pub(super) fn body_limit(&self) -> usize {
        self.observers.body_limit()
    }

    pub(super) fn is_full(&self) -> bool {
        self.observers.level() == Some(Level::Full)
    }

    pub(super) fn request_body(&self, body: Kept) {
        self.note(|noted, _| noted.request_body = body);
    }

    /// The number of the new step.
    pub(super) fn begin_step(&self, performer: Performer, depth: u8) -> u32 {
        let mut number = 0;
        self.note(|noted, now| number = noted.begin_step(performer, depth, now));
        number
    }

    /// A step that begins and ends now, and changes the messages; none if `change` says that there is nothing to tell.
    pub(super) fn step_at_once(
        &self,
        performer: impl FnOnce(&Times) -> Option<Performer>,
        (depth, is_more): (u8, bool),
        change: impl FnOnce(&mut Full, usize),
    ) {
        self.note(|noted, now| {
            if noted.full.is_none() {
                return;
            }
            let Some(performer) = performer(&noted.times) else {
                return;
            };
            let number = noted.begin_step(performer, depth, now) as usize;
            if let Some(step) = noted.times.steps.get_mut(number) {
                (step.duration, step.outcome) = (Duration::ZERO, Outcome::Done);
                step.is_more = is_more;
            }
            if let Some(full) = &mut noted.full {
                change(full, number);
            }
        });
    }

    pub(super) fn full(&self, change: impl FnOnce(&mut Full)) {
        self.note(|noted, _| {
            if let Some(full) = &mut noted.full {
                change(full);
            }
        });
    }

    pub(super) fn change_step(&self, number: u32, change: impl FnOnce(&mut StepTimes)) {
        self.change(|times, _| {
            if let Some(step) = times.steps.get_mut(number as usize) {
                change(step);
            }
        });
    }

    pub(super) fn end_step(&self, number: u32, outcome: Outcome) {
        self.change(|times, now| {
            if let Some(step) = times.steps.get_mut(number as usize) {
                step.duration = now.saturating_sub(step.began);
                step.outcome = outcome;
            }
        });
    }

    pub(super) fn fail(&self, failure: Failure) {
        self.note(|noted, now| {
            noted.times.abandon(now);
            noted.times.ending = Ending::Failed(failure);
            noted.has_failed = true;
        });
    }

    pub(super) fn sent(&self, bytes: u64, complete: bool) {
        self.note(|noted, _| {
            noted.times.response_bytes = bytes;
            if !noted.has_failed && complete {
                noted.times.ending = Ending::Complete;
            }
        });
    }
}

impl Noted {
    fn begin_step(&mut self, performer: Performer, depth: u8, now: Duration) -> u32 {
        let steps = &mut self.times.steps;
        let number = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        steps.push(StepTimes {
            performer,
            began: now,
            duration: RUNNING,
            computing: None,
            outcome: Outcome::Abandoned,
            outbound_calls: 0,
            depth,
            is_more: false,
        });
        if let Some(full) = &mut self.full {
            full.steps.push(FullStep::default());
        }
        number
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let now = self.began.elapsed();
        let noted = self.noted.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(mut noted) = noted.take() else {
            return;
        };
        noted.times.abandon(now);
        noted.times.duration = now;
        noted.times.request_bytes = match &noted.request_body {
            Kept::Whole { length, .. } => *length,
            Kept::Tapped(tapped) => tapped.taken().length,
            Kept::Unknown => 0,
        };
        if let Some(full) = &mut noted.full {
            full.request.content = noted.request_body;
        }
        self.observers.finished(&Arc::new(Finished {
            times: noted.times,
            full: noted.full,
        }));
    }
}

/// Stands for the duration of a step that is not over.
const RUNNING: Duration = Duration::MAX;

impl Times {
    /// Nobody works on the steps any more that are not over.
    fn abandon(&mut self, now: Duration) {
        for step in &mut self.steps {
            if step.duration == RUNNING {
                step.duration = now.saturating_sub(step.began);
            }
        }
    }
}

fn times_of(beginning: Beginning<'_>) -> Times {
    let head = beginning.head;
    let authority = head.authority.clone();
    Times {
        id: beginning.id,
        began: SystemTime::now(),
        duration: Duration::ZERO,
        head_after: None,
        client: beginning.client,
        scheme: beginning.scheme,
        protocol: head.version,
        method: head.method.clone(),
        target: head.target.as_str().into(),
        host: authority.or_else(|| text(head, Known::Host)),
        referer: text(head, Known::Referer),
        user_agent: text(head, Known::UserAgent),
        traceparent: text(head, "traceparent"),
        route: None,
        status: None,
        request_bytes: 0,
        response_bytes: 0,
        steps: Vec::with_capacity(4),
        ending: Ending::CutOff,
    }
}

fn text(head: &RequestHead, name: impl AsName) -> Option<Box<str>> {
    head.fields.get_text(name).map(Into::into)
}

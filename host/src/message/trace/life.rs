//! What is known of an exchange while it lasts, and the moment in which it is finished.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::observer::{Finished, Observers};
use super::tapped::Tapped;
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
    /// Counts a request's body that comes bit by bit.
    request_body: Option<Arc<Tapped>>,
    has_failed: bool,
}

impl Life {
    pub(super) fn new(observers: Arc<Observers>, beginning: Beginning<'_>) -> Self {
        let times = times_of(beginning);
        Self {
            observers,
            began: Instant::now(),
            noted: Mutex::new(Some(Noted {
                times,
                request_body: None,
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

    pub(super) fn tap_request(&self, tapped: &Arc<Tapped>) {
        self.note(|noted, _| noted.request_body = Some(tapped.clone()));
    }

    /// The number of the new step.
    pub(super) fn begin_step(&self, performer: Performer, depth: u8) -> u32 {
        let mut number = 0;
        self.change(|times, now| {
            number = u32::try_from(times.steps.len()).unwrap_or(u32::MAX);
            times.steps.push(StepTimes {
                performer,
                began: now,
                duration: RUNNING,
                computing: None,
                outcome: Outcome::Abandoned,
                outbound_calls: 0,
                depth,
            });
        });
        number
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

impl Drop for Life {
    fn drop(&mut self) {
        let now = self.began.elapsed();
        let noted = self.noted.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(mut noted) = noted.take() else {
            return;
        };
        noted.times.abandon(now);
        noted.times.duration = now;
        if let Some(tapped) = &noted.request_body {
            noted.times.request_bytes = tapped.length();
        }
        let times = noted.times;
        self.observers.finished(&Arc::new(Finished { times }));
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

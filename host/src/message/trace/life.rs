//! What is known of an exchange while it lasts, and the moment in which it is finished.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::Method;

use super::context::{Parent, TRACEPARENT, TRACESTATE, TraceContext};
use super::full::{Full, FullStep, Kept};
use super::observer::{Finished, Level, Observers};
use super::taken::TakenFields;
use super::times::{Ending, Failure, OutboundTimes, Outcome, Performer, StepTimes, Times};
use crate::message::{ExchangeId, Fields, Known, RequestHead, Scheme};

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
    context: Option<TraceContext>,
    /// `tracestate` of the request, which goes with the context.
    state: Option<Box<str>>,
    /// None when it was handed over.
    noted: Mutex<Option<Noted>>,
}

/// Tells how long the exchange lasts by now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn now(self) -> Duration {
        self.0.elapsed()
    }
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
        let mut times = times_of(beginning);
        let (context, state) = context_of(observers.sample(), beginning.head);
        times.context = context;
        let wanted = observers.request_fields();
        times.request_fields = TakenFields::of(&beginning.head.fields, wanted);
        let is_full = observers.level() == Some(Level::Full);
        let full = is_full.then(|| Box::new(Full::new(beginning.head.clone())));
        Self {
            observers,
            began: Instant::now(),
            context,
            state,
            noted: Mutex::new(Some(Noted {
                times,
                full,
                request_body: Kept::Unknown,
                has_failed: false,
            })),
        }
    }

    pub(super) fn context(&self) -> Option<&TraceContext> {
        self.context.as_ref()
    }

    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// A call of this step begins. Gives its number.
    pub(super) fn begin_call(
        &self,
        step: u32,
        method: Method,
        (authority, url): (&str, &str),
    ) -> u32 {
        let mut number = 0;
        self.note(|noted, clock| {
            let Some(step) = noted.times.steps.get_mut(step as usize) else {
                return;
            };
            step.outbound_calls += 1;
            number = u32::try_from(step.outbound.len()).unwrap_or(u32::MAX);
            step.outbound.push(OutboundTimes {
                began: clock.now(),
                duration: RUNNING,
                method,
                authority: authority.into(),
                url: url.into(),
                length: 0,
                result: Err("the plugin did not wait for it".to_owned()),
            });
        });
        number
    }

    pub(super) fn end_call(
        &self,
        step: u32,
        number: u32,
        result: Result<u16, String>,
        length: u64,
    ) {
        self.note(|noted, clock| {
            let step = noted.times.steps.get_mut(step as usize);
            if let Some(call) = step.and_then(|step| step.outbound.get_mut(number as usize)) {
                call.duration = clock.now().saturating_sub(call.began);
                call.result = result;
                call.length = length;
            }
        });
    }

    /// The clock is read where it is needed: it would cost more than most notes.
    fn note(&self, note: impl FnOnce(&mut Noted, Clock)) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(noted) = noted.as_mut() {
            note(noted, Clock(self.began));
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Times, Clock)) {
        self.note(|noted, clock| change(&mut noted.times, clock));
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
        self.note(|noted, clock| number = noted.begin_step(performer, depth, clock.now()));
        number
    }

    /// A step that begins and ends now, and changes the messages; none if `performer` names nobody.
    pub(super) fn step_at_once(
        &self,
        performer: impl FnOnce(&Times, &Full) -> Option<Performer>,
        (depth, is_more): (u8, bool),
        change: impl FnOnce(&mut Full, usize),
    ) {
        self.note(|noted, clock| {
            let full = noted.full.as_deref();
            let Some(performer) = full.and_then(|full| performer(&noted.times, full)) else {
                return;
            };
            let now = clock.now();
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

    pub(super) fn full(&self, change: impl FnOnce(&mut Full, Clock)) {
        self.note(|noted, clock| {
            if let Some(full) = &mut noted.full {
                change(full, clock);
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
        self.change(|times, clock| {
            if let Some(step) = times.steps.get_mut(number as usize) {
                step.duration = clock.now().saturating_sub(step.began);
                step.outcome = outcome;
            }
        });
    }

    pub(super) fn fail(&self, failure: Failure) {
        self.note(|noted, clock| {
            noted.times.abandon(clock.now());
            noted.times.ending = Ending::Failed(failure);
            noted.has_failed = true;
        });
    }

    /// The head of the response is final.
    pub(super) fn take_response(&self, fields: &Fields) {
        let wanted = self.observers.response_fields();
        if !wanted.is_empty() {
            let taken = TakenFields::of(fields, wanted);
            self.change(|times, _| times.response_fields = taken);
        }
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
            outbound: Vec::new(),
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
            Kept::Tapped(tapped) => tapped.lengths().0,
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
            for call in &mut step.outbound {
                if call.duration == RUNNING {
                    call.duration = now.saturating_sub(call.began);
                }
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
        listener: None,
        scheme: beginning.scheme,
        protocol: head.version,
        method: head.method.clone(),
        target: head.target.as_str().into(),
        host: authority.or_else(|| head.fields.get_text(Known::Host).map(Into::into)),
        request_fields: TakenFields::default(),
        response_fields: TakenFields::default(),
        context: None,
        route: None,
        status: None,
        request_bytes: 0,
        response_bytes: 0,
        steps: Vec::with_capacity(4),
        ending: Ending::CutOff,
    }
}

/// The place in a trace of an exchange with this request, and the state that goes with it.
fn context_of(sample: Option<f64>, head: &RequestHead) -> (Option<TraceContext>, Option<Box<str>>) {
    let Some(ratio) = sample else {
        return (None, None);
    };
    let mut lines = head.fields.get_all(TRACEPARENT);
    // Two of them are none (Trace Context, section 3.2).
    let parent = lines.next().filter(|_| lines.next().is_none());
    let parent = parent.and_then(Parent::parse);
    let state = parent.and_then(|_| {
        let lines = head.fields.get_all(TRACESTATE);
        let lines: Vec<_> = lines
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        (!lines.is_empty()).then(|| lines.join(",").into_boxed_str())
    });
    (Some(TraceContext::begin(parent, random(), ratio)), state)
}

/// Numbers that nobody can foresee: hashes with the process' own random keys.
fn random() -> [u64; 3] {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let number = DRAWN.fetch_add(1, Ordering::Relaxed);
    [0u8, 1, 2].map(|which| KEYS.hash_one((number, which)))
}

//! One exchange after the other through the chain, with the recorded answer in the place of the backend.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::stage::{Destination, Stage};
use crate::message::trace::{Beginning, Finished, Level, Observer, Observers};
use crate::message::{Body, BodyError, BoxError, Exchange, ExchangeId, Scheme, Trace};
use crate::proxy::upstream::UpstreamError;
use crate::proxy::{
    ErrorFields, ExchangeError, Last, Switch, Wish, failure, flow, receive_response,
};
use crate::record::{
    Content, Masks, Message, MessageEdit, Performer, Recorded, Step, Unusable, recorded,
};

/// How long an exchange may wait in all, by the stage's clock.
const LONGEST: Duration = Duration::from_secs(60);

/// The most bytes of a body that are looked at.
const BODY_LIMIT: usize = 64 << 20;

/// Plays exchanges one after the other, in the order in which they began.
#[derive(Debug)]
pub struct Player {
    stage: Stage,
    stop: CancellationToken,
    /// When the stage begins.
    began: u64,
}

impl Player {
    /// `began` is when the stage begins: microseconds since 1970. `stop` ends an exchange that is under way, and lets no other begin.
    pub fn new(stage: Stage, began: u64, stop: CancellationToken) -> Self {
        Self { stage, stop, began }
    }

    /// Plays an exchange, and gives what came of it. `masks` are those by which it was recorded.
    ///
    /// # Errors
    /// Why it can't be played.
    pub fn play(&mut self, then: &Recorded, masks: &Masks) -> Result<Recorded, Unplayable> {
        if self.stop.is_cancelled() {
            return Err(Unplayable::Stopped);
        }
        self.stage.reach(then.began.saturating_sub(self.began));
        if then.is_websocket() {
            return Err(Unplayable::WebSocket);
        }
        let is_host = |step: &Step| step.performer == Performer::Host;
        let first = then.steps.iter().position(|step| !is_host(step));
        let (request, _) = then.before(first.unwrap_or(then.steps.len()));
        let (head, body) = (request.request_head()?, request.body()?);
        let answers = answers(then)?;
        let keeper = Arc::new(Keeper::new(body_limit(then)));
        let observers = Arc::new(Observers::new(vec![keeper.clone()]));
        let scheme = match &*then.scheme {
            "https" => Scheme::Https,
            _ => Scheme::Http,
        };
        let beginning = Beginning {
            id: ExchangeId(then.id),
            client: then.client,
            scheme,
            head: &head,
        };
        let trace = Trace::begin(&observers, beginning);
        let mut exchange = Exchange::new(then.id, then.client, scheme, head, body);
        trace.came(&mut exchange.request_body);
        exchange.trace = trace.clone();
        let route = self.stage.route(&exchange.request, then.route.as_deref());
        let passed = self.stage.run(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(Unplayable::Stopped),
                finished = finish(route, exchange, answers, trace, &keeper) => finished,
            }
        });
        recorded(&*passed?, masks).ok_or(Unplayable::Lost)
    }
}

/// So many bytes of each body are compared: where a body was cut off then, it is cut off now.
fn body_limit(then: &Recorded) -> usize {
    let edits = then
        .steps
        .iter()
        .flat_map(|step| [&step.request, &step.response]);
    let contents = edits.filter_map(|edit| match edit {
        MessageEdit::Unchanged => None,
        MessageEdit::Whole(message) => Some(&message.content),
        MessageEdit::Edited(edit) => edit.content.as_ref(),
    });
    let contents = contents.chain([&then.request.content]);
    let is_cut = |content: &&Content| (content.kept.len() as u64) < content.length;
    let cut = contents.filter(is_cut).map(|content| content.kept.len());
    cut.min().unwrap_or(BODY_LIMIT)
}

/// Why an exchange can't be run again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplayable {
    #[error("a WebSocket is not run again")]
    WebSocket,
    #[error(transparent)]
    Message(#[from] Unusable),
    #[error("it did not come to its end")]
    Lost,
    #[error("the run was ended before it")]
    Stopped,
}

impl Unplayable {
    /// The reason without the details.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::WebSocket => "WebSockets are not run again",
            Self::Message(Unusable::NotWhole { .. }) => "a body was not kept whole",
            Self::Message(Unusable::Target(_) | Unusable::Other(_)) => {
                "they are no requests that tollgate takes"
            }
            Self::Lost => "they did not come to their end",
            Self::Stopped => "the run was ended before them",
        }
    }
}

/// What the backend answered, each time that it was asked.
fn answers(then: &Recorded) -> Result<VecDeque<Message>, Unusable> {
    let mut answers = VecDeque::new();
    for (index, step) in then.steps.iter().enumerate() {
        if matches!(step.performer, Performer::Backend { .. })
            && let (_, Some(answer)) = then.before(index + 1)
        {
            answer.is_whole()?;
            answers.push_back(answer);
        }
    }
    Ok(answers)
}

/// Takes it through the chain, and waits until nobody works on it any more.
async fn finish(
    route: Result<Destination<'_>, ExchangeError>,
    exchange: Exchange,
    answers: VecDeque<Message>,
    trace: Trace,
    keeper: &Keeper,
) -> Result<Arc<Finished>, Unplayable> {
    pass(route, exchange, answers, trace).await;
    let finished = tokio::time::timeout(LONGEST, keeper.finished_one()).await;
    finished.map_err(|_| Unplayable::Lost)
}

async fn pass(
    route: Result<Destination<'_>, ExchangeError>,
    mut exchange: Exchange,
    answers: VecDeque<Message>,
    trace: Trace,
) {
    let (chain, backend) = match route {
        Ok(found) => found,
        Err(error) => return trace.fail(|| failure(&error)),
    };
    exchange.backend = backend;
    let last = Arc::new(FromTape(Mutex::new(answers)));
    let kept = ErrorFields::default();
    let flow = flow::run(chain, &last, Box::new(exchange), Wish::default(), &kept);
    let (mut exchange, result) = match tokio::time::timeout(LONGEST, flow).await {
        Ok(flowed) => flowed,
        Err(_) => return trace.fail(|| failure(&ExchangeError::TimedOut(LONGEST))),
    };
    if let Err(error) = result {
        return trace.fail(|| failure(&error));
    }
    trace.answers(&exchange.response);
    let sent = tokio::time::timeout(LONGEST, drain(exchange.response_body.send())).await;
    if let Ok(Ok(bytes)) = sent {
        trace.sent(bytes, true);
    }
}

/// Reads a body to its end, as its receiver does.
async fn drain(mut body: Body) -> Result<u64, BoxError> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(bytes)
}

/// What comes last: the recorded answers in their order, then the last one again.
struct FromTape(Mutex<VecDeque<Message>>);

impl FromTape {
    fn next(&self) -> Option<Message> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        }
    }
}

impl Last for FromTape {
    async fn answer(
        &self,
        exchange: &mut Exchange,
        _: Wish,
    ) -> Result<Option<Switch>, ExchangeError> {
        let failed = |error| ExchangeError::Upstream {
            backend: "of the tape".to_owned(),
            error,
        };
        let sent = drain(exchange.request_body.send()).await;
        let lost =
            |error: BoxError| UpstreamError::RequestBody(BodyError::from_source(error.as_ref()));
        sent.map_err(|error| failed(lost(error)))?;
        let nothing = "the exchange did not reach it then, so there is no answer of it on the tape";
        let answer = self
            .next()
            .ok_or_else(|| UpstreamError::Protocol(nothing.to_owned()));
        let answer = answer.map_err(failed)?;
        let unusable = |error: Unusable| failed(UpstreamError::Protocol(error.to_string()));
        let head = answer.response_head().map_err(unusable)?;
        let body = answer.body().map_err(unusable)?;
        receive_response(exchange, head, body).map_err(failed)?;
        Ok(None)
    }
}

/// Keeps the exchange that is finished.
#[derive(Debug)]
struct Keeper {
    body_limit: usize,
    kept: Mutex<Option<Arc<Finished>>>,
    come: Notify,
}

impl Keeper {
    fn new(body_limit: usize) -> Self {
        Self {
            body_limit,
            kept: Mutex::default(),
            come: Notify::new(),
        }
    }

    /// Waits for it.
    async fn finished_one(&self) -> Arc<Finished> {
        loop {
            let kept = self
                .kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            match kept {
                Some(finished) => return finished,
                None => self.come.notified().await,
            }
        }
    }
}

impl Observer for Keeper {
    fn wants(&self) -> Level {
        Level::Full
    }

    fn body_limit(&self) -> usize {
        self.body_limit
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange.clone());
        self.come.notify_one();
    }
}

//! One exchange of a tape through the chain as it is now, with the recorded answer in the place of the backend.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt as _;

use super::stage::Stage;
use crate::message::trace::{Beginning, Finished, Level, Observer, Observers};
use crate::message::{Body, BodyError, BoxError, Exchange, ExchangeId, Scheme, Trace};
use crate::proxy::upstream::UpstreamError;
use crate::proxy::{
    ErrorFields, ExchangeError, Last, Switch, Wish, failure, flow, receive_response,
};
use crate::record::{Masks, Message, Performer, Recorded, Unusable, recorded};

/// How long an exchange may wait in all, by the stage's clock.
const LONGEST: Duration = Duration::from_secs(60);

/// The most bytes of a body that are looked at.
const BODY_LIMIT: usize = 64 << 20;

/// Runs an exchange of the tape again, and gives what came of it.
///
/// # Errors
/// Why it can't be run.
pub(super) fn play(stage: &Stage, then: &Recorded, masks: &Masks) -> Result<Recorded, Unplayable> {
    if then.is_websocket() {
        return Err(Unplayable::WebSocket);
    }
    let first = then
        .steps
        .iter()
        .position(|step| step.performer != Performer::Host);
    let (request, _) = then.before(first.unwrap_or(then.steps.len()));
    let head = request.request_head()?;
    let body = request.body()?;
    let answers = answers(then)?;
    let keeper = Arc::new(Keeper::default());
    let observers = Arc::new(Observers::new(vec![keeper.clone()]));
    let id = ExchangeId(then.id);
    let scheme = if then.scheme == "https" {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let beginning = Beginning {
        id,
        client: then.client,
        scheme,
        head: &head,
    };
    let trace = Trace::begin(&observers, beginning);
    let mut exchange = Exchange::new(then.id, then.client, scheme, head, body);
    trace.came(&mut exchange.request_body);
    exchange.trace = trace.clone();
    stage
        .runtime
        .block_on(pass(stage, exchange, answers, trace));
    let finished = keeper.take().ok_or(Unplayable::Lost)?;
    recorded(&finished, masks).ok_or(Unplayable::Lost)
}

/// Why an exchange can't be run again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unplayable {
    #[error("a WebSocket is not run again")]
    WebSocket,
    #[error(transparent)]
    Message(#[from] Unusable),
    #[error("it did not come to its end")]
    Lost,
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

async fn pass(stage: &Stage, mut exchange: Exchange, answers: VecDeque<Message>, trace: Trace) {
    let Some((chain, backend)) = stage.route(&exchange.request) else {
        return trace.fail(|| failure(&ExchangeError::NoRoute));
    };
    exchange.backend = backend;
    let last = Arc::new(FromTape(Mutex::new(answers)));
    let kept = ErrorFields::default();
    let flow = flow::run(&chain, &last, Box::new(exchange), Wish::default(), &kept);
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
#[derive(Debug, Default)]
struct Keeper(Mutex<Option<Arc<Finished>>>);

impl Keeper {
    fn take(&self) -> Option<Arc<Finished>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Observer for Keeper {
    fn wants(&self) -> Level {
        Level::Full
    }

    fn body_limit(&self) -> usize {
        BODY_LIMIT
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange.clone());
    }
}

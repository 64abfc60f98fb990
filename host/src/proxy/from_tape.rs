//! A tape in the place of a backend.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::Method;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::Instant;

use super::error::ExchangeError;
use super::upstream::UpstreamError;
use crate::config::backend::OnMiss;
use crate::message::{Body, BodyError, Exchange, ReadLimits, ResponseHead, Streaming};
use crate::record::answers::{Answer, Answers, Asked, NoAnswer, Pace};
use crate::record::{Message, Unusable, trailers};

/// How much of a body is compared, and how long to wait for each piece of it.
const LIMITS: ReadLimits = ReadLimits {
    size: 64 << 20,
    idle: Duration::from_secs(60),
};

/// What a tape made of a request.
#[derive(Debug)]
pub enum Played {
    /// The answer, when it is time for it.
    Answered(Box<(ResponseHead, Body)>),
    /// There is none, and the backend of this name is to be asked.
    Missed(Arc<str>),
}

/// Answers a request from a tape. The request is still whole if nobody has.
///
/// # Errors
/// When there is no answer and nobody else to ask, when the answer can't be given, or the request could not be read.
pub async fn play(
    name: &str,
    answers: &Answers,
    on_miss: &OnMiss,
    exchange: &mut Exchange,
) -> Result<Played, ExchangeError> {
    let failed = |error| ExchangeError::Upstream {
        backend: name.to_owned(),
        error,
    };
    let lost = |error: BodyError| failed(UpstreamError::RequestBody(error));
    let body = match answers.rules().body {
        true => exchange.request_body.read_all(LIMITS).await.map_err(lost)?,
        false => Bytes::new(),
    };
    let request = Message::of_request(&exchange.request, body.to_vec());
    let asked = Asked::now(&request, answers.rules());
    let answer = match answers.next(&asked) {
        Ok(answer) => answer,
        Err(none) => return missed(&none, on_miss, exchange).map_err(failed),
    };
    if !answers.rules().body {
        // A client may read its answer only when all of its request was taken.
        drain(exchange.request_body.send()).await.map_err(lost)?;
    }
    let is_head = exchange.request.method == Method::HEAD;
    let given = give(&answer, answers.rules().pace, is_head).await;
    given.map(Played::Answered).map_err(failed)
}

fn missed(none: &NoAnswer, on_miss: &OnMiss, exchange: &Exchange) -> Result<Played, UpstreamError> {
    match (on_miss, none) {
        // What the tape has and can't give is nothing that the other backend knows.
        (OnMiss::Backend(backend), NoAnswer::Unknown(_) | NoAnswer::Given { .. }) => {
            tracing::info!(exchange = %exchange.id, "{none}; backend {backend} is asked");
            Ok(Played::Missed(backend.clone()))
        }
        (OnMiss::Status(status), _) => Err(UpstreamError::NotOnTape {
            status: *status,
            why: none.to_string(),
        }),
        (OnMiss::Backend(_), NoAnswer::Unusable { .. }) => Err(UpstreamError::NotOnTape {
            status: OnMiss::DEFAULT,
            why: none.to_string(),
        }),
    }
}

async fn drain(mut body: Body) -> Result<(), BodyError> {
    use http_body_util::BodyExt as _;
    while let Some(frame) = body.frame().await {
        frame.map_err(|error| BodyError::from_source(&*error))?;
    }
    Ok(())
}

/// The answer when it is time.
async fn give(
    answer: &Answer,
    pace: Pace,
    is_head: bool,
) -> Result<Box<(ResponseHead, Body)>, UpstreamError> {
    let unusable = |error: Unusable| UpstreamError::Protocol(error.to_string());
    let head = answer.message.response_head().map_err(unusable)?;
    if pace == Pace::Original {
        tokio::time::sleep(Duration::from_micros(answer.after)).await;
    }
    let body = match is_head {
        true => Body::Empty,
        false => body(answer, pace),
    };
    Ok(Box::new((head, body)))
}

fn body(answer: &Answer, pace: Pace) -> Body {
    let data = Bytes::copy_from_slice(&answer.message.content.kept);
    let trailers = trailers(&answer.message.trailers);
    if pace == Pace::None || answer.pieces.is_empty() {
        return match data.is_empty() && trailers.is_none() {
            true => Body::Empty,
            false => Body::Full {
                data,
                trailers: trailers.map(Box::new),
            },
        };
    }
    let begin = Instant::now();
    let mut data = data;
    let pieces = answer.pieces.iter().map(|piece| {
        let part = data.split_to(piece.length.min(data.len()));
        (Some(piece.at), Frame::data(part))
    });
    let mut frames: Vec<_> = pieces.collect();
    frames.extend(trailers.map(|trailers| (None, Frame::trailers(trailers))));
    let paced = stream::unfold(frames.into_iter(), move |mut frames| async move {
        let (at, frame) = frames.next()?;
        if let Some(at) = at {
            tokio::time::sleep_until(begin + Duration::from_micros(at)).await;
        }
        Some((Ok::<_, Infallible>(frame), frames))
    });
    Body::Stream(Streaming::new(StreamBody::new(paced)))
}

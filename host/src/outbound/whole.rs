//! Calls with whole messages: a request with its body, and the whole response within one limit of time.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::header::{HeaderName, HeaderValue};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::time::timeout_at;

use super::body::AnswerBody;
use super::budget::CallBudget;
use super::client::{Answered, Caller, Outgoing, Start};
use super::error::{CallError, Phase};
use super::fields;
use super::prepare::CallHead;
use super::report::CallReport;

/// The most room that a length which a peer only says gets at once.
const FIRST_ROOM: u64 = 64 << 10;

/// A request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WholeCall {
    pub head: CallHead,
    pub body: Bytes,
    /// Of the whole call; none is the configuration's, which is also the longest.
    pub timeout: Option<Duration>,
}

/// A response.
#[derive(Debug, Clone)]
pub struct WholeAnswer {
    pub status: u16,
    /// Names in lower case. Repeated values stay apart; without what was for one hop.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
    pub trailers: Vec<(HeaderName, HeaderValue)>,
    pub report: CallReport,
}

impl Caller {
    /// Sends a request and waits for the whole response. Redirects are not followed.
    ///
    /// When a connection that had rested is closed under the request, it is sent once more if twice is no more than once
    /// (RFC 9110, section 9.2.2).
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send(
        &self,
        call: WholeCall,
        budget: &CallBudget,
    ) -> Result<WholeAnswer, CallError> {
        let config = self.config();
        let start = Start::now();
        let after = call
            .timeout
            .map_or(config.timeout, |own| own.min(config.timeout));
        let deadline = start.at + after;
        let late = |what| CallError::TimedOut { what, after };
        let asking = pin!(self.ask(&call.head, Outgoing::Whole(call.body), budget, &start));
        let Answered { response, body } = timeout_at(deadline, asking)
            .await
            .map_err(|_| late(Phase::Head))??;
        let mut body = body.limited(config.max_response, None)?;
        let (bytes, trailers) = timeout_at(deadline, pin!(collect(&mut body)))
            .await
            .map_err(|_| late(Phase::Body))??;
        let (head, ()) = response.into_parts();
        Ok(WholeAnswer {
            status: head.status.as_u16(),
            fields: fields::list(head.headers),
            body: bytes,
            trailers,
            report: body.report(),
        })
    }

    /// Sends several requests at once and waits until each has its response or error, which stand in the order of the
    /// requests. When there are more than may be under way at once, the next one begins when an earlier one is over.
    pub async fn send_all(
        &self,
        calls: Vec<WholeCall>,
        budget: &CallBudget,
    ) -> Vec<Result<WholeAnswer, CallError>> {
        let config = self.config();
        let at_once = config.max_at_once_of_plugin.min(config.max_at_once).max(1);
        let mut sending = Vec::with_capacity(calls.len());
        sending.extend(calls.into_iter().map(|call| self.send(call, budget)));
        futures_util::stream::iter(sending)
            .buffered(at_once)
            .collect()
            .await
    }
}

type Collected = (Bytes, Vec<(HeaderName, HeaderValue)>);

async fn collect(body: &mut AnswerBody) -> Result<Collected, CallError> {
    // Most bodies are one piece, which is not copied.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut trailers = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) if first.is_empty() && all.is_empty() => first = data,
            Ok(data) => {
                if all.is_empty() {
                    let more = body.size_hint().lower().min(FIRST_ROOM);
                    all.reserve(first.len() + data.len() + more as usize);
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&data);
            }
            Err(frame) => trailers.extend(
                frame
                    .into_trailers()
                    .ok()
                    .map(fields::list)
                    .into_iter()
                    .flatten(),
            ),
        }
    }
    let bytes = if all.is_empty() { first } else { all.freeze() };
    Ok((bytes, trailers))
}

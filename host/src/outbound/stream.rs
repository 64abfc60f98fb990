//! Calls that stream: the request's body as it comes, the response's head, then its body as it comes.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Response;
use tokio::time::{Instant, sleep_until};

use super::body::{AnswerBody, CallBody};
use super::budget::CallBudget;
use super::client::{Answered, Caller, Outgoing, Start};
use super::config::CallTimes;
use super::error::{CallError, Phase};
use super::prepare::CallHead;

/// A request whose body streams.
#[derive(Debug)]
pub struct StreamCall {
    pub head: CallHead,
    pub body: CallBody,
    pub times: CallTimes,
    /// The most bytes of the response's body.
    pub max_response: u64,
}

impl Caller {
    /// Sends a request and waits for the response's head. Redirects are not followed. The call is never sent twice, except
    /// when nothing of it was written.
    ///
    /// Fields of the response are without those of one hop; repeated ones stay repeated. Its body gives its trailers as a
    /// frame, and [`AnswerBody::report`] times and sizes. Dropping the future or the body ends the call.
    ///
    /// # Errors
    /// See [`CallError`]. An error in the body comes out of the body.
    pub async fn stream(
        &self,
        call: StreamCall,
        budget: &CallBudget,
    ) -> Result<Response<AnswerBody>, CallError> {
        let longest = self.config().timeout;
        let within = |own: Option<Duration>| own.map_or(longest, |own| own.min(longest));
        let start = Start::now();
        let asking = self.ask(
            &call.head,
            Outgoing::Stream(Some(call.body)),
            budget,
            &start,
        );
        let Answered { response, body } = in_time(asking, within(call.times.head), &start).await?;
        let body = body.limited(call.max_response, Some(within(call.times.gap)))?;
        Ok(response.map(|()| body))
    }
}

/// Waits for a response's head as long as the request's body moves, and `longest` from when it last did.
async fn in_time<T>(
    asking: impl Future<Output = Result<T, CallError>>,
    longest: Duration,
    start: &Start,
) -> Result<T, CallError> {
    let mut asking = pin!(asking);
    let mut late = pin!(sleep_until(start.at + longest));
    let mut sent = 0;
    loop {
        tokio::select! {
            biased;
            answer = &mut asking => return answer,
            () = &mut late => {
                let now = start.sent.load(Ordering::Relaxed);
                if now == sent {
                    return Err(CallError::TimedOut { what: Phase::Head, after: longest });
                }
                sent = now;
                late.as_mut().reset(Instant::now() + longest);
            }
        }
    }
}

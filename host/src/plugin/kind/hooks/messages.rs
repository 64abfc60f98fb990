//! A plugin's part in one WebSocket: an instance that gets its messages, and nothing else meanwhile.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tokio::time::{Instant, Sleep, sleep_until};

use super::instance::{Instance, LONGEST_CALL, stalled};
use super::rewriting::Lender;
use crate::counted::{Counted, Counter};
use crate::interceptor::{InterceptError, MessageCall, MessageInterceptor};
use crate::message::Trace;
use crate::message::websocket::{Content, MessageOutbox, Peer};
use crate::plugin::wasm::{INSTANCES, PluginVersion};

/// The most WebSockets that plugins read at once, counted once for each plugin. They last for any time, so half of the places
/// for instances is kept for calls.
const MOST: usize = INSTANCES as usize / 2;

/// Claims a place for one more.
///
/// # Errors
/// When there are too many.
pub fn claim(counter: &Counter) -> Result<Counted, InterceptError> {
    let claimed = counter.take();
    match claimed.is_above(MOST) {
        true => Err(InterceptError::Unavailable(format!(
            "{MOST} instances belong to WebSockets already"
        ))),
        false => Ok(claimed),
    }
}

/// An instance that has said that it wants the messages of a WebSocket.
pub struct GuestMessages {
    pub lender: Arc<dyn Lender>,
    pub version: Arc<PluginVersion>,
    pub instance: Box<Instance>,
    pub outbox: MessageOutbox,
    pub trace: Trace,
    pub _place: Counted,
}

impl MessageInterceptor for GuestMessages {
    fn name(&self) -> &str {
        &self.version.name
    }

    fn longest(&self) -> usize {
        usize::try_from(self.version.limits.piece).unwrap_or(usize::MAX)
    }

    fn outbox(&self) -> MessageOutbox {
        self.outbox.clone()
    }

    fn trace(&self) -> Trace {
        self.trace.clone()
    }

    fn message(mut self: Box<Self>, sender: Peer, content: Content) -> MessageCall {
        Box::pin(async move {
            let call = self.instance.message(sender, content, &self.version);
            let called = patiently(&self.outbox, call).await;
            let fate = called.unwrap_or_else(|| Err(stalled(LONGEST_CALL)));
            self.version.count_failure(&fate);
            let fate = fate?;
            let same: Box<dyn MessageInterceptor> = self;
            Ok((same, fate))
        })
    }

    fn closed(
        mut self: Box<Self>,
    ) -> Pin<Box<dyn Future<Output = Result<(), InterceptError>> + Send>> {
        Box::pin(async move {
            self.outbox.forget();
            let closed = self.instance.closed(&self.version).await;
            self.version.count_failure(&closed);
            closed?;
            self.instance.release();
            self.lender.take_back(*self.instance);
            Ok(())
        })
    }
}

impl std::fmt::Debug for GuestMessages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestMessages")
            .field("plugin", &self.version.name)
            .finish_non_exhaustive()
    }
}

/// What a call comes to; none if it waited for too long for anything but room for what it sends.
async fn patiently<T>(outbox: &MessageOutbox, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut patience: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = call.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if outbox.is_waiting() {
            patience = None;
            return Poll::Pending;
        }
        let start = || Box::pin(sleep_until(Instant::now() + LONGEST_CALL));
        let patience = patience.get_or_insert_with(start);
        patience.as_mut().poll(cx).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::websocket::ROOM;

    #[tokio::test(start_paused = true)]
    async fn only_who_does_not_wait_for_a_receiver_stalls() {
        let outbox = MessageOutbox::default();
        let started = Instant::now();
        let stalled = patiently(&outbox, std::future::pending::<()>()).await;
        assert!(stalled.is_none() && started.elapsed() == LONGEST_CALL);
        outbox.send(Peer::Client, Content::Binary(vec![0; ROOM]));
        let waits = patiently(&outbox, outbox.room(Peer::Client));
        let waited = tokio::time::timeout(LONGEST_CALL * 3, waits).await;
        assert!(waited.is_err(), "it waits for the client");
    }

    #[test]
    fn half_of_all_places_are_for_calls() {
        let counter = Counter::default();
        let held: Vec<_> = (0..MOST).map(|_| claim(&counter).unwrap()).collect();
        assert_eq!(
            claim(&counter).unwrap_err().to_string(),
            "found no free instance: 1000 instances belong to WebSockets already"
        );
        drop(held);
        claim(&counter).unwrap();
    }
}

//! A response's body with what its exchange holds until the last byte.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::delivery::Delivery;
use crate::counted::Counted;
use crate::message::{Body, BoxError, Trace};

/// The body, and what is let go with it: the chain, the count of what is under way.
#[derive(Debug)]
pub struct Held {
    body: Body,
    /// Why the body breaks off, kept back until what came before has been sent.
    broken: Option<BoxError>,
    /// What observers are told; none if there are none.
    progress: Option<Box<Progress>>,
    _chain: Option<Arc<dyn Any + Send + Sync>>,
    _slot: Counted,
}

/// How much of the response has gone.
#[derive(Debug)]
struct Progress {
    trace: Trace,
    /// Of the body.
    bytes: u64,
    has_content: bool,
    /// All of it.
    complete: bool,
}

impl Held {
    /// `has_content`: the response is one that carries its body.
    pub fn new(
        body: Body,
        has_content: bool,
        chain: Option<Arc<dyn Any + Send + Sync>>,
        slot: Counted,
        trace: Trace,
    ) -> Self {
        let progress = trace.is_on().then(|| {
            Box::new(Progress {
                trace,
                bytes: 0,
                has_content,
                complete: false,
            })
        });
        Self {
            body,
            broken: None,
            progress,
            _chain: chain,
            _slot: slot,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.trace.sent(self.bytes, self.complete);
    }
}

impl Delivery for Held {
    fn delivered(mut self: Pin<&mut Self>) {
        if let Some(progress) = &mut self.progress {
            progress.complete = true;
        }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let me = &mut *self;
        if let Some(error) = me.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(Pin::new(&mut me.body).poll_frame(cx)) {
            Some(Err(error)) => {
                // The connection breaks off at once when it hears of it, and with it what is not flushed yet: the head,
                // if the body failed early.
                me.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => {
                if let Some(progress) = &mut me.progress
                    && progress.has_content
                {
                    let data = frame.as_ref().and_then(|frame| frame.as_ref().ok());
                    let data = data.and_then(Frame::data_ref).map_or(0, Bytes::len);
                    progress.bytes += data as u64;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http_body_util::BodyExt as _;

    use super::*;
    use crate::counted::Counter;
    use crate::message::trace::{Beginning, Ending, Finished, Level, Observer, Observers};
    use crate::message::{ExchangeId, RequestHead, Scheme};

    /// How exchanges ended, and how many bytes of their responses' bodies went.
    #[derive(Debug, Default)]
    struct Endings(Mutex<Vec<(Ending, u64)>>);

    impl Observer for Endings {
        fn wants(&self) -> Level {
            Level::Times
        }

        fn finished(&self, exchange: &Arc<Finished>) {
            let times = &exchange.times;
            let ending = (times.ending.clone(), times.response_bytes);
            self.0.lock().unwrap().push(ending);
        }
    }

    #[tokio::test]
    async fn a_response_is_complete_when_the_connection_has_taken_all_of_it() {
        let endings = Arc::new(Endings::default());
        let observers = Arc::new(Observers::new(vec![endings.clone()]));
        let head = RequestHead::new();
        let held = |body: Body, has_content| {
            let beginning = Beginning {
                id: ExchangeId(1),
                client: ([127, 0, 0, 1], 1).into(),
                scheme: Scheme::Http,
                head: &head,
            };
            let trace = Trace::begin(&observers, beginning);
            Held::new(body, has_content, None, Counter::default().take(), trace)
        };
        for (data, has_content, bytes) in [
            ("", true, 0),
            ("", false, 0),
            ("12345", true, 5),
            // An answer to HEAD.
            ("12345", false, 0),
        ] {
            for delivered in [false, true] {
                let body = match data {
                    "" => Body::Empty,
                    data => Body::Arrived(data.into()),
                };
                let mut held = held(body, has_content);
                while held.frame().await.is_some() {}
                if delivered {
                    Pin::new(&mut held).delivered();
                }
                drop(held);
                let ending = match delivered {
                    true => Ending::Complete,
                    false => Ending::CutOff,
                };
                let ended = endings.0.lock().unwrap().pop().unwrap();
                assert_eq!(ended, (ending, bytes));
            }
        }
    }
}

//! Bodies at the guest's border: the request's, lent to it, and the answer's, which may break off with its maker.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

use super::life::GuestLife;
use super::task::GuestTask;
use crate::message::{Body, BodyError, BoxError, Streaming};

/// A request's body that a guest may read. If it never does, it can be had back.
#[derive(Debug)]
pub struct Lent(Arc<Mutex<LentBody>>);

#[derive(Debug)]
struct LentBody {
    body: Body,
    touched: bool,
}

impl Lent {
    pub fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(LentBody {
            body,
            touched: false,
        })))
    }

    /// The guest's end.
    pub fn reader(&self, life: Arc<GuestLife>) -> LentReader {
        let shared = lock(&self.0);
        LentReader {
            shared: self.0.clone(),
            life,
            // What is all here is read from a copy and stays.
            own: match &shared.body {
                Body::Full { data, trailers } => Some(Body::Full {
                    data: data.clone(),
                    trailers: trailers.clone(),
                }),
                Body::Empty => Some(Body::Empty),
                _ => None,
            },
            size: shared.body.size_hint(),
            empty: shared.body.is_end_stream(),
        }
    }

    /// What is left for others while the guest still reads: bytes that are all here.
    pub fn kept(&self) -> Body {
        match &lock(&self.0).body {
            Body::Full { data, trailers } => Body::Full {
                data: data.clone(),
                trailers: trailers.clone(),
            },
            Body::Empty => Body::Empty,
            _ => Body::Gone,
        }
    }

    /// The body if it is whole; what a guest began to read is gone.
    pub fn take_back(&self) -> Body {
        let mut shared = lock(&self.0);
        if shared.touched {
            Body::Gone
        } else {
            shared.touched = true;
            std::mem::replace(&mut shared.body, Body::Gone)
        }
    }
}

fn lock(shared: &Mutex<LentBody>) -> std::sync::MutexGuard<'_, LentBody> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a body that is lent.
#[derive(Debug)]
pub struct LentReader {
    shared: Arc<Mutex<LentBody>>,
    life: Arc<GuestLife>,
    own: Option<Body>,
    size: SizeHint,
    empty: bool,
}

impl HttpBody for LentReader {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let frame = if let Some(own) = &mut this.own {
            ready!(Pin::new(own).poll_frame(cx))
        } else {
            let mut shared = lock(&this.shared);
            // Taken back: the guest reads on after its answer has come to nothing.
            if let (Body::Gone, true) = (&shared.body, shared.touched) {
                return Poll::Ready(Some(Err(Error::ConnectionTerminated)));
            }
            shared.touched = true;
            ready!(Pin::new(&mut shared.body).poll_frame(cx))
        };
        this.life.moved();
        Poll::Ready(frame.map(|frame| frame.map_err(|error| wasi_error(&*error))))
    }

    fn is_end_stream(&self) -> bool {
        self.empty
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

/// What a guest is told of a body that broke off.
pub fn wasi_error(error: &(dyn std::error::Error + 'static)) -> Error {
    match BodyError::from_source(error) {
        BodyError::TooLarge { limit } => Error::HttpRequestBodySize(Some(limit)),
        BodyError::TimedOut { .. } => Error::ConnectionReadTimeout,
        BodyError::Disconnected(_) | BodyError::AlreadyStreamed | BodyError::Rewriting(_) => {
            Error::ConnectionTerminated
        }
    }
}

/// The body of an answer that a guest gave. The guest's task goes on for as long as it is wanted, and a while longer.
///
/// `length` is what its head says of it.
pub fn made_by_guest(
    body: WasiBody,
    length: Option<u64>,
    life: Arc<GuestLife>,
    task: GuestTask,
) -> Body {
    if body.is_end_stream() && length.is_none_or(|length| length == 0) {
        life.body_is_over();
        task.detach();
        return Body::Empty;
    }
    Body::Stream(Streaming::new(Made {
        body,
        life,
        over: false,
        missing: length,
        task: Some(task),
    }))
}

/// A body that a guest makes, or hands on.
struct Made {
    body: WasiBody,
    life: Arc<GuestLife>,
    over: bool,
    /// Bytes that its length still promises, if it has one.
    missing: Option<u64>,
    task: Option<GuestTask>,
}

impl Made {
    fn end(&mut self) {
        self.over = true;
        self.life.body_is_over();
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }

    /// Counts a piece against the length; false when it is longer than that.
    fn fits(&mut self, frame: &Frame<Bytes>) -> bool {
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(missing) = &mut self.missing else {
            return true;
        };
        let rest = missing.checked_sub(size);
        *missing = rest.unwrap_or(0);
        rest.is_some()
    }

    /// Why a body that has come to an end is not whole.
    fn cause(&self, end: Option<Error>) -> Option<String> {
        // A guest that trapped leaves a stream that just ends.
        let failure = self.life.failure().map(|error| error.to_string());
        let told = || end.map(|error| error.to_string());
        let short = || {
            let missing = self.missing.filter(|missing| *missing > 0)?;
            Some(format!(
                "it is {missing} bytes shorter than its content-length"
            ))
        };
        failure.or_else(told).or_else(short)
    }

    fn broken(&mut self, cause: &str) -> Option<Result<Frame<Bytes>, BoxError>> {
        self.end();
        Some(Err(BodyError::Disconnected(format!(
            "its maker failed: {cause}"
        ))
        .into()))
    }
}

impl HttpBody for Made {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.life.moved();
        Poll::Ready(match frame {
            Some(Ok(frame)) if !self.fits(&frame) => {
                self.broken("it is longer than its content-length")
            }
            Some(Ok(frame)) => {
                match frame.is_trailers().then(|| self.cause(None)).flatten() {
                    Some(cause) => return Poll::Ready(self.broken(&cause)),
                    None if frame.is_trailers() => self.end(),
                    None => {}
                }
                Some(Ok(frame))
            }
            end => match self.cause(end.and_then(Result::err)) {
                Some(cause) => self.broken(&cause),
                None => {
                    self.end();
                    None
                }
            },
        })
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.over {
            self.life.client_left();
        }
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;
    use crate::interceptor::InterceptError;

    fn life() -> Arc<GuestLife> {
        Arc::new(GuestLife::new(1))
    }

    fn stream(text: &'static str) -> Body {
        Body::Stream(Streaming::new(Full::new(Bytes::from_static(
            text.as_bytes(),
        ))))
    }

    #[tokio::test]
    async fn a_body_that_nobody_touched_can_be_had_back() {
        let lent = Lent::new(stream("abc"));
        let reader = lent.reader(life());
        assert_eq!(reader.size_hint().exact(), Some(3));
        let body = lent.take_back();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
        assert!(
            reader.collect().await.is_err(),
            "it has one reader at a time"
        );
    }

    #[tokio::test]
    async fn a_guest_reads_on_while_its_answer_is_on_its_way() {
        let lent = Lent::new(stream("abc"));
        let reader = lent.reader(life());
        assert!(matches!(lent.kept(), Body::Gone));
        drop(lent);
        assert_eq!(reader.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn a_stream_that_was_read_is_gone_and_bytes_stay() {
        let lent = Lent::new(stream("abc"));
        assert_eq!(
            lent.reader(life()).collect().await.unwrap().to_bytes(),
            "abc"
        );
        assert!(matches!(lent.take_back(), Body::Gone));

        let lent = Lent::new(Body::full("abc"));
        assert!(matches!(lent.kept(), Body::Full { .. }));
        assert_eq!(
            lent.reader(life()).collect().await.unwrap().to_bytes(),
            "abc"
        );
        assert!(matches!(lent.take_back(), Body::Full { .. }));
    }

    #[tokio::test]
    async fn a_body_whose_maker_failed_breaks_off() {
        for failed in [false, true] {
            let life = life();
            let inner = Full::new(Bytes::from_static(b"abc"));
            let inner = inner.map_err(|never| match never {}).boxed_unsync();
            if failed {
                life.fail(InterceptError::Trapped("unreachable".into()));
            }
            let body = made_by_guest(inner, None, life.clone(), GuestTask::ended());
            let read = body.collect().await;
            assert_eq!(read.is_err(), failed);
            life.until_body_is_over().await;
            assert!(life.is_wanted());
        }
    }

    #[tokio::test]
    async fn a_body_of_another_length_than_told_breaks_off() {
        for (length, whole) in [
            (Some(2), false),
            (Some(3), true),
            (Some(4), false),
            (None, true),
        ] {
            let inner = Full::new(Bytes::from_static(b"abc"));
            let inner = inner.map_err(|never| match never {}).boxed_unsync();
            let body = made_by_guest(inner, length, life(), GuestTask::ended());
            assert_eq!(body.collect().await.is_ok(), whole, "{length:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_dropped_early_is_not_wanted() {
        let life = life();
        let inner = Full::new(Bytes::from_static(b"abc"));
        let inner = inner.map_err(|never| match never {}).boxed_unsync();
        drop(made_by_guest(inner, None, life.clone(), GuestTask::ended()));
        assert!(!life.is_wanted());
    }
}

//! A message body that streams past unless somebody asks for the whole of it.
//!
//! [`Body::read_all`] turns a stream into bytes in place, so the next plugin and the receiver still find it. A body that
//! proved too long is put together again from what was read and what was not: nobody sees a truncated one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

use super::hygiene;

/// The content of a request or response on its way through the proxy.
#[derive(Debug, Default)]
pub enum Body {
    /// No content.
    #[default]
    Empty,
    /// All of it is here: a plugin read it or set it.
    Full {
        data: Bytes,
        trailers: Option<Box<HeaderMap>>,
    },
    /// All of it came with the head, and nobody has asked for it yet: it is kept no more than one that streams.
    Arrived(Bytes),
    /// Still arriving from the peer.
    Stream(Streaming),
    /// Read in part and found too long: what was read, then the rest of the stream.
    Resumed { read: Bytes, rest: Streaming },
    /// It went on to its receiver and was not kept.
    Gone,
    /// The peer went away while it was read; holds why.
    Broken(String),
}

/// A body that arrives from a peer, by whatever protocol it comes.
///
/// Its trailers are free of what is meant for one hop; see [`hygiene::clean_trailers`].
/// What its end lets go on, such as the connection that it came on, is the affair of the body inside.
pub struct Streaming(Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>);

/// Any error, as bodies carry them. A [`BodyError`] inside tells the cause to whoever looks for it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Streaming {
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Box::pin(body.map_err(Into::into)))
    }
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Streaming").finish_non_exhaustive()
    }
}

impl HttpBody for Streaming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut frame = ready!(self.0.as_mut().poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            hygiene::clean_trailers(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// Why a whole body can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is longer than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("no further byte of the body came for {} s", .after.as_secs_f32())]
    TimedOut { after: Duration },
    #[error("the body broke off: {0}")]
    Disconnected(String),
    #[error("the body was sent on before and is not kept")]
    AlreadyStreamed,
    /// A plugin that rewrites the body as it flows failed.
    #[error("{0}")]
    Rewriting(Box<RewriteError>),
}

/// How a plugin failed that rewrites a body. Why is not for clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin}: {hook} failed")]
pub struct RewriteError {
    pub plugin: String,
    pub hook: String,
    pub why: String,
}

impl BodyError {
    /// The error of this type among an error and its causes; else the whole text as a break of the connection.
    pub fn from_source(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::find(error).unwrap_or_else(|| BodyError::Disconnected(error.to_string()))
    }

    /// The error of this type among an error and its causes.
    pub fn find(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<BodyError>() {
                return Some(found.clone());
            }
            cause = error.source();
        }
        None
    }
}

/// How much of a body may be read at once, and how long to wait for each piece.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimits {
    /// Bytes.
    pub size: u64,
    pub idle: Duration,
}

impl Body {
    /// A body of these bytes.
    pub fn full(data: impl Into<Bytes>) -> Self {
        Body::Full {
            data: data.into(),
            trailers: None,
        }
    }

    /// The whole content, up to `limits.size` bytes. It stays in place; a second call costs nothing.
    ///
    /// # Errors
    /// After [`BodyError::TooLarge`] the body is still whole and can go on streaming; after the others it is lost.
    pub async fn read_all(&mut self, limits: ReadLimits) -> Result<Bytes, BodyError> {
        match self {
            Body::Empty => return Ok(Bytes::new()),
            Body::Full { data, .. } if data.len() as u64 <= limits.size => return Ok(data.clone()),
            Body::Arrived(data) if data.len() as u64 <= limits.size => {
                let data = std::mem::take(data);
                *self = Body::full(data.clone());
                return Ok(data);
            }
            Body::Full { .. } | Body::Arrived(_) | Body::Resumed { .. } => {
                return Err(BodyError::TooLarge { limit: limits.size });
            }
            Body::Gone => return Err(BodyError::AlreadyStreamed),
            Body::Broken(why) => return Err(BodyError::Disconnected(why.clone())),
            Body::Stream(stream) if stream.size_hint().lower() > limits.size => {
                return Err(BodyError::TooLarge { limit: limits.size });
            }
            Body::Stream(_) => {}
        }
        let Body::Stream(stream) = std::mem::take(self) else {
            unreachable!("every other case has returned")
        };
        let (body, result) = collect(stream, limits).await;
        *self = body;
        result
    }

    /// Keeps these fields out of the trailers that are still to come.
    pub fn without_trailers(&mut self, names: Vec<HeaderName>) {
        if names.is_empty() || !matches!(self, Body::Stream(_)) {
            return;
        }
        let body = std::mem::take(self).map_frame(move |mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                for name in &names {
                    trailers.remove(name);
                }
            }
            frame
        });
        *self = Body::Stream(Streaming::new(body));
    }

    /// Puts these bytes in the place of the content and gives the old body back. Trailers that are known stay.
    pub fn replace(&mut self, data: Bytes) -> Body {
        let trailers = match self {
            Body::Full { trailers, .. } => trailers.clone(),
            _ => None,
        };
        std::mem::replace(self, Body::Full { data, trailers })
    }

    /// Takes the content out to send it. What is all here stays behind for later readers; a stream is gone.
    pub fn send(&mut self) -> Body {
        let kept = match self {
            Body::Empty => Body::Empty,
            Body::Full { data, trailers } => Body::Full {
                data: data.clone(),
                trailers: trailers.clone(),
            },
            _ => Body::Gone,
        };
        std::mem::replace(self, kept)
    }
}

/// Reads a stream to its end or its limit. The body that comes back is what the exchange goes on with.
async fn collect(mut stream: Streaming, limits: ReadLimits) -> (Body, Result<Bytes, BodyError>) {
    let expected = stream.size_hint().lower().min(limits.size);
    let mut read = BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0));
    let mut trailers = None;
    loop {
        let frame = match tokio::time::timeout(limits.idle, stream.frame()).await {
            Err(_) => {
                let error = BodyError::TimedOut { after: limits.idle };
                return (Body::Broken(error.to_string()), Err(error));
            }
            Ok(None) => break,
            Ok(Some(Err(e))) => {
                let error = BodyError::from_source(&*e);
                return (Body::Broken(error.to_string()), Err(error));
            }
            Ok(Some(Ok(frame))) => frame,
        };
        match frame.into_data() {
            Ok(data) => read.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        if read.len() as u64 > limits.size {
            let error = BodyError::TooLarge { limit: limits.size };
            return (
                Body::Resumed {
                    read: read.freeze(),
                    rest: stream,
                },
                Err(error),
            );
        }
    }
    let data = read.freeze();
    (
        Body::Full {
            data: data.clone(),
            trailers: trailers.map(Box::new),
        },
        Ok(data),
    )
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Body::Empty | Body::Gone => Poll::Ready(None),
            Body::Full { data, trailers } => {
                if !data.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(data)))));
                }
                Poll::Ready(trailers.take().map(|t| Ok(Frame::trailers(*t))))
            }
            Body::Arrived(data) => {
                let data = std::mem::take(data);
                Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
            }
            Body::Stream(stream) => Pin::new(stream).poll_frame(cx),
            Body::Resumed { read, rest } => {
                if !read.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(read)))));
                }
                Pin::new(rest).poll_frame(cx)
            }
            Body::Broken(why) => Poll::Ready(Some(Err(BodyError::Disconnected(std::mem::take(
                why,
            ))
            .into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Empty | Body::Gone => true,
            Body::Full { data, trailers } => data.is_empty() && trailers.is_none(),
            Body::Arrived(data) => data.is_empty(),
            Body::Stream(stream) => stream.is_end_stream(),
            Body::Resumed { read, rest } => read.is_empty() && rest.is_end_stream(),
            Body::Broken(_) => false,
        }
    }

    /// The length is exact unless trailers follow: HTTP/1.1 can carry those only behind chunks.
    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Empty | Body::Gone => SizeHint::with_exact(0),
            Body::Full {
                data,
                trailers: None,
            }
            | Body::Arrived(data) => SizeHint::with_exact(data.len() as u64),
            Body::Full { .. } | Body::Broken(_) => SizeHint::default(),
            Body::Stream(stream) => stream.size_hint(),
            Body::Resumed { read, rest } => resumed_size(read.len() as u64, &rest.size_hint()),
        }
    }
}

fn resumed_size(read: u64, rest: &SizeHint) -> SizeHint {
    let mut hint = SizeHint::new();
    hint.set_lower(read + rest.lower());
    if let Some(upper) = rest.upper() {
        hint.set_upper(read + upper);
    }
    hint
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ReadLimits = ReadLimits {
        size: 4,
        idle: Duration::from_secs(1),
    };

    async fn text(body: Body) -> String {
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_came_with_the_head_is_kept_only_if_somebody_reads_it() {
        let mut body = Body::Arrived("abcd".into());
        assert_eq!(body.size_hint().exact(), Some(4));
        assert_eq!(text(body.send()).await, "abcd");
        assert_eq!(body.read_all(LIMITS).await, Err(BodyError::AlreadyStreamed));
        let mut body = Body::Arrived("abcd".into());
        assert_eq!(body.read_all(LIMITS).await.unwrap(), "abcd");
        assert_eq!(text(body.send()).await, "abcd");
        assert_eq!(body.read_all(LIMITS).await.unwrap(), "abcd");
        let mut body = Body::Arrived("abcde".into());
        let too_large = Err(BodyError::TooLarge { limit: 4 });
        assert_eq!(body.read_all(LIMITS).await, too_large);
        assert_eq!(text(body).await, "abcde");
    }

    #[tokio::test]
    async fn a_full_body_is_read_again_and_again() {
        let mut body = Body::full("abcd");
        assert_eq!(body.read_all(LIMITS).await.unwrap(), "abcd");
        assert_eq!(body.read_all(LIMITS).await.unwrap(), "abcd");
        assert_eq!(text(body).await, "abcd");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_stays_whole() {
        let mut body = Body::full("abcde");
        assert_eq!(
            body.read_all(LIMITS).await.unwrap_err(),
            BodyError::TooLarge { limit: 4 }
        );
        assert_eq!(text(body).await, "abcde");
    }

    #[tokio::test]
    async fn what_was_sent_stays_readable_if_it_was_kept() {
        let mut kept = Body::full("ab");
        assert_eq!(text(kept.send()).await, "ab");
        assert_eq!(kept.read_all(LIMITS).await.unwrap(), "ab");

        let mut gone = Body::Gone;
        assert_eq!(
            gone.read_all(LIMITS).await.unwrap_err(),
            BodyError::AlreadyStreamed
        );
    }

    #[tokio::test]
    async fn trailers_survive_a_replaced_body() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let mut body = Body::Full {
            data: "old".into(),
            trailers: Some(Box::new(trailers.clone())),
        };
        body.replace("new".into());
        let all = body.collect().await.unwrap();
        assert_eq!(all.trailers(), Some(&trailers));
        assert_eq!(all.to_bytes(), "new");
    }

    #[test]
    fn a_body_with_trailers_has_no_exact_length() {
        let body = Body::Full {
            data: "x".into(),
            trailers: Some(Box::default()),
        };
        assert_eq!(body.size_hint().exact(), None);
        assert_eq!(Body::full("x").size_hint().exact(), Some(1));
    }
}

//! A body of which no more than so many bytes may come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::{BodyError, BoxError};

/// Fails with [`BodyError::TooLarge`] at the first byte above the limit.
#[derive(Debug)]
pub struct Limited<B> {
    body: B,
    limit: u64,
    left: u64,
}

impl<B> Limited<B> {
    /// At most `limit` bytes of this body; trailers don't count.
    pub fn new(body: B, limit: u64) -> Self {
        Self {
            body,
            limit,
            left: limit,
        }
    }
}

impl<B> HttpBody for Limited<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(Into::into)?;
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(size) {
            Some(left) => self.left = left,
            None => {
                return Poll::Ready(Some(Err(BodyError::TooLarge { limit: self.limit }.into())));
            }
        }
        Poll::Ready(Some(Ok(frame)))
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
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
        let read = |limit| Limited::new(Full::new(Bytes::from_static(b"abcd")), limit).collect();
        assert_eq!(read(4).await.unwrap().to_bytes(), "abcd");
        let error = read(3).await.unwrap_err();
        assert_eq!(
            BodyError::find(&*error),
            Some(BodyError::TooLarge { limit: 3 })
        );
    }
}

//! The heads that a backend sends: interim ones, and the one that answers.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, ReadBuf};

use crate::message::OnInformational;
use crate::proxy::http1::HeadLimits;
use crate::proxy::http1::response::{self, BadResponse, Response};

/// What is read at once before it is known where it belongs. It lies on the stack, and only what is kept is copied.
pub(super) const SCRATCH: usize = 16 << 10;

/// Interim responses before a final one. Nobody sends as many who means it well.
const MOST_INTERIM: usize = 100;

/// What was read so far.
#[derive(Debug)]
pub(super) struct Reading {
    limits: HeadLimits,
    /// The beginning of a head that is not all here.
    buffer: BytesMut,
    interim: usize,
    begun: bool,
}

/// A final head, and what was read behind it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) response: Response,
    pub(super) rest: BytesMut,
    /// The socket may hold more than was asked for.
    pub(super) is_full: bool,
}

/// Why there is no head.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the backend closed it")]
    Closed,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Bad(#[from] BadResponse),
    #[error("more than {MOST_INTERIM} interim responses")]
    TooManyInterim,
}

impl Reading {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            interim: 0,
            begun: false,
        }
    }

    /// Whether a first byte has come.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Reads up to the final head. `told` is told of each one before it.
    pub(super) fn poll<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
        told: &mut impl FnMut(&Response),
    ) -> Poll<Result<Found, ReadError>> {
        loop {
            let mut scratch = [const { MaybeUninit::uninit() }; SCRATCH];
            let mut read = ReadBuf::uninit(&mut scratch);
            ready!(Pin::new(&mut *io).poll_read(cx, &mut read))?;
            let new = read.filled();
            if new.is_empty() {
                return Poll::Ready(Err(ReadError::Closed));
            }
            self.begun = true;
            if let Some((response, rest)) = self.add(new, told)? {
                return Poll::Ready(Ok(Found {
                    response,
                    rest,
                    is_full: new.len() == SCRATCH,
                }));
            }
        }
    }

    /// Takes what was read. Gives the final head with what is behind it.
    fn add(
        &mut self,
        new: &[u8],
        told: &mut impl FnMut(&Response),
    ) -> Result<Option<(Response, BytesMut)>, ReadError> {
        if self.buffer.is_empty() {
            let (done, found) = self.heads(new, told)?;
            let rest = BytesMut::from(&new[done..]);
            if let Some(response) = found {
                return Ok(Some((response, rest)));
            }
            self.buffer = rest;
            return Ok(None);
        }
        self.buffer.extend_from_slice(new);
        // Only the end of a line can complete a head. A backend that sends single bytes must not make us read all again for
        // each.
        if !new.contains(&b'\n') && self.buffer.len() <= self.limits.max_head {
            return Ok(None);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let (done, found) = self.heads(&buffer, told)?;
        buffer.advance(done);
        if let Some(response) = found {
            return Ok(Some((response, buffer)));
        }
        self.buffer = buffer;
        Ok(None)
    }

    /// Passes over interim heads. Gives where it has come to, and the final head if it is all here.
    fn heads(
        &mut self,
        bytes: &[u8],
        told: &mut impl FnMut(&Response),
    ) -> Result<(usize, Option<Response>), ReadError> {
        let mut at = 0;
        while let Some(response) = response::read(&bytes[at..], &self.limits)? {
            at += response.len;
            let status = response.head.status;
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok((at, Some(response)));
            }
            self.interim += 1;
            if self.interim > MOST_INTERIM {
                return Err(ReadError::TooManyInterim);
            }
            told(&response);
            if at == bytes.len() {
                break;
            }
        }
        Ok((at, None))
    }
}

/// Tells the client of an interim response.
pub(super) fn tell(client: Option<&OnInformational>, interim: &Response) {
    if let Some(client) = client {
        client(&interim.head);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        max_head: 512,
        max_fields: 10,
        max_target: 0,
    };

    /// The status of the final head, those of the interim ones, and what is behind it; read in pieces that end at `cuts`.
    async fn read(bytes: &[u8], cuts: &[usize]) -> Result<(u16, Vec<u16>, Vec<u8>), ReadError> {
        let (mut near, mut far) = tokio::io::duplex(1 << 16);
        let mut reading = Reading::new(LIMITS);
        let mut interim = Vec::new();
        let mut from = 0;
        for &to in cuts.iter().chain([&bytes.len()]) {
            far.write_all(&bytes[from..to]).await.unwrap();
            from = to;
            let polled = poll_fn(|cx| {
                Poll::Ready(reading.poll(&mut near, cx, &mut |head| {
                    interim.push(head.head.status.as_u16());
                }))
            });
            if let Poll::Ready(found) = polled.await {
                let found = found?;
                let mut rest = found.rest.to_vec();
                rest.extend_from_slice(&bytes[from..]);
                return Ok((found.response.head.status.as_u16(), interim, rest));
            }
        }
        drop(far);
        let mut told = |_: &Response| {};
        Err(poll_fn(|cx| reading.poll(&mut near, cx, &mut told))
            .await
            .unwrap_err())
    }

    #[tokio::test]
    async fn heads_are_found_wherever_reads_end() {
        let all = b"HTTP/1.1 103 Hint\r\nlink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n\r\nbody";
        for cut in 0..=all.len() {
            let (status, interim, rest) = read(all, &[cut]).await.unwrap();
            assert_eq!((status, &interim[..]), (200, &[103, 100][..]), "{cut}");
            assert_eq!(rest, b"body", "{cut}");
        }
        let each: Vec<_> = (1..all.len()).collect();
        assert_eq!(read(all, &each).await.unwrap().1, [103, 100]);
        let (status, _, rest) = read(b"HTTP/1.1 101 S\r\n\r\nhello", &[]).await.unwrap();
        assert_eq!((status, &rest[..]), (101, &b"hello"[..]));
    }

    #[tokio::test]
    async fn what_is_no_head_is_an_error() {
        for cut in 0..30 {
            let error = read(b"HTTP/1.1 200 OK\r\na: \0\r\n\r\n", &[cut.min(24)]).await;
            assert!(matches!(error, Err(ReadError::Bad(_))), "{error:?}");
        }
        let large = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(1000));
        for cut in [0, 10, 511, 512, 513, 600] {
            let error = read(large.as_bytes(), &[cut]).await;
            let large = BadResponse::TooLarge(512);
            assert!(
                matches!(&error, Err(ReadError::Bad(bad)) if *bad == large),
                "{error:?}"
            );
        }
        let error = read(b"HTTP/1.1 200 OK\r\na: b\r\n", &[]).await;
        assert!(matches!(error, Err(ReadError::Closed)), "{error:?}");
    }

    #[tokio::test]
    async fn a_flood_of_interim_responses_has_an_end() {
        let interim = "HTTP/1.1 103 Hint\r\n\r\n";
        let last = "HTTP/1.1 200 OK\r\n\r\n";
        let many = interim.repeat(MOST_INTERIM) + last;
        assert_eq!(
            read(many.as_bytes(), &[]).await.unwrap().1.len(),
            MOST_INTERIM
        );
        let more = interim.repeat(MOST_INTERIM + 1) + last;
        let error = read(more.as_bytes(), &[500]).await;
        assert!(matches!(error, Err(ReadError::TooManyInterim)), "{error:?}");
    }
}

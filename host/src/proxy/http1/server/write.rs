//! A response on its way to the client.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use http_body::Body as HttpBody;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::shared::Shared;
use crate::message::{BoxError, Known, ResponseHead, syntax};
use crate::proxy::date;
use crate::proxy::delivery::Delivery;
use crate::proxy::http1::encode::{self, BodyFraming, Encoder, LARGE, Output};
use crate::timer::Timer;

/// So much is gathered before it is written.
const ENOUGH: usize = 64 << 10;

/// What of a request decides how its response is written.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub version: Version,
    /// The client takes trailers: `te: trailers`.
    pub trailers: bool,
}

/// A response that is being written.
#[derive(Debug)]
pub struct Writing<B> {
    out: Output,
    encoder: Encoder,
    body: B,
    state: State,
    /// Until when the client must take something; none if it is not waited for.
    by: Option<Instant>,
    progressed: bool,
}

#[derive(Debug)]
enum State {
    Body,
    Complete,
    /// The body broke off; what came before goes out.
    Broken(BoxError),
}

/// How a response went.
#[derive(Debug)]
pub enum Written {
    Complete,
    Broken(BoxError),
}

/// How a response is to be sent, and whether the connection stays after it.
pub fn frame(
    head: &mut ResponseHead,
    asked: &Asked,
    exact: Option<u64>,
    may_stay: bool,
) -> (BodyFraming, bool) {
    let length = head
        .fields
        .get(Known::ContentLength)
        .and_then(syntax::decimal);
    let framing = encode::response_framing(&asked.method, asked.version, head, length, exact);
    let (mut close, mut upgrade) = (!may_stay || framing == BodyFraming::UntilClose, false);
    if head.fields.contains(Known::Connection) {
        for option in head
            .fields
            .get_all(Known::Connection)
            .flat_map(syntax::items)
        {
            close |= option.eq_ignore_ascii_case(b"close");
            upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
        head.fields.remove(Known::Connection);
    }
    match framing {
        BodyFraming::Length(exact) if length != Some(exact) => {
            head.fields
                .insert(Known::ContentLength, HeaderValue::from(exact));
        }
        // The length that an answer to GET would have, where this is known: a backend's answer to HEAD has no content that
        // would tell, one that is made here has.
        BodyFraming::None
            if asked.method == Method::HEAD
                && length.is_none()
                && !matches!(head.status.as_u16(), 100..=199 | 204 | 304) =>
        {
            if let Some(exact) = exact.filter(|exact| *exact > 0) {
                head.fields
                    .insert(Known::ContentLength, HeaderValue::from(exact));
            }
        }
        BodyFraming::Chunked => head.fields.insert(Known::TransferEncoding, "chunked"),
        _ => {}
    }
    let connection = match (upgrade, close) {
        (true, true) => Some("upgrade, close"),
        (true, false) => Some("upgrade"),
        (false, true) => Some("close"),
        (false, false) if asked.version == Version::HTTP_10 => Some("keep-alive"),
        (false, false) => None,
    };
    if let Some(connection) = connection {
        head.fields.append(Known::Connection, connection);
    }
    if !head.fields.contains(Known::Date) {
        head.fields.append(Known::Date, date::now());
    }
    (framing, !close)
}

impl<B: HttpBody<Data = Bytes, Error = BoxError> + Delivery + Unpin> Writing<B> {
    pub fn new(head: &ResponseHead, framing: BodyFraming, trailers: bool, body: B) -> Self {
        let mut out = Output::default();
        let with_head = body.size_hint().exact().filter(|size| *size < LARGE as u64);
        // Room for the head and for a body that leaves with it.
        out.buffer().reserve(
            128 + head.fields.most_bytes()
                + with_head
                    .and_then(|size| usize::try_from(size).ok())
                    .unwrap_or(0),
        );
        encode::response(head, out.buffer());
        let state = match framing {
            BodyFraming::None if head.status == StatusCode::SWITCHING_PROTOCOLS => State::Complete,
            _ => State::Body,
        };
        Self {
            out,
            encoder: Encoder::new(framing, trailers),
            body,
            state,
            by: None,
            progressed: false,
        }
    }

    /// Takes from the body what there is, up to what is written at once.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while matches!(self.state, State::Body) && self.out.waiting() < ENOUGH {
            let result = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => self.end(None),
                Poll::Ready(Some(Err(error))) => Err(error),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self
                        .encoder
                        .data(data, &mut self.out)
                        .map_err(BoxError::from),
                    Err(frame) => self.end(frame.into_trailers().ok().as_ref()),
                },
            };
            if let Err(error) = result {
                self.state = State::Broken(error);
            }
        }
    }

    fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), BoxError> {
        self.encoder.end(trailers, &mut self.out)?;
        self.state = State::Complete;
        Ok(())
    }

    /// Writes what there is. Pending while the client doesn't take it, or, with nothing left to write, while the body has no
    /// more.
    ///
    /// # Errors
    /// When the connection breaks, or the client has taken nothing for `patience`.
    pub fn poll<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        shared: &Shared<IO>,
        timer: &mut Timer,
        patience: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Written>> {
        loop {
            self.fill(cx);
            if self.out.is_empty() {
                return match std::mem::replace(&mut self.state, State::Complete) {
                    State::Complete => {
                        Pin::new(&mut self.body).delivered();
                        Poll::Ready(Ok(Written::Complete))
                    }
                    State::Broken(error) => Poll::Ready(Ok(Written::Broken(error))),
                    State::Body => {
                        self.state = State::Body;
                        Poll::Pending
                    }
                };
            }
            let before = self.out.waiting();
            let written = {
                let mut socket = shared.lock();
                ready!(socket.poll_interim(cx))?;
                let Some(io) = socket.io.as_mut() else {
                    return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
                };
                self.out.poll_write(io, cx)?
            };
            if self.out.waiting() < before {
                self.by = None;
                self.progressed = true;
            }
            if written.is_pending() {
                let by = *self.by.get_or_insert_with(|| Instant::now() + patience);
                ready!(timer.poll_passed(cx, by));
                let text = format!(
                    "the client took nothing of the response for {} s",
                    patience.as_secs_f32()
                );
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
            }
        }
    }

    /// Whether the client took something since this was last asked.
    pub fn has_progressed(&mut self) -> bool {
        std::mem::take(&mut self.progressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(version: Version) -> Asked {
        Asked {
            method: Method::GET,
            version,
            trailers: false,
        }
    }

    /// The lines of this hop that a response gets, and whether the connection stays.
    fn framed(
        fields: &[(&'static str, &'static str)],
        asked: &Asked,
        exact: Option<u64>,
        may_stay: bool,
    ) -> (String, bool) {
        let mut head = ResponseHead::new(StatusCode::OK);
        head.fields = fields.iter().copied().collect();
        head.fields.append("date", "x");
        let (_, stays) = frame(&mut head, asked, exact, may_stay);
        let mut lines = Vec::new();
        head.fields.write_to(&mut lines);
        (
            String::from_utf8(lines).unwrap().replace("date: x\r\n", ""),
            stays,
        )
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn how_long_a_response_is_and_whether_the_connection_stays() {
        let (new, old) = (asked(Version::HTTP_11), asked(Version::HTTP_10));
        let head = Asked {
            method: Method::HEAD,
            ..new.clone()
        };
        let chunked = "transfer-encoding: chunked\r\n";
        for (fields, asked, exact, may_stay, lines, stays) in [
            (&[][..], &new, Some(0), true, "content-length: 0\r\n", true),
            (&[], &new, None, true, chunked, true),
            (
                &[],
                &new,
                None,
                false,
                &*format!("{chunked}connection: close\r\n"),
                false,
            ),
            (
                &[("content-length", "5")],
                &new,
                None,
                true,
                "content-length: 5\r\n",
                true,
            ),
            (
                &[("content-length", "5")],
                &new,
                Some(6),
                true,
                "content-length: 6\r\n",
                true,
            ),
            (
                &[("content-length", "5")],
                &head,
                Some(0),
                true,
                "content-length: 5\r\n",
                true,
            ),
            (&[], &head, Some(0), true, "", true),
            (&[], &head, Some(75), true, "content-length: 75\r\n", true),
            (
                &[],
                &old,
                Some(2),
                true,
                "content-length: 2\r\nconnection: keep-alive\r\n",
                true,
            ),
            // It ends with the connection, so the connection can't stay.
            (&[], &old, None, true, "connection: close\r\n", false),
            (
                &[("connection", "close")],
                &new,
                Some(0),
                true,
                "content-length: 0\r\nconnection: close\r\n",
                false,
            ),
            (
                &[("connection", "upgrade")],
                &new,
                Some(0),
                true,
                "content-length: 0\r\nconnection: upgrade\r\n",
                true,
            ),
        ] {
            let result = framed(fields, asked, exact, may_stay);
            assert_eq!(
                result,
                (lines.to_owned(), stays),
                "{fields:?} {asked:?} {exact:?}"
            );
        }
    }

    #[test]
    fn a_date_is_added_where_there_is_none() {
        let mut head = ResponseHead::new(StatusCode::OK);
        frame(&mut head, &asked(Version::HTTP_11), None, true);
        assert!(head.fields.get_text("date").unwrap().ends_with("GMT"));
    }
}

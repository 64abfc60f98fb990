//! The end of a connection, and clients that have closed their side of it.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

use super::limits::{Limits, SCRATCH};
use super::shared::Shared;
use crate::config::server::HalfClose;

/// How long and how much is read of what a client still sends after its last response.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// How long the response may take to end after a client has closed its side, if that means that it has left.
const HALF_CLOSED: Duration = Duration::from_secs(2);

/// How long a response that has begun may be silent after the client has closed its side. Most of those who close it amid a
/// response have left, and would hold for as long as the response lasts what it takes to make it.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether a client that has closed its side has left meanwhile. Its reset would wake nobody.
const LOOK: Duration = Duration::from_secs(1);

/// What a client may still send when a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing but what is here already.
    Nothing,
    /// The rest of a request.
    More,
}

/// A client that has closed its side while its exchange runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HalfClosed {
    since: Instant,
    /// When it last got something of the response; none before the response has begun.
    pub last_sent: Option<Instant>,
}

impl HalfClosed {
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            last_sent: None,
        }
    }

    /// Whether the client has left as well, as far as that can be known; else when to look again. `has_reset` tells whether
    /// the connection is reset.
    pub fn has_left(self, mode: HalfClose, now: Instant, has_reset: bool) -> Result<(), Instant> {
        let over = match mode {
            HalfClose::Cancel => {
                let until = self.since + HALF_CLOSED;
                return if now >= until { Ok(()) } else { Err(until) };
            }
            HalfClose::Answer => self.last_sent.is_some_and(|last| {
                now.saturating_duration_since(last.max(self.since)) >= LONGEST_SILENCE
            }),
        };
        if has_reset || over {
            Ok(())
        } else {
            Err(now + LOOK)
        }
    }
}

/// Says that no more comes, and throws away what the client still sends: when input is there that nobody has read, the
/// system answers the end of a connection with a reset, which may reach the client before the response does (RFC 9112,
/// section 9.6).
pub async fn close<IO: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared<IO>,
    limits: &Limits,
    expect: Expect,
) -> io::Result<()> {
    let (io, eof) = {
        let mut socket = shared.lock();
        (socket.io.take(), socket.eof)
    };
    let Some(mut io) = io else {
        return Ok(());
    };
    let shut = poll_fn(|cx| Pin::new(&mut io).poll_shutdown(cx));
    if timeout(limits.body_timeout, shut).await.is_err() || eof {
        return Ok(());
    }
    let mut left = LINGER_BYTES;
    let mut wait = expect == Expect::More;
    let lingering = poll_fn(|cx| {
        loop {
            match discard(&mut io, cx) {
                // The end, a failure, or enough.
                Poll::Ready(0) => return Poll::Ready(()),
                Poll::Ready(n) if n >= left => return Poll::Ready(()),
                Poll::Ready(n) => {
                    left -= n;
                    wait = true;
                }
                Poll::Pending if wait => return Poll::Pending,
                Poll::Pending => return Poll::Ready(()),
            }
        }
    });
    let _ = timeout(LINGER, lingering).await;
    Ok(())
}

/// Throws away one read. None at the end or a failure.
fn discard<IO: AsyncRead + Unpin>(io: &mut IO, cx: &mut Context<'_>) -> Poll<usize> {
    let mut scratch = [MaybeUninit::uninit(); SCRATCH];
    let mut buffer = ReadBuf::uninit(&mut scratch);
    Pin::new(io)
        .poll_read(cx, &mut buffer)
        .map(|result| result.map_or(0, |()| buffer.filled().len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_only_closed_its_side_is_answered() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut client = HalfClosed::new(start);
        let answer = HalfClose::Answer;
        assert_eq!(client.has_left(answer, after(100), false), Err(after(101)));
        assert_eq!(client.has_left(answer, after(1), true), Ok(()));
        client.last_sent = Some(after(100));
        assert_eq!(client.has_left(answer, after(109), false), Err(after(110)));
        assert_eq!(client.has_left(answer, after(110), false), Ok(()));
        client.last_sent = Some(start - Duration::from_secs(100));
        assert_eq!(client.has_left(answer, after(9), false), Err(after(10)));
        let cancel = HalfClose::Cancel;
        assert_eq!(client.has_left(cancel, after(1), false), Err(after(2)));
        assert_eq!(client.has_left(cancel, after(2), false), Ok(()));
    }
}

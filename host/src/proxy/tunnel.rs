//! Bytes both ways after a switch of protocols, until both sides have finished or nothing has come for too long.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::message::{BoxError, Tunnel};

/// A side of a tunnel that is there as soon as the answer to the handshake is written.
pub type Opening = Pin<Box<dyn Future<Output = Result<Tunnel, BoxError>> + Send>>;

/// Bytes that are held for each direction; a side that doesn't take them holds the other back.
const BUFFER: usize = 16 << 10;

/// Joins two sides. A side that finishes writing is finished for the other too, while the way back stays open.
///
/// # Errors
/// When a side doesn't open or breaks, and when neither sent anything for `idle`.
pub async fn join(client: Opening, backend: Opening, idle: Duration) -> Result<(), BoxError> {
    let (client, backend) = tokio::try_join!(client, backend)?;
    let active = Arc::new(AtomicBool::new(true));
    let mut client = Watched::new(client, &active);
    let mut backend = Watched::new(backend, &active);
    let copy = tokio::io::copy_bidirectional_with_sizes(&mut client, &mut backend, BUFFER, BUFFER);
    tokio::select! {
        copied = copy => copied.map(|_| ()).map_err(Into::into),
        () = silence(&active, idle) => Err(format!("nothing was sent for {} s", idle.as_secs_f32()).into()),
    }
}

/// Returns once nothing has been read for the time. It looks twice in each: a timer per read would cost more than the read.
pub(super) async fn silence(active: &AtomicBool, idle: Duration) {
    let mut quiet = 0;
    while quiet < 2 {
        tokio::time::sleep(idle / 2).await;
        quiet = if active.swap(false, Ordering::Relaxed) {
            0
        } else {
            quiet + 1
        };
    }
}

/// A side that notes when something was read from it.
struct Watched {
    side: Tunnel,
    active: Arc<AtomicBool>,
}

impl Watched {
    fn new(side: Tunnel, active: &Arc<AtomicBool>) -> Self {
        Self {
            side,
            active: active.clone(),
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.side).poll_read(cx, buf))?;
        self.active.store(true, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.side).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.side).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.side).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn opened(side: DuplexStream) -> Opening {
        Box::pin(async { Ok(Box::new(side) as Tunnel) })
    }

    #[tokio::test]
    async fn one_side_may_finish_before_the_other() {
        let ((mut client, near), (mut backend, far)) = (duplex(64), duplex(64));
        let joined = tokio::spawn(join(opened(near), opened(far), Duration::from_secs(9)));
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = String::new();
        backend.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "question");
        backend.write_all(b"answer").await.unwrap();
        drop(backend);
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "answer");
        joined.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_tunnel_ends_and_one_that_speaks_does_not() {
        let ((mut client, near), (mut backend, far)) = (duplex(64), duplex(64));
        let joined = tokio::spawn(join(opened(near), opened(far), Duration::from_secs(10)));
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(4)).await;
            client.write_all(b"x").await.unwrap();
            assert_eq!(backend.read_u8().await.unwrap(), b'x');
        }
        assert!(
            joined
                .await
                .unwrap()
                .unwrap_err()
                .to_string()
                .contains("10 s")
        );
    }
}

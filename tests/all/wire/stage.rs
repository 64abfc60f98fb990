//! What all runs of a table share, and requests that show what became of a connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tollgate_tests::patience;

use super::backend::{Backend, Fate};
use super::message::Heard;
use super::socket::{connect, hear, next_address};

/// The request that shows that a connection goes on.
pub const PROBE: &[u8] = b"GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n";
pub const PROBED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nprobed";

/// How many probes are under way at once, to find out whether a connection is used again.
const MOST_PROBES: usize = 20;

/// What all runs of a table share.
#[derive(Debug)]
pub struct Stage {
    pub proxy: SocketAddr,
    pub backend: Backend,
}

impl Stage {
    /// Waits for the fate of a connection to the backend, and helps it along with requests that would use it.
    ///
    /// # Errors
    /// When it is none, or another one than expected; when a request on the way is not answered as it should be.
    pub async fn find_fate(
        &self,
        mut fate: watch::Receiver<Fate>,
        expected: Fate,
    ) -> Result<(), String> {
        let began = Instant::now();
        let mut probes = Vec::new();
        let found = loop {
            let pause = Duration::from_millis(5);
            if timeout(pause, fate.wait_for(|fate| *fate != Fate::Open))
                .await
                .is_ok()
            {
                break *fate.borrow();
            }
            if probes.len() < MOST_PROBES {
                let address = next_address();
                let arrivals = self.backend.expect(address);
                let mut socket = connect(self.proxy, address).await;
                socket
                    .write_all(PROBE)
                    .await
                    .map_err(|error| error.to_string())?;
                probes.push((address, arrivals, socket));
            }
            if began.elapsed() > patience() {
                break Fate::Open;
            }
        };
        // None was answered so far, so that each had to take another connection.
        for (address, mut arrivals, mut socket) in probes {
            let arrival = timeout(patience(), arrivals.recv()).await;
            let Ok(Some(mut arrival)) = arrival else {
                return Err("a request after it did not reach the backend".to_owned());
            };
            arrival
                .stream
                .write_all(PROBED)
                .await
                .map_err(|error| error.to_string())?;
            arrival.release();
            let mut heard = Heard {
                expected: vec![PROBED.to_vec()],
                ..Heard::new(address)
            };
            hear(&mut socket, &mut heard).await.map_err(|why| {
                format!("a request after it: {why}: {}", heard.got.escape_ascii())
            })?;
            let _ = socket.set_zero_linger();
        }
        if found == expected {
            return Ok(());
        }
        Err(format!(
            "the connection to the backend is {found:?} afterwards, and should be {expected:?}"
        ))
    }
}

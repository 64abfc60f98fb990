//! One connection to Redis, over which all calls go at once. It is made when it is needed, and made anew after it broke.
//! No call takes longer than it may.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::store::error::StoreError;

/// How long calls fail at once after a server could not be reached.
const PAUSE: Duration = Duration::from_millis(100);

/// See the module's text.
pub struct Connection {
    client: Client,
    /// Of one call, connecting included.
    limit: Duration,
    slot: Mutex<Slot>,
    /// The number of the connection that is to be used no more.
    broken: AtomicU64,
}

#[derive(Default)]
struct Slot {
    /// With its number, from 1.
    open: Option<(u64, MultiplexedConnection)>,
    number: u64,
    /// When connecting failed last, and why.
    refused: Option<(Instant, String)>,
}

impl std::fmt::Debug for Connection {
    /// Without the address, which may contain a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limit = &self.limit;
        f.debug_struct("Connection")
            .field("limit", limit)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str, limit: Duration) -> Result<Self, StoreError> {
        let client = Client::open(url).map_err(|error| StoreError::BadAddress(text(&error)))?;
        Ok(Self {
            client,
            limit,
            slot: Mutex::new(Slot::default()),
            broken: AtomicU64::new(0),
        })
    }

    /// Runs a command.
    ///
    /// # Errors
    /// When the server is not there, refuses the command, or doesn't answer in time. What was sent may have been done.
    pub async fn call<T>(
        &self,
        command: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let mut used = 0;
        let work = async {
            let (number, mut connection) = self.connected().await?;
            used = number;
            command(&mut connection).await.map_err(|error| {
                if error.is_unrecoverable_error() || error.is_io_error() {
                    self.give_up(number);
                }
                StoreError::Unavailable(format!("Redis: {}", text(&error)))
            })
        };
        let Ok(result) = timeout(self.limit, work).await else {
            // Perhaps the other side is gone and nobody said so. Calls that are under way keep the connection.
            self.give_up(used);
            return Err(StoreError::TimedOut { limit: self.limit });
        };
        result
    }

    /// The connection, with its number.
    async fn connected(&self) -> Result<(u64, MultiplexedConnection), StoreError> {
        let mut slot = self.slot.lock().await;
        if let Some((number, open)) = &slot.open
            && *number > self.broken.load(Ordering::Relaxed)
        {
            return Ok((*number, open.clone()));
        }
        slot.open = None;
        if let Some((at, why)) = &slot.refused
            && at.elapsed() < PAUSE
        {
            return Err(StoreError::Unavailable(why.clone()));
        }
        // The whole call has a limit already, and so have those that wait here for the lock.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None);
        let opened = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        match opened.await {
            Ok(open) => {
                slot.number += 1;
                slot.refused = None;
                slot.open = Some((slot.number, open.clone()));
                Ok((slot.number, open))
            }
            Err(error) => {
                let why = format!("Redis can't be reached: {}", text(&error));
                slot.refused = Some((Instant::now(), why.clone()));
                Err(StoreError::Unavailable(why))
            }
        }
    }

    fn give_up(&self, number: u64) {
        self.broken.fetch_max(number, Ordering::Relaxed);
    }
}

/// What the server or the system said, in one line.
fn text(error: &RedisError) -> String {
    error
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

//! The way to a backend: which of its addresses takes a request, and by which connection.
//!
//! ```text
//! Backend ── Endpoint (one address) ── protocol ─┬─ http1 ── Pool of Wires (kept alive, one exchange at a time)
//!    balance, retries                             └─ http2 ── Shared connections (many streams each)
//! ```

mod balance;
mod call;
mod connect;
mod endpoint;
mod error;
mod head;
mod http1;
mod http2;
mod pool;
mod protocol;
mod resolve;
mod shared;
mod stream;
#[cfg(test)]
mod tests;
mod upgrade;
mod upload;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body::Body as _;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::config::backend::{BackendConfig, BackendTls};
use crate::dial::{Resolve, SystemResolver};
use crate::record::answers::Answers;
use crate::tls::{ClientOptions, ClientTls, SetupError};
use balance::Candidate;
use call::{Call, Miss};
pub use call::{Outgoing, Received};
use endpoint::Endpoint;
pub use error::UpstreamError;
pub use upgrade::Upgrade;

/// A backend with its connections and what is known of its addresses' health. It lasts as long as its settings do.
#[derive(Debug)]
pub struct Backend {
    name: String,
    config: Arc<BackendConfig>,
    endpoints: Vec<Endpoint>,
    /// Toward all addresses.
    tls: Option<Arc<ClientTls>>,
    /// Requests so far, for the balance.
    turn: AtomicUsize,
    /// What answers in the place of an address.
    answers: Option<Answers>,
}

impl Backend {
    /// Nothing is connected to yet. TLS files are read.
    ///
    /// # Errors
    /// When a file for TLS can't be used.
    pub fn new(name: &str, config: BackendConfig) -> Result<Self, SetupError> {
        Self::with_resolver(name, config, &(Arc::new(SystemResolver) as _))
    }

    /// As [`new`](Self::new), with somebody else to ask for the addresses of names.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_resolver(
        name: &str,
        config: BackendConfig,
        resolver: &Arc<dyn Resolve>,
    ) -> Result<Self, SetupError> {
        let config = Arc::new(config);
        let is_secure = config.addresses.iter().any(|url| url.tls);
        let tls = is_secure
            .then(|| ClientTls::new(options(&config.tls)).map(Arc::new))
            .transpose()?;
        let endpoints = config
            .addresses
            .iter()
            .map(|url| Endpoint::new(url, &config, tls.clone().filter(|_| url.tls), resolver))
            .collect();
        Ok(Self {
            name: name.to_owned(),
            endpoints,
            config,
            tls,
            turn: AtomicUsize::new(0),
            answers: None,
        })
    }

    /// A backend that answers from a tape and connects to nobody.
    pub fn from_tape(name: &str, config: BackendConfig, answers: Answers) -> Self {
        Self {
            name: name.to_owned(),
            config: Arc::new(config),
            endpoints: Vec::new(),
            tls: None,
            turn: AtomicUsize::new(0),
            answers: Some(answers),
        }
    }

    /// What answers in the place of a server, if it is a tape.
    pub fn answers(&self) -> Option<&Answers> {
        self.answers.as_ref()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// For each address the connections that there are or are being opened, and those of them at rest.
    pub fn connections(&self) -> Vec<(String, usize, usize)> {
        let endpoints = self.endpoints.iter();
        let count = |endpoint: &Endpoint| {
            let (open, idle) = endpoint.pool.counts();
            (endpoint.peer().to_owned(), open, idle)
        };
        endpoints.map(count).collect()
    }

    pub fn config(&self) -> &BackendConfig {
        &self.config
    }

    /// Sends a request and waits for the head of its response. Dropping the future ends the exchange.
    ///
    /// A request of which nothing was sent goes on to the next address; one that is idempotent and has no body is
    /// repeated on a new connection when a kept-alive one ended without a word.
    ///
    /// # Errors
    /// When there is no response; see [`UpstreamError`].
    pub async fn send(&self, outgoing: Outgoing<'_>) -> Result<Received, UpstreamError> {
        let mut call = Call {
            repeatable: outgoing.body.is_end_stream() && outgoing.head.method.is_idempotent(),
            head: outgoing.head,
            body: outgoing.body,
            upgrade: outgoing.upgrade,
            expect_continue: outgoing.expect_continue,
            on_informational: outgoing.on_informational,
            pending: None,
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut tried = SmallVec::<[usize; 4]>::new();
        let mut last = None;
        while let Some((index, endpoint)) = self.pick(turn, &tried) {
            call.pending = endpoint.count();
            outgoing.trace.address(endpoint.peer());
            match endpoint.send(&mut call).await {
                Ok(received) => {
                    endpoint.health.succeeded();
                    return Ok(received);
                }
                Err(Miss { error, is_unsent }) => {
                    self.blame(endpoint, &error);
                    if !is_unsent {
                        return Err(error);
                    }
                    last = Some(error);
                }
            }
            tried.push(index);
        }
        Err(last.unwrap_or_else(|| UpstreamError::Configuration("no address is set".to_owned())))
    }

    fn pick(&self, turn: usize, tried: &[usize]) -> Option<(usize, &Endpoint)> {
        let index = match self.endpoints.len() {
            1 => tried.is_empty().then_some(0),
            count => balance::pick(self.config.balance, turn, count, |i| Candidate {
                tried: tried.contains(&i),
                out: self.endpoints[i].health.is_out_now(),
                pending: self.endpoints[i].pending.load(Ordering::Relaxed),
            }),
        };
        index.map(|index| (index, &self.endpoints[index]))
    }

    fn blame(&self, endpoint: &Endpoint, error: &UpstreamError) {
        if !error.blames_address() {
            return;
        }
        let ejected = endpoint.health.failed(self.config.ejection, Instant::now());
        if let Some(time) = ejected.filter(|_| self.endpoints.len() > 1) {
            tracing::warn!(
                backend = %self.name,
                "{} failed {} times in a row and is left out for {} s: {error}",
                endpoint.peer(),
                self.config.ejection.failures,
                time.as_secs_f32()
            );
        }
    }

    /// Closes connections that were not used for long or that the backend has closed, asks again for the addresses of
    /// names in use, and looks whether TLS files have changed. To be called each second, on a runtime of tokio.
    pub fn maintain(&self) {
        let now = Instant::now();
        for endpoint in &self.endpoints {
            endpoint.maintain(now);
        }
        match self.tls.as_ref().map(|tls| tls.reload()) {
            Some(Ok(true)) => tracing::info!(backend = %self.name, "took new TLS files"),
            Some(Err(e)) => {
                tracing::debug!(backend = %self.name, "new TLS files can't be used: {e}")
            }
            _ => {}
        }
    }
}

fn options(tls: &BackendTls) -> ClientOptions {
    ClientOptions {
        verify: tls.verify,
        ca: tls.ca.clone(),
        more: Vec::new(),
        server_name: tls.server_name.clone(),
        client: tls.client.clone(),
    }
}

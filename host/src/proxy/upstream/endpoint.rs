//! One address of a backend: what is known of it, its connections, and the right to open one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::time::{Instant, timeout};

use super::balance::{Health, Pending};
use super::call::Miss;
use super::connect::{Connected, Connector, Target};
use super::error::UpstreamError;
use super::head::HostRule;
use super::pool::{Grant, Pool, Taken};
use super::resolve::Name;
use super::shared::Shared;
use super::wire::{Slot, Wire};
use crate::config::backend::{BackendAddress, BackendConfig, BackendUrl, Balance};
use crate::dial::Resolve;
use crate::tls::{Alpn, ClientTls};

/// Kept-alive connections that may prove closed before a request gives up on them and opens a new one.
pub(super) const MOST_STALE: usize = 3;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) connector: Connector,
    pub(super) host: HostRule,
    pub(super) pool: Arc<Pool<Wire>>,
    pub(super) shared: Shared,
    pub(super) health: Health,
    /// Requests under way, if anybody wants to know.
    pub(super) pending: Arc<AtomicUsize>,
    pub(super) config: Arc<BackendConfig>,
}

impl Endpoint {
    pub(super) fn new(
        url: &BackendUrl,
        config: &Arc<BackendConfig>,
        tls: Option<Arc<ClientTls>>,
        resolver: &Arc<dyn Resolve>,
    ) -> Self {
        let (target, authority, host) = target(url, config, resolver);
        let name = match &target {
            Target::Name(name) => Some(name.clone()),
            Target::Ip(_) | Target::Unix(_) => None,
        };
        Self {
            connector: Connector {
                target,
                peer: url.to_string(),
                host,
                tls,
                timeout: config.connect_timeout,
            },
            host: HostRule::new(&config.host, &authority),
            pool: Pool::new(config.max_connections, name),
            shared: Shared::default(),
            health: Health::new(Instant::now()),
            pending: Arc::default(),
            config: config.clone(),
        }
    }

    pub(super) fn peer(&self) -> &str {
        &self.connector.peer
    }

    /// What is due now and then, each second or so.
    pub(super) fn maintain(&self, now: Instant) {
        let name = self.name();
        if let Some(name) = name {
            name.refresh();
        }
        self.pool.sweep(self.config.idle_timeout, now);
        self.shared
            .sweep(self.config.idle_timeout, now, name.map(AsRef::as_ref));
    }

    pub(super) async fn granted(&self, taken: Taken<Wire>) -> Result<Grant<Wire>, UpstreamError> {
        match taken {
            Taken::Now(grant) => Ok(grant),
            Taken::Later(grant) => match timeout(self.config.connect_timeout, grant).await {
                Ok(Ok(grant)) => Ok(grant),
                _ => Err(UpstreamError::ConnectionLimit {
                    peer: self.peer().to_owned(),
                    limit: self.config.max_connections,
                }),
            },
        }
    }

    pub(super) async fn slot(&self) -> Result<Slot, UpstreamError> {
        loop {
            match self.granted(self.pool.reserve()).await? {
                Grant::Slot(slot) => return Ok(slot),
                // Closing it makes room.
                Grant::Idle(wire) => drop(wire),
            }
        }
    }

    pub(super) async fn connect(&self, alpn: Alpn) -> Result<Connected, Miss> {
        // Rare and large: it is not to make every exchange's state as large.
        Box::pin(self.connector.connect(alpn))
            .await
            .map_err(Miss::unsent)
    }

    /// Counts a request under way where somebody looks at the count.
    pub(super) fn count(&self) -> Option<Pending> {
        let is_counted =
            self.config.balance == Balance::LeastPending && self.config.addresses.len() > 1;
        is_counted.then(|| Pending::new(&self.pending))
    }

    pub(super) fn name(&self) -> Option<&Arc<Name>> {
        match &self.connector.target {
            Target::Name(name) => Some(name),
            Target::Ip(_) | Target::Unix(_) => None,
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.pool.close();
    }
}

/// What to connect to, the authority for `host`, and the host for TLS.
fn target(
    url: &BackendUrl,
    config: &BackendConfig,
    resolver: &Arc<dyn Resolve>,
) -> (Target, String, String) {
    let authority = match &url.address {
        BackendAddress::Tcp(authority) => authority,
        BackendAddress::Unix(path) => {
            let localhost = "localhost".to_owned();
            return (Target::Unix(path.clone()), localhost.clone(), localhost);
        }
        // Nobody connects to it: a backend with a tape has no endpoints.
        BackendAddress::Tape(path) => {
            let nobody = String::new();
            return (Target::Unix(path.clone()), nobody.clone(), nobody);
        }
    };
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority
        .port_u16()
        .unwrap_or(if url.tls { 443 } else { 80 });
    let target = match host.parse::<IpAddr>() {
        Ok(ip) => Target::Ip(SocketAddr::new(ip, port)),
        Err(_) => {
            let name = Name::new(host, port, resolver.clone(), config.resolve_every);
            Target::Name(Arc::new(name))
        }
    };
    (target, authority.to_string(), host.to_owned())
}

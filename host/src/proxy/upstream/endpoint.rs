//! One address of a backend: which protocol a request takes to it, and the right to a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::time::{Instant, timeout};

use super::connect::{Connected, Connector, Target};
use super::error::UpstreamError;
use super::head::HostRule;
use super::health::{Health, Pending};
use super::pool::{Grant, Pool, Slot, Taken};
use super::resolve::{Name, Resolve};
use super::shared::{Shared, Speaks};
use super::upgrade::Upgrade;
use super::wire::Wire;
use super::{Received, Tls};
use crate::config::backend::{BackendAddress, BackendConfig, BackendUrl, Balance, Protocol};
use crate::message::{Body, OnInformational, RequestHead};
use crate::tls::Alpn;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) connector: Connector,
    pub(super) host: HostRule,
    pub(super) pool: Arc<Pool>,
    pub(super) shared: Shared,
    pub(super) health: Health,
    /// Requests under way, if anybody wants to know.
    pub(super) pending: Arc<AtomicUsize>,
    pub(super) config: Arc<BackendConfig>,
}

/// A request on its way, with what is left of it after an attempt.
pub(super) struct Call<'a> {
    pub(super) head: &'a RequestHead,
    pub(super) body: Body,
    pub(super) upgrade: Option<Upgrade>,
    pub(super) expect_continue: bool,
    pub(super) on_informational: Option<OnInformational>,
    /// It has no body and may be sent twice (RFC 9110, section 9.2.2).
    pub(super) repeatable: bool,
    /// Goes on with the response.
    pub(super) pending: Option<Pending>,
}

/// Why an address gave no response.
pub(super) struct Miss {
    pub(super) error: UpstreamError,
    /// Nothing was sent: another address may be asked.
    pub(super) is_unsent: bool,
}

impl Endpoint {
    pub(super) fn new(
        url: &BackendUrl,
        config: &Arc<BackendConfig>,
        tls: Option<Tls>,
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

    /// Sends a request there and waits for the response's head.
    pub(super) async fn send(&self, call: &mut Call<'_>) -> Result<Received, Miss> {
        if let Some(name) = self.name() {
            name.touch();
        }
        if self.connector.tls.is_none() {
            return match self.config.protocol {
                Protocol::Http2 => Box::pin(self.by_http2(call)).await,
                Protocol::Auto | Protocol::Http1 => self.by_http1(call).await,
            };
        }
        match self.config.protocol {
            Protocol::Http1 => self.by_http1(call).await,
            Protocol::Http2 => Box::pin(self.by_http2(call)).await,
            Protocol::Auto if call.upgrade.is_some() => self.by_http1(call).await,
            Protocol::Auto => {
                let speaks = match self.shared.speaks() {
                    Speaks::Unknown => Box::pin(self.discover()).await?,
                    known => known,
                };
                let result = match speaks {
                    Speaks::Http2 => match Box::pin(self.by_http2(call)).await {
                        Err(miss) if miss.error.wants_http1() => {
                            // Until a connection fails, and ALPN is asked again.
                            self.shared.learn(Speaks::Http1);
                            if !miss.is_unsent {
                                return Err(miss);
                            }
                            Box::pin(self.by_http1(call)).await
                        }
                        other => other,
                    },
                    _ => self.by_http1(call).await,
                };
                if matches!(&result, Err(miss) if miss.is_unsent) {
                    // It may speak something else by now.
                    self.shared.learn(Speaks::Unknown);
                }
                result
            }
        }
    }

    /// Opens the first connection to an address of which it is not known yet what ALPN agrees on.
    async fn discover(&self) -> Result<Speaks, Miss> {
        let _opening = self.shared.opening.lock().await;
        let known = self.shared.speaks();
        if known != Speaks::Unknown {
            return Ok(known);
        }
        let slot = self.slot().await.map_err(Miss::unsent)?;
        let connected = self.connect(Alpn::Either).await?;
        let speaks = if connected.http2 {
            self.add_shared(connected, slot).await?;
            Speaks::Http2
        } else {
            let wire = Wire::new(connected, slot).await.map_err(Miss::unsent)?;
            self.pool.put(wire);
            Speaks::Http1
        };
        self.shared.learn(speaks);
        Ok(speaks)
    }

    pub(super) async fn granted(&self, taken: Taken) -> Result<Grant, UpstreamError> {
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
                Grant::Wire(wire) => drop(wire),
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

    fn name(&self) -> Option<&Arc<Name>> {
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

impl Miss {
    pub(super) fn unsent(error: UpstreamError) -> Self {
        Self {
            error,
            is_unsent: true,
        }
    }

    pub(super) fn sent(error: UpstreamError) -> Self {
        Self {
            error,
            is_unsent: false,
        }
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

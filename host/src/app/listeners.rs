//! The listeners of a configuration with their certificates.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::SystemTime;

use super::error::StartError;
use crate::config::Config;
use crate::config::listener::ListenerConfig;
use crate::config::server::Certificate;
use crate::proxy::ListenAt;
use crate::tls::{self, ServerIdentity};

/// The certificates that clients see. Listeners with the same files have the same one, and so have those with a self-signed one,
/// but an address of its own that is not a loopback address is in a certificate of its own.
#[derive(Debug, Clone, Default)]
pub struct Identities(Vec<(Certificate, Option<IpAddr>, Arc<ServerIdentity>)>);

impl Identities {
    /// Every address of a configuration, and the certificates that are needed for them; those that are here already are kept.
    ///
    /// # Errors
    /// A certificate can't be used.
    pub fn prepare(&self, config: &Config) -> Result<(Vec<ListenAt>, Self), StartError> {
        let mut identities = self.clone();
        let mut wanted = Vec::new();
        for listener in &config.listeners {
            let name: Arc<str> = listener.name.as_str().into();
            for address in &listener.addresses {
                wanted.push(ListenAt {
                    listener: name.clone(),
                    address: *address,
                    tls: identities.of(listener, address.ip())?,
                    cleartext: listener.tls.as_ref().is_none_or(|tls| tls.cleartext),
                });
            }
        }
        let is_used = |identity: &Arc<ServerIdentity>| {
            let mut used = wanted.iter().filter_map(|at| at.tls.as_ref());
            used.any(|used| Arc::ptr_eq(used, identity))
        };
        identities.0.retain(|(_, _, identity)| is_used(identity));
        Ok((wanted, identities))
    }

    fn of(
        &mut self,
        listener: &ListenerConfig,
        ip: IpAddr,
    ) -> Result<Option<Arc<ServerIdentity>>, StartError> {
        let Some(tls) = &listener.tls else {
            return Ok(None);
        };
        let own = match &tls.certificate {
            Certificate::SelfSigned => named_apart(ip),
            Certificate::Files { .. } => None,
        };
        let known = self
            .0
            .iter()
            .find(|(certificate, of, _)| *certificate == tls.certificate && *of == own);
        if let Some((_, _, identity)) = known {
            return Ok(Some(identity.clone()));
        }
        let now = SystemTime::now();
        let identity = match &tls.certificate {
            Certificate::SelfSigned => {
                ServerIdentity::self_signed(own.unwrap_or(Ipv4Addr::LOCALHOST.into()), now)
            }
            Certificate::Files { chain, key } => ServerIdentity::from_files(chain, key),
        };
        let identity = identity.map_err(|source| StartError::Tls {
            listener: listener.name.clone(),
            source,
        })?;
        if let Some(warning) = identity.warning(now) {
            tracing::warn!("certificate of listener {}: {warning}", listener.name);
        }
        let identity = Arc::new(identity);
        self.0
            .push((tls.certificate.clone(), own, identity.clone()));
        Ok(Some(identity))
    }

    /// Reads the files that have changed, and says so in the log. `complaint` is what was wrong when they were last read.
    pub fn look(&self, complaint: &mut Option<String>) {
        let mut errors = Vec::new();
        for (_, _, identity) in &self.0 {
            match identity.reload() {
                Ok(tls::Reloaded::Unchanged) => {}
                Ok(tls::Reloaded::Swapped { fingerprint }) => {
                    tracing::info!("certificate reloaded, SHA-256 fingerprint {fingerprint}");
                }
                Err(error) => errors.push(error.to_string()),
            }
        }
        let errors = (!errors.is_empty()).then(|| errors.join("; "));
        if let Some(error) = errors
            .as_ref()
            .filter(|error| complaint.as_ref() != Some(error))
        {
            tracing::error!("certificate not reloaded, the previous one stays in use: {error}");
        }
        *complaint = errors;
    }
}

/// An address that a self-signed certificate for this machine alone does not name.
fn named_apart(ip: IpAddr) -> Option<IpAddr> {
    let ip = ip.to_canonical();
    let is_named = [
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    ]
    .contains(&ip);
    (!is_named && !ip.is_unspecified()).then_some(ip)
}

/// Why the proxy does not start, or go on with a configuration: an address can't be had.
pub fn refused((at, source): (ListenAt, io::Error)) -> StartError {
    StartError::Listen {
        listener: at.listener.to_string(),
        address: at.address,
        source,
    }
}

/// Says in the log where clients can connect from now on, and where no more.
pub fn tell_of_changes(before: &Config, next: &Config) {
    let addresses = |config: &Config| {
        let listeners = config.listeners.iter();
        let at = |listener: &ListenerConfig| {
            let name = listener.name.clone();
            let addresses = listener.addresses.clone().into_iter();
            addresses.map(move |address| (name.clone(), address))
        };
        listeners.flat_map(at).collect::<BTreeSet<_>>()
    };
    let (before, next) = (addresses(before), addresses(next));
    for (name, address) in next.difference(&before) {
        tracing::info!("listener {name}: listens on {address}");
    }
    for (name, address) in before.difference(&next) {
        tracing::info!("listener {name}: no longer on {address}");
    }
}

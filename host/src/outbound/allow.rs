//! Where a plugin may send requests: a list of destinations, and ranges of addresses that are not of the internet.
//!
//! Nothing is allowed unless it is listed. A destination is `scheme://host:port/path-prefix`:
//!
//! | part | may be |
//! | --- | --- |
//! | scheme | `http` or `https` |
//! | host | a name; `*.example.com`, all names below it at any depth; `*`, any host; an IPv4 address, or an IPv6 address in brackets |
//! | port | a number; `*`, any; left out, the scheme's own |
//! | path | what the path begins with, on the borders of segments; left out, any |
//!
//! Addresses of this machine, of private networks and the like (see [`address`](super::address)) are reached in two
//! ways only. A destination that names such an address itself grants that address, and one that names `localhost`, or a
//! name below it, grants the addresses of this machine under that name. For other names that lead to such addresses, and
//! for wildcards, there is a list of ranges.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::address::{self, AddressRange};
use super::path;
use super::url::{Host, Scheme, Url, port_of, split_port};

/// One destination that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    scheme: Scheme,
    host: HostPattern,
    /// None is any.
    port: Option<u16>,
    /// None is any.
    prefix: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// With its dot: `.example.com`.
    Below(String),
    Only(Host<'static>),
}

/// What one plugin may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    destinations: Vec<Destination>,
    private: Vec<AddressRange>,
}

/// Whether a call may be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    Denied,
    /// The destination is listed, but not that its host may be such an address.
    Forbidden {
        address: IpAddr,
        what: &'static str,
    },
    /// The path can be read in several ways, and only those below `prefix` may be asked for.
    Ambiguous {
        prefix: String,
        why: &'static str,
    },
}

impl Destination {
    /// # Errors
    /// What is wrong, and what to write, in one clause.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic() || *c == '\\') {
            return Err(format!(
                "{bad:?} can't stand in it, expected a URL such as https://api.example.com/v1"
            ));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            let hint = text.trim_start_matches('/');
            return Err(match Self::parse_behind(Scheme::Https, hint) {
                Ok(meant) => format!("expected a URL; did you mean {meant}?"),
                Err(_) => "expected a URL such as https://api.example.com/v1".into(),
            });
        };
        match Scheme::read(scheme) {
            Some(scheme) => Self::parse_behind(scheme, rest),
            None if scheme == "*" => Err(
                "the scheme can't be a wildcard, list the destination with http:// and with https://"
                    .into(),
            ),
            None => Err(format!(
                "the scheme {scheme:?} is not served, expected http or https"
            )),
        }
    }

    fn parse_behind(scheme: Scheme, text: &str) -> Result<Self, String> {
        if text.contains(['?', '#']) {
            return Err("a query or fragment has no meaning here, leave it out".into());
        }
        let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        if authority.contains('@') {
            return Err("user and password have no meaning here, leave them out".into());
        }
        let (host, port) = split_port(authority)?;
        let host = HostPattern::read(host)?;
        let port = match port {
            None => Some(scheme.default_port()),
            Some("*") => None,
            Some(port) => Some(port_of(port).map_err(|why| format!("{why}, or `*` for any"))?),
        };
        Ok(Self {
            scheme,
            host,
            port,
            prefix: prefix_of(path)?,
        })
    }

    fn covers_origin(&self, scheme: Scheme, host: &Host<'_>, port: u16) -> bool {
        self.scheme == scheme
            && self.port.is_none_or(|own| own == port)
            && match (&self.host, host) {
                (HostPattern::Any, _) => true,
                (HostPattern::Below(end), Host::Name(name)) => name.ends_with(end.as_str()),
                (HostPattern::Below(_), Host::Ip(_)) => false,
                (HostPattern::Only(own), host) => own == host,
            }
    }

    /// Whether it names this host itself and thereby its addresses.
    fn names(&self, host: &Host<'_>) -> bool {
        match &self.host {
            HostPattern::Any => false,
            HostPattern::Below(end) => end.ends_with(".localhost") && host.is_localhost(),
            HostPattern::Only(own) => own == host,
        }
    }
}

/// A path as a prefix; none when it leaves all paths open.
fn prefix_of(path: &str) -> Result<Option<String>, String> {
    if path.contains('*') {
        return Err("a path covers all that is below it, leave out the `*`".into());
    }
    if let Some(why) = path::ambiguity(path) {
        return Err(format!(
            "the path has {why}, and servers read it in several ways"
        ));
    }
    let path = path.trim_end_matches('/');
    Ok((!path.is_empty()).then(|| path.to_owned()))
}

impl HostPattern {
    fn read(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let literal = text.strip_prefix("*.").unwrap_or(text);
        if literal.contains('*') {
            return Err(
                "a wildcard is `*` alone or stands for what is before a domain, as in *.example.com"
                    .into(),
            );
        }
        match (Host::read(literal)?, literal.len() < text.len()) {
            (Host::Name(name), true) => Ok(Self::Below(format!(".{name}"))),
            (Host::Ip(_), true) => Err("no host is below an address, leave out the `*.`".into()),
            (Host::Name(name), false) => Ok(Self::Only(Host::Name(name.into_owned().into()))),
            (Host::Ip(ip), false) => Ok(Self::Only(Host::Ip(ip))),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name())?;
        match &self.host {
            HostPattern::Any => f.write_str("*")?,
            HostPattern::Below(end) => write!(f, "*{end}")?,
            HostPattern::Only(host) => host.fmt(f)?,
        }
        match self.port {
            None => f.write_str(":*")?,
            Some(port) if port != self.scheme.default_port() => write!(f, ":{port}")?,
            Some(_) => {}
        }
        f.write_str(self.prefix.as_deref().unwrap_or_default())
    }
}

impl Allow {
    /// `private` are ranges of addresses that are not of the internet, which names of these destinations may lead to.
    pub fn new(destinations: Vec<Destination>, private: Vec<AddressRange>) -> Self {
        Self {
            destinations,
            private,
        }
    }

    /// Whether a request for this URL may be sent. Names are not looked up; see [`refusal`](Self::refusal).
    /// What may be reached, as it is written in the configuration.
    pub fn destinations(&self) -> impl Iterator<Item = String> {
        self.destinations.iter().map(Destination::to_string)
    }

    pub(super) fn verdict(&self, url: &Url<'_>) -> Verdict {
        let mut verdict = Verdict::Denied;
        // The first obstacle is what is told, if no other destination allows it.
        let mut note = |obstacle| {
            if verdict == Verdict::Denied {
                verdict = obstacle;
            }
        };
        for destination in &self.destinations {
            if !destination.covers_origin(url.scheme, &url.host, url.port) {
                continue;
            }
            if let Some(prefix) = &destination.prefix {
                if !path::is_below(url.path, prefix) {
                    continue;
                }
                if let Some(why) = path::ambiguity(url.path) {
                    let prefix = prefix.clone();
                    note(Verdict::Ambiguous { prefix, why });
                    continue;
                }
            }
            match self
                .without_grant(&url.host)
                .filter(|_| !destination.names(&url.host))
            {
                None => return Verdict::Allowed,
                Some((address, what)) => note(Verdict::Forbidden { address, what }),
            }
        }
        verdict
    }

    /// The address that a host stands for without being looked up, if it is one that needs a grant.
    fn without_grant(&self, host: &Host<'_>) -> Option<(IpAddr, &'static str)> {
        let address = match host {
            Host::Ip(address) => *address,
            Host::Name(_) if host.is_localhost() => Ipv4Addr::LOCALHOST.into(),
            Host::Name(_) => return None,
        };
        let what = address::special(address)?;
        (!self.is_private(address)).then_some((address, what))
    }

    fn is_private(&self, address: IpAddr) -> bool {
        self.private.iter().any(|range| range.contains(address))
    }

    /// Why a connection for this origin may not go to this address, which its host was found to have; none if it may.
    pub(super) fn refusal(
        &self,
        scheme: Scheme,
        host: &Host<'_>,
        port: u16,
        address: IpAddr,
    ) -> Option<&'static str> {
        let what = address::special(address)?;
        let of_host = match host {
            Host::Ip(own) => *own == address,
            Host::Name(_) => host.is_localhost() && address::is_loopback(address),
        };
        let mut named = self
            .destinations
            .iter()
            .filter(|d| d.names(host) && d.covers_origin(scheme, host, port));
        let granted = of_host && named.next().is_some() || self.is_private(address);
        (!granted).then_some(what)
    }
}

#[cfg(test)]
mod tests;

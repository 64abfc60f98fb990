//! Where whoever runs the proxy speaks to it, and who may: the table `[admin]`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The admin listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    pub address: AdminAddress,
    /// Nobody is asked for a token without it.
    pub token: Option<TokenSource>,
    /// Names that a request's `host` may have besides an address and `localhost`, in lower case.
    pub hosts: Vec<String>,
}

/// Where the admin listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAddress {
    Tcp(SocketAddr),
    /// A unix socket, which only the proxy's own user may open.
    Unix(PathBuf),
}

impl AdminAddress {
    /// Whether nobody but this machine's users reaches it.
    pub fn is_local(&self) -> bool {
        match self {
            AdminAddress::Tcp(address) => address.ip().to_canonical().is_loopback(),
            AdminAddress::Unix(_) => true,
        }
    }

    /// The address, if it is one of TCP.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            AdminAddress::Tcp(address) => Some(*address),
            AdminAddress::Unix(_) => None,
        }
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminAddress::Tcp(address) => address.fmt(f),
            AdminAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where the token is from.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// Read at the start.
    File(PathBuf),
    /// The token itself, from the environment.
    Given(String),
}

/// A token is in no log.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::File(path) => f.debug_tuple("File").field(path).finish(),
            TokenSource::Given(_) => f.write_str("Given(…)"),
        }
    }
}

//! Where clients connect: `listen` at the top of the file, and the tables `[[listeners]]`.

use std::net::SocketAddr;

use super::server::ServerTls;

/// The name of the listener whose addresses are in `listen`.
pub const DEFAULT_LISTENER: &str = "default";

/// Addresses with the same routes and the same TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerConfig {
    /// No two have the same. Without a name in the file it is the first address as text.
    pub name: String,
    /// At least one. Port 0 takes any free port. No address is in two listeners, and none is reached by way of another one.
    pub addresses: Vec<SocketAddr>,
    /// None: clients speak cleartext.
    pub tls: Option<ServerTls>,
    /// Whether its requests take routes of its own, those with its name in
    /// [`RouteConfig::listener`](super::route::RouteConfig::listener); else those without a name.
    pub has_routes: bool,
}

impl ListenerConfig {
    /// The listener whose routes it takes, as routes name it.
    pub fn routes_of(&self) -> Option<&str> {
        self.has_routes.then_some(self.name.as_str())
    }
}

/// Whether a socket that listens on `wide` takes connections to `narrow` too, so that the system lets one process have only one of
/// the two. Not for an address beside itself.
pub(super) fn covers(wide: SocketAddr, narrow: SocketAddr) -> bool {
    let (any, other) = (wide.ip(), narrow.ip());
    let same_port = wide.port() == narrow.port() && wide.port() != 0;
    // A socket on [::] takes IPv4 too.
    same_port
        && any != other
        && any.is_unspecified()
        && (any.is_ipv6() || other.to_canonical().is_ipv4())
}

/// Whether the two are one address, however they are written.
pub(super) fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_whose_connections() {
        let cases = [
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "10.0.0.1:80", true),
            ("0.0.0.0:80", "[::ffff:10.0.0.1]:80", true),
            ("0.0.0.0:80", "127.0.0.1:81", false),
            ("0.0.0.0:80", "[::1]:80", false),
            ("0.0.0.0:80", "[::]:80", false),
            ("0.0.0.0:80", "0.0.0.0:80", false),
            ("[::]:80", "[::1]:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "0.0.0.0:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", false),
            ("127.0.0.1:80", "127.0.0.1:80", false),
            ("0.0.0.0:0", "127.0.0.1:0", false),
        ];
        for (wide, narrow, expected) in cases {
            let covered = covers(wide.parse().unwrap(), narrow.parse().unwrap());
            assert_eq!(covered, expected, "{wide} {narrow}");
        }
    }
}

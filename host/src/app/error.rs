//! Why the proxy could not start.

use std::io;
use std::net::SocketAddr;

use super::announce::{admin_advice, echo_advice, listen_advice, of_listener};
use crate::admin::TokenError;
use crate::config::admin::AdminAddress;
use crate::plugin::watch::WatchError;
use crate::tls;

/// Why the proxy could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("can't listen on {address}{}: {source}{}", of_listener(.listener), listen_advice(.source))]
    Listen {
        listener: String,
        address: SocketAddr,
        source: io::Error,
    },
    #[error("backend = \"echo://{address}\": can't start the embedded echo backend there: {source}{}", echo_advice(.source))]
    Echo {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("can't watch {}: {source}", .directory.display())]
    Watch {
        directory: std::path::PathBuf,
        source: WatchError,
    },
    #[error("can't load the plugins: the task that does so has ended; the log says why")]
    Supervisor,
    #[error("can't start the WebAssembly engine: {0:#}")]
    Engine(wasmtime::Error),
    #[error("can't listen on {address} for admin: {source}{}", admin_advice(.source))]
    Admin {
        address: AdminAddress,
        source: io::Error,
    },
    #[error("the token of the admin listener: {0}")]
    Token(#[from] TokenError),
    #[error("outbound.ca: {0}")]
    Outbound(tls::SetupError),
    #[error("can't serve TLS{}: {source}", of_listener(.listener))]
    Tls {
        listener: String,
        source: tls::SetupError,
    },
    /// An access log or a collector can't be used; holds the whole text.
    #[error("{0}")]
    Observer(String),
    #[error("{0}")]
    Backend(String),
    #[error("can't start: {0}")]
    System(#[from] io::Error),
}

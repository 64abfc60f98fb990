//! The embedded echo backend, on an address that can be had.

use std::io;
use std::net::SocketAddr;

use http::uri::Authority;
use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::spawn::spawn;
use crate::config::backend::{BackendAddress, BackendUrl};
use crate::echo;

/// Starts it and gives its origin. Unless its address is fixed, another will do.
pub async fn start(
    address: SocketAddr,
    fixed: bool,
    stop: CancellationToken,
) -> Result<BackendUrl, StartError> {
    let failed = |source| StartError::Echo { address, source };
    let listening = tokio::net::TcpListener::bind(address).await;
    let taken = listening
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    let listener = if taken && !fixed {
        tokio::net::TcpListener::bind((address.ip(), 0)).await
    } else {
        listening
    };
    let listener = listener.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    if taken {
        tracing::warn!(
            "another process listens on {address}, so the embedded echo backend listens on {bound}; to forward to what \
             listens on {address}, set backend = \"http://{address}\" (or --backend http://{address})"
        );
    }
    let serving = echo::serve(listener, stop.clone().cancelled_owned());
    spawn("echo backend", &stop, serving);
    let authority =
        Authority::try_from(bound.to_string()).map_err(|e| failed(io::Error::other(e)))?;
    Ok(BackendUrl {
        tls: false,
        address: BackendAddress::Tcp(authority),
    })
}

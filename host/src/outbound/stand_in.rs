//! Answers from a test in the place of the network. A call passes everything that it would pass on its way out, and no socket
//! is opened for it.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};

use super::body::Sending;
use super::error::CallError;
use super::fault;
use super::mark::{CDN_LOOP, MARK, cdn_loop};
use super::report::Peer;

/// What comes of a call: the response, or why there is none.
pub type StandInAnswer<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, CallError>> + Send + 'a>>;

/// Answers the calls of a plugin.
pub trait StandIn: Send + Sync {
    /// The answer to a request, which has an absolute URL, and the fields that the plugin gave without those of the framing.
    /// The limits of a call in time and size hold for it. To take no part in that, never be ready.
    fn answer(&self, request: Request<Bytes>) -> StandInAnswer<'_>;
}

/// Whom a request goes to, as far as reports have to say it.
pub(super) fn peer() -> Arc<Peer> {
    Arc::new(Peer {
        address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        tls: false,
        http2: false,
        resolved: Duration::ZERO,
        connected: Duration::ZERO,
        secured: Duration::ZERO,
        answered: AtomicU64::new(0),
    })
}

/// Asks for the answer to a request of this depth.
pub(super) async fn ask(
    stand_in: &dyn StandIn,
    request: Request<Sending>,
    depth: u32,
) -> Result<Response<Full<Bytes>>, CallError> {
    let (mut head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|f| fault::of_request_body(&f))?;
    head.headers.remove(MARK);
    head.headers.remove(CONTENT_LENGTH);
    // The last is this host's; those before it are the plugin's.
    let mut loops: Vec<_> = head.headers.get_all(CDN_LOOP).iter().cloned().collect();
    if loops.pop_if(|last| *last == cdn_loop(depth)).is_some() {
        head.headers.remove(CDN_LOOP);
        for value in loops {
            head.headers.append(CDN_LOOP, value);
        }
    }
    let request = Request::from_parts(head, body.to_bytes());
    let response = stand_in.answer(request).await?;
    Ok(response.map(Full::new))
}

//! One exchange: clean the request's fields, ask the backend, clean the response's fields.

use std::convert::Infallible;
use std::error::Error;
use std::hint::spin_loop;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderMap, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use hyper::http::uri::{Authority, Scheme};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::args;
use crate::inline::{InlineBody, InlinePool};
use crate::pool::{Pool, PooledBody};

pub type BoxError = Box<dyn Error + Send + Sync>;

/// A request for `/burn/MILLISECONDS/...` keeps the worker's thread busy for that long: it stands for a heavy plugin.
const BURN_PATH: &str = "/burn/";

/// The way to the backend.
#[expect(clippy::large_enum_variant, reason = "there is one for each worker")]
pub enum Upstream {
    Legacy {
        client: Client<HttpConnector, Incoming>,
        authority: Authority,
    },
    Own(Pool),
    Inline(InlinePool),
}

impl Upstream {
    pub fn new(pool: args::Pool, backend: SocketAddr) -> Self {
        match pool {
            args::Pool::Legacy => Self::legacy(backend),
            args::Pool::Own => Self::Own(Pool::new(backend)),
            args::Pool::Inline => Self::Inline(InlinePool::new(backend)),
        }
    }

    fn legacy(backend: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .set_host(false)
            .build(connector);
        let authority = Authority::try_from(backend.to_string()).expect("IP:PORT is an authority");
        Self::Legacy { client, authority }
    }

    async fn send(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, BoxError> {
        match self {
            Self::Legacy { client, authority } => {
                set_authority(&mut request, authority)?;
                Ok(client.request(request).await?.map(ResponseBody::Legacy))
            }
            Self::Own(pool) => Ok(pool.send(request).await?.map(ResponseBody::Own)),
            Self::Inline(pool) => Ok(pool.send(request).await?.map(ResponseBody::Inline)),
        }
    }
}

/// The legacy client picks the connection by the URI, so it must be absolute; on the wire it's in origin form again.
fn set_authority(request: &mut Request<Incoming>, authority: &Authority) -> Result<(), BoxError> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(())
}

/// Forwards one request and returns the backend's response, or an empty 502.
pub async fn forward(
    upstream: Arc<Upstream>,
    mut request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    burn(burn_time(request.uri().path()));
    remove_hop_by_hop(request.headers_mut());
    let response = match upstream.send(request).await {
        Ok(mut response) => {
            remove_hop_by_hop(response.headers_mut());
            response
        }
        Err(_) => {
            let mut response = Response::new(ResponseBody::Empty);
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    };
    Ok(response)
}

fn burn_time(path: &str) -> Duration {
    let milliseconds = path
        .strip_prefix(BURN_PATH)
        .and_then(|rest| rest.split('/').next()?.parse().ok());
    Duration::from_millis(milliseconds.unwrap_or(0))
}

fn burn(time: Duration) {
    if time.is_zero() {
        return;
    }
    let start = Instant::now();
    while start.elapsed() < time {
        spin_loop();
    }
}

/// Removes the fields that describe one connection, and those that `connection` names (RFC 9110, section 7.6.1).
fn remove_hop_by_hop(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> = fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        fields.remove(name);
    }
    for name in [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        fields.remove(name);
    }
    fields.remove("keep-alive");
    fields.remove("proxy-connection");
}

/// The backend's body, whichever pool it came from.
pub enum ResponseBody {
    Empty,
    Legacy(Incoming),
    Own(PooledBody),
    Inline(InlineBody),
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Legacy(body) => Pin::new(body).poll_frame(cx),
            Self::Own(body) => Pin::new(body).poll_frame(cx),
            Self::Inline(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Legacy(body) => body.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
            Self::Inline(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Legacy(body) => body.size_hint(),
            Self::Own(body) => body.size_hint(),
            Self::Inline(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_what_describes_the_connection() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("connection", "x-one, keep-alive"),
            ("connection", "X-Two"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
        ] {
            fields.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        remove_hop_by_hop(&mut fields);
        let left: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-three"]);
    }

    #[test]
    fn burns_only_where_the_path_says_so() {
        for (path, milliseconds) in [
            ("/1KiB", 0),
            ("/burn/2/1KiB", 2),
            ("/burn/20/x/y", 20),
            ("/burn/soon/x", 0),
            ("/burn/", 0),
        ] {
            assert_eq!(
                burn_time(path),
                Duration::from_millis(milliseconds),
                "{path}"
            );
        }
    }
}

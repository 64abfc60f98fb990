//! How a batch gets to the collector: one request on a connection of its own. There is one a second at the most, and nothing is
//! kept open that could break unseen.

use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls::{Alpn, ClientTls};

/// Bytes of a collector's answer.
const MOST_ANSWER: usize = 1 << 20;

/// How long a batch may take, from the connection to the end of the answer.
pub const LONGEST: Duration = Duration::from_secs(10);

/// See the module's text.
#[derive(Debug)]
pub struct CollectorClient {
    pub tls: ClientTls,
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = tokio::time::timeout(LONGEST, self.send(request)).await;
        sent.map_err(|_| format!("no answer in {} s", LONGEST.as_secs()))?
    }
}

impl CollectorClient {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri().clone();
        let host = uri.host().ok_or("the URL has no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        if is_secure {
            let connected = self.tls.connect(stream, host, Alpn::Http1).await?;
            exchange(connected.stream, request, &uri).await
        } else {
            exchange(stream, request, &uri).await
        }
    }
}

/// Sends a request and reads the whole answer.
async fn exchange<IO>(
    stream: IO,
    mut request: Request<Bytes>,
    uri: &Uri,
) -> Result<Response<Bytes>, HttpError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let authority = uri.authority().map_or("", Authority::as_str);
    let fields = request.headers_mut();
    fields.insert(header::HOST, HeaderValue::from_str(authority)?);
    fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let response = sender.send_request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MOST_ANSWER).collect().await?;
        Ok::<_, HttpError>(Response::from_parts(head, body.to_bytes()))
    };
    // It may be over before the answer is read to its end; if it breaks, that hears of it.
    let driven = async move {
        if let Err(error) = connection.await {
            tracing::debug!("the connection to the collector of traces: {error}");
        }
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        answer = answer => answer,
        never = driven => match never {},
    }
}

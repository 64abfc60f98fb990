//! The way to the backend: connections that are kept alive and used again, the last one first.
//!
//! A stack of `hyper::client::conn` senders and not hyper-util's `Client`: measured beside it (`tests/bench/SHAPE.md`),
//! the client's generality (keys, races of connects, waiters) takes 5 % more CPU time per request at 32 connections and
//! 10 % at 1,000. There is one backend here, so nothing of that is needed.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, Uri, header, request};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::error::ExchangeError;
use crate::message::{Body, Streaming};

/// Connections that were not used for this long are closed; most servers keep theirs for 60 s or more.
const IDLE: Duration = Duration::from_secs(45);

/// A backend that doesn't accept a connection in this time is down.
const CONNECT: Duration = Duration::from_secs(5);

/// Kept-alive connections that may prove closed before a request gives up on them and opens a new one.
const MOST_STALE: usize = 3;

/// A backend with the connections to it.
#[derive(Debug)]
pub struct Upstream {
    authority: Authority,
    idle: Arc<IdleConnections>,
}

/// A connection that is ready for a request, or will be as soon as its last response is done.
type Connection = SendRequest<Body>;

/// Connections between two requests, the longest unused at the front.
#[derive(Debug, Default)]
struct IdleConnections(Mutex<VecDeque<(Instant, Connection)>>);

impl Upstream {
    /// A backend that speaks cleartext HTTP/1.1 at this authority.
    pub fn new(authority: Authority) -> Self {
        Self {
            authority,
            idle: Arc::default(),
        }
    }

    /// Sends a request and waits for the response's head. The target and the fields go out as they are.
    ///
    /// A kept-alive connection may be closed by the backend just as the request is written. What was not written is sent
    /// again; what was, only if it is idempotent and has no body (RFC 9112, section 9.3.1).
    ///
    /// # Errors
    /// When no connection can be had, when it fails before a response, when the response is no HTTP.
    pub async fn send(
        &self,
        head: &request::Parts,
        mut body: Body,
    ) -> Result<Response<Body>, ExchangeError> {
        let repeatable = matches!(body, Body::Empty) && head.method.is_idempotent();
        for _ in 0..MOST_STALE {
            let Some(mut connection) = self.idle.take().await else {
                break;
            };
            match connection.try_send_request(self.request(head, body)).await {
                Ok(response) => return Ok(self.lend(response, connection)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => body = unsent.into_body(),
                    None if repeatable && !error.error().is_parse() => body = Body::Empty,
                    None => return Err(classify(&error.into_error())),
                },
            }
        }
        let mut connection = self.connect().await?;
        let response = connection
            .send_request(self.request(head, body))
            .await
            .map_err(|e| classify(&e))?;
        Ok(self.lend(response, connection))
    }

    fn request(&self, head: &request::Parts, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = origin_form(&head.uri);
        *request.headers_mut() = head.headers.clone();
        if !head.headers.contains_key(header::HOST) {
            // For a request of HTTP/1.0 without the field; HTTP/1.1 demands one.
            let host = HeaderValue::from_str(self.authority.as_str())
                .unwrap_or(HeaderValue::from_static(""));
            request.headers_mut().insert(header::HOST, host);
        }
        request
    }

    /// The response with a body that gives the connection back when it has been read to its end. A body that is given
    /// up before closes the connection.
    fn lend(&self, response: Response<Incoming>, connection: Connection) -> Response<Body> {
        let idle = self.idle.clone();
        response.map(|body| {
            if body.is_end_stream() {
                idle.put(connection);
                return Body::Empty;
            }
            Body::Stream(Streaming::with_end(body, move || idle.put(connection)))
        })
    }

    async fn connect(&self) -> Result<Connection, ExchangeError> {
        let failed = |why: String| ExchangeError::Connect(format!("{}: {why}", self.authority));
        let host = self.authority.host().trim_matches(['[', ']']);
        let port = self.authority.port_u16().unwrap_or(80);
        let connecting = TcpStream::connect((host, port));
        let stream = tokio::time::timeout(CONNECT, connecting)
            .await
            .map_err(|_| failed(format!("no connection in {} s", CONNECT.as_secs())))?
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|e: io::Error| failed(e.to_string()))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (connection, driver) = handshake.map_err(|e| failed(e.to_string()))?;
        tokio::spawn(async move {
            // The request that it fails for hears of it too.
            if let Err(e) = driver.await {
                tracing::debug!("connection to the backend ended: {e}");
            }
        });
        Ok(connection)
    }
}

impl IdleConnections {
    /// The connection that was used last and still stands.
    async fn take(&self) -> Option<Connection> {
        loop {
            let (_, mut connection) = self.lock().pop_back()?;
            // Its driver may not have run since the last response ended.
            if connection.is_ready() || connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    fn put(&self, connection: Connection) {
        if connection.is_closed() {
            return;
        }
        let now = Instant::now();
        let mut idle = self.lock();
        while idle
            .front()
            .is_some_and(|(since, oldest)| oldest.is_closed() || now - *since > IDLE)
        {
            idle.pop_front();
        }
        idle.push_back((now, connection));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(Instant, Connection)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Path and query alone, as a request to an origin server has it (RFC 9112, section 3.2.1).
fn origin_form(target: &Uri) -> Uri {
    if target.authority().is_none() && target.path_and_query().is_some() {
        return target.clone();
    }
    Uri::from(
        target
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/")),
    )
}

fn classify(error: &hyper::Error) -> ExchangeError {
    let text = with_causes(error);
    if error.is_user() {
        ExchangeError::RequestBody(text)
    } else if error.is_parse() {
        ExchangeError::BadResponse(text)
    } else {
        ExchangeError::NoResponse(text)
    }
}

/// An error with its causes, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

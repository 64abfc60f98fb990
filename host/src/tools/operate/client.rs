//! A client of the admin API, over TCP or a unix socket.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::error::AskError;
use super::follow::Events;
use crate::cli::AdminArgs;
use crate::config;
use crate::config::admin::AdminAddress;

/// Where an admin listener is unless somebody says otherwise; `make run` and the documentation use it.
const DEFAULT: &str = "127.0.0.1:4599";

/// How long the proxy may take to answer: a plugin may be compiled meanwhile.
const ANSWER: Duration = Duration::from_secs(120);

/// Asks the admin listener of a running proxy.
#[derive(Debug)]
pub struct AdminClient {
    address: AdminAddress,
    token: Option<String>,
}

impl AdminClient {
    /// # Errors
    /// When the address or the token can't be had.
    pub fn new(at: &AdminArgs) -> Result<Self, AskError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (place, address) = match (&at.admin, variable("TOLLGATE_ADMIN")) {
            (Some(address), _) => ("--admin", address.clone()),
            (None, Some(address)) => ("TOLLGATE_ADMIN", address),
            (None, None) => ("", DEFAULT.to_owned()),
        };
        let address = config::admin_address(&address, Path::new(""))
            .map_err(|problem| AskError::Usage(format!("{place} {address:?}: {problem}")))?;
        let file = at.token_file.clone();
        let file = file.or_else(|| match variable("TOLLGATE_ADMIN_TOKEN") {
            Some(_) => None,
            None => variable("TOLLGATE_ADMIN_TOKEN_FILE").map(Into::into),
        });
        let token = match file {
            None => variable("TOLLGATE_ADMIN_TOKEN"),
            Some(file) => {
                let wrong =
                    |problem| AskError::Usage(format!("{}: {problem}", crate::text::path(&file)));
                let text = config::read_file(&file, 1 << 20, "text").map_err(wrong)?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        Ok(Self { address, token })
    }

    /// The JSON of an answer.
    ///
    /// # Errors
    /// When there is none, or it is a refusal.
    pub async fn get(&self, path: &str) -> Result<Value, AskError> {
        self.whole(Method::GET, path).await
    }

    /// The same for what changes something.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn post(&self, path: &str) -> Result<Value, AskError> {
        self.whole(Method::POST, path).await
    }

    /// Events as they come.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn events(&self, path: &str) -> Result<Events, AskError> {
        let response = self.ask(Method::GET, path).await?;
        Ok(Events::new(response.into_body(), self.address.clone()))
    }

    async fn whole(&self, method: Method, path: &str) -> Result<Value, AskError> {
        let answer = async {
            let response = self.ask(method, path).await?;
            let body = response.into_body().collect().await;
            let body = body.map_err(|error| self.broken(&error))?.to_bytes();
            serde_json::from_slice(&body).map_err(|error| self.broken(&error))
        };
        let late = |_| self.broken(&"no answer after two minutes");
        tokio::time::timeout(ANSWER, answer).await.map_err(late)?
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Response<Incoming>, AskError> {
        let unreachable = |source| AskError::Unreachable {
            address: self.address.clone(),
            source,
        };
        let response = match &self.address {
            AdminAddress::Tcp(address) => {
                let socket = TcpStream::connect(address).await.map_err(unreachable)?;
                self.send(socket, method, path).await?
            }
            AdminAddress::Unix(at) => {
                let socket = UnixStream::connect(at).await.map_err(unreachable)?;
                self.send(socket, method, path).await?
            }
        };
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::UNAUTHORIZED => Err(AskError::Token),
            status => {
                let body = response.into_body().collect().await;
                let body = body.map_err(|error| self.broken(&error))?.to_bytes();
                let problem: Option<Value> = serde_json::from_slice(&body).ok();
                let detail = problem
                    .as_ref()
                    .and_then(|problem| problem["detail"].as_str());
                Err(match detail {
                    Some(detail) => AskError::Refused(detail.to_owned()),
                    None => self.broken(&format_args!("status {status}")),
                })
            }
        }
    }

    async fn send<S>(
        &self,
        socket: S,
        method: Method,
        path: &str,
    ) -> Result<Response<Incoming>, AskError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket))
            .await
            .map_err(|error| self.broken(&error))?;
        tokio::spawn(connection);
        let host = match &self.address {
            AdminAddress::Tcp(address) => address.to_string(),
            AdminAddress::Unix(_) => "localhost".to_owned(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .header("x-tollgate-admin", "1");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Empty::<Bytes>::new());
        let request = request.map_err(|error| AskError::Usage(error.to_string()))?;
        let answer = sender.send_request(request).await;
        answer.map_err(|error| self.broken(&error))
    }

    fn broken(&self, problem: &dyn std::fmt::Display) -> AskError {
        AskError::Broken {
            address: self.address.clone(),
            problem: problem.to_string(),
        }
    }
}

/// A part of a path, percent-encoded.
pub fn escaped(part: &str) -> String {
    let mut escaped = String::new();
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                escaped.push(char::from(byte))
            }
            other => escaped += &format!("%{other:02X}"),
        }
    }
    escaped
}

//! The listener for whoever runs the proxy: is it alive, may it be sent traffic. It is not the clients' port, so that no
//! route and no plugin can hide it.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::descriptors::Trouble;

/// Whether new traffic is welcome. False before the first plugins are loaded and from the signal to stop on.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A head that takes longer than this is nobody's who asks for health.
const HEAD: Duration = Duration::from_secs(5);

/// Serves `GET /live` and `GET /ready` until `stop` resolves.
pub async fn serve(listener: TcpListener, ready: Readiness, stop: impl Future<Output = ()>) {
    let accepting = async {
        let mut trouble = Trouble::default();
        loop {
            let socket = match listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    let (pause, told) = trouble.again(&error, Instant::now());
                    if let Some(told) = told {
                        tracing::warn!("admin: can't accept connections: {told}");
                    }
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            trouble.over();
            let ready = ready.clone();
            let answering = service_fn(move |request| {
                let response = answer(&request, ready.get());
                async move { Ok::<_, Infallible>(response) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD);
            tokio::spawn(async move {
                if let Err(e) = http.serve_connection(TokioIo::new(socket), answering).await {
                    tracing::debug!("admin connection ended: {e}");
                }
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
}

fn answer<B>(request: &Request<B>, ready: bool) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/live") => (StatusCode::OK, "alive\n"),
        (&Method::GET | &Method::HEAD, "/ready") if ready => (StatusCode::OK, "ready\n"),
        (&Method::GET | &Method::HEAD, "/ready") => {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
        (_, "/live" | "/ready") => (
            StatusCode::METHOD_NOT_ALLOWED,
            "GET and HEAD are allowed here\n",
        ),
        _ => (StatusCode::NOT_FOUND, "there are /live and /ready here\n"),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        fields.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_and_what_is_answered() {
        let cases = [
            ("GET", "/live", true, 200),
            ("GET", "/live", false, 200),
            ("HEAD", "/ready", true, 200),
            ("GET", "/ready", false, 503),
            ("POST", "/ready", true, 405),
            ("GET", "/", true, 404),
        ];
        for (method, path, ready, status) in cases {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(())
                .unwrap();
            assert_eq!(
                answer(&request, ready).status(),
                status,
                "{method} {path} {ready}"
            );
        }
    }
}

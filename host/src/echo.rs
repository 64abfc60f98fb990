//! The embedded echo backend: answers every request with what it got, as JSON.
//!
//! It stands in where there is no backend yet, so that what plugins do to a request can be seen at
//! once. It is a backend as any other: behind a socket, and of HTTP/1.1.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, EXPECT, HeaderValue};
use http::{Method, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::descriptors::Trouble;

/// The longest body that is answered with its content; beyond it the answer is 413.
pub const MAX_BODY: usize = 16 << 20;

/// Serves until `shutdown` ends, then until the exchanges that run are done; the caller bounds that.
///
/// The answer is 200 and an object of `method`, `target` (path and query, not decoded), `fields` (a
/// list of name and value, names in lower case), `body` and `body_length` (bytes). Values and bodies
/// are strings where they are UTF-8, else `{"base64": …}`.
pub async fn serve(listener: TcpListener, shutdown: impl Future) {
    let mut shutdown = pin!(shutdown);
    let connections = GracefulShutdown::new();
    let mut trouble = Trouble::default();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok((socket, _)) => {
                trouble.over();
                socket
            }
            Err(error) => {
                let (pause, told) = trouble.again(&error, Instant::now());
                if let Some(told) = told {
                    tracing::warn!("the echo backend can't accept connections: {told}");
                }
                tokio::time::sleep(pause).await;
                continue;
            }
        };
        let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("connection to the echo backend ended: {error}");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    if head.method == Method::CONNECT {
        // A 200 would promise a tunnel (RFC 9110, section 9.3.6).
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            "the echo backend has no tunnels\n".to_owned(),
        );
    }
    let waits = head.headers.contains_key(EXPECT);
    if waits && body.size_hint().lower() > MAX_BODY as u64 {
        // The client asked first, so it need not send it all to hear no.
        return too_large();
    }
    match collect(body).await {
        Ok(Some(body)) => {
            let json = HeaderValue::from_static("application/json");
            with_type(StatusCode::OK, json, description(&head, &body))
        }
        Ok(None) => too_large(),
        Err(error) => text(
            StatusCode::BAD_REQUEST,
            format!("the body is broken: {error}\n"),
        ),
    }
}

/// The whole body; none if it is too long. Then too it is read to its end, since a client that still
/// sends would see its connection break instead of the answer.
async fn collect(mut body: Incoming) -> Result<Option<Vec<u8>>, hyper::Error> {
    let mut whole = Some(Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        whole = whole.filter(|whole| whole.len() + data.len() <= MAX_BODY);
        if let Some(whole) = &mut whole {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

/// What came, as JSON with a field to a line.
fn description(head: &request::Parts, body: &[u8]) -> String {
    let mut out = String::new();
    let fields = head.headers.iter();
    let fields = fields.map(|(name, value)| json!([name.as_str(), lossless(value.as_bytes())]));
    let fields: Vec<_> = fields.map(|field| format!("\n    {field}")).collect();
    let end = if fields.is_empty() { "" } else { "\n  " };
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "{{\n  \"method\": {},\n  \"target\": {},\n  \"fields\": [{}{end}],\n  \"body\": {},\n  \
         \"body_length\": {}\n}}\n",
        json!(head.method.as_str()),
        json!(head.uri.to_string()),
        fields.join(","),
        lossless(body),
        body.len(),
    );
    out
}

fn lossless(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": BASE64.encode(bytes) }),
    }
}

fn too_large() -> Response<Full<Bytes>> {
    let message = format!("the echo backend takes bodies of up to {MAX_BODY} bytes\n");
    text(StatusCode::PAYLOAD_TOO_LARGE, message)
}

fn text(status: StatusCode, message: String) -> Response<Full<Bytes>> {
    with_type(
        status,
        HeaderValue::from_static("text/plain; charset=utf-8"),
        message,
    )
}

fn with_type(status: StatusCode, kind: HeaderValue, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::thread;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    /// Bounds every wait of a test for the server.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// An echo backend on a thread of its own.
    struct Echo {
        address: SocketAddr,
        stop: Option<oneshot::Sender<()>>,
        thread: Option<thread::JoinHandle<()>>,
    }

    impl Echo {
        fn start() -> Self {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopped) = oneshot::channel();
            let thread = thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let listener = TcpListener::from_std(listener).unwrap();
                    tokio::spawn(serve(listener, stopped)).await.unwrap();
                });
            });
            Self {
                address,
                stop: Some(stop),
                thread: Some(thread),
            }
        }

        fn connect(&self) -> Client {
            let socket = TcpStream::connect(self.address).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.set_write_timeout(Some(PATIENCE)).unwrap();
            Client(BufReader::new(socket))
        }

        /// Tells the server to stop; returns when it has.
        fn stop(&mut self) {
            drop(self.stop.take());
            if let Some(thread) = self.thread.take() {
                thread.join().unwrap();
            }
        }
    }

    impl Drop for Echo {
        fn drop(&mut self) {
            self.stop();
        }
    }

    struct Client(BufReader<TcpStream>);

    impl Client {
        fn send(&mut self, bytes: &[u8]) {
            self.0.get_mut().write_all(bytes).unwrap();
        }

        /// Status line and fields of the next response.
        fn head(&mut self) -> Vec<String> {
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                assert!(
                    self.0.read_line(&mut line).unwrap() > 0,
                    "closed after {lines:?}"
                );
                match line.trim_end() {
                    "" => return lines,
                    line => lines.push(line.to_owned()),
                }
            }
        }

        fn response(&mut self) -> (String, String) {
            let head = self.head();
            let length = head
                .iter()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut body).unwrap();
            (head.join("\n"), String::from_utf8(body).unwrap())
        }
    }

    #[test]
    fn requests_come_back_on_one_connection() {
        let cases: [(&[u8], &str); 6] = [
            (
                b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                r#"{"method":"GET","target":"/","fields":[["host","a"]],"body":"","body_length":0}"#,
            ),
            (
                b"PURGE //a%2Fb/../c?d=%20&e HTTP/1.1\r\nhost: a\r\nX-A: 1\r\nx-b: \r\nx-a: 2\r\n\r\n",
                r#"{"method":"PURGE","target":"//a%2Fb/../c?d=%20&e",
                    "fields":[["host","a"],["x-a","1"],["x-a","2"],["x-b",""]],"body":"","body_length":0}"#,
            ),
            (
                b"POST /t HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n\"\xc3\xbc\"\n\x01",
                r#"{"method":"POST","target":"/t","fields":[["host","a"],["content-length","6"]],
                    "body":"\"ü\"\n\u0001","body_length":6}"#,
            ),
            (
                b"PUT /b HTTP/1.1\r\nhost: a\r\nx-bytes: \xff\xfe\r\ntransfer-encoding: chunked\r\n\r\n\
                  1\r\n\xff\r\n3\r\nabc\r\n0\r\n\r\n",
                r#"{"method":"PUT","target":"/b",
                    "fields":[["host","a"],["x-bytes",{"base64":"//4="}],["transfer-encoding","chunked"]],
                    "body":{"base64":"/2FiYw=="},"body_length":4}"#,
            ),
            (
                b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
                r#"{"method":"OPTIONS","target":"*","fields":[["host","a"]],"body":"","body_length":0}"#,
            ),
            (
                b"GET http://x.test/y?z HTTP/1.1\r\n\r\n",
                r#"{"method":"GET","target":"http://x.test/y?z","fields":[],"body":"","body_length":0}"#,
            ),
        ];
        let echo = Echo::start();
        let mut client = echo.connect();
        for (request, expected) in cases {
            client.send(request);
            let (head, body) = client.response();
            assert!(head.starts_with("HTTP/1.1 200 OK\n"), "{head}");
            assert!(head.contains("content-type: application/json"), "{head}");
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(value(&body), value(expected), "{body}");
        }
    }

    #[test]
    fn the_answer_is_laid_out_for_people() {
        let echo = Echo::start();
        let mut client = echo.connect();
        client.send(b"GET /a HTTP/1.1\r\nhost: a\r\nx-b: c\r\n\r\n");
        let expected = r#"{
  "method": "GET",
  "target": "/a",
  "fields": [
    ["host","a"],
    ["x-b","c"]
  ],
  "body": "",
  "body_length": 0
}
"#;
        assert_eq!(client.response().1, expected);
    }

    #[test]
    fn head_has_no_body_and_connect_no_tunnel() {
        let echo = Echo::start();
        let mut client = echo.connect();
        client.send(b"HEAD / HTTP/1.1\r\nhost: a\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n");
        let head = client.head();
        assert_eq!(head[0], "HTTP/1.1 200 OK");
        // A body of the first answer would stand where the second begins.
        let (next, body) = client.response();
        assert!(
            next.starts_with("HTTP/1.1 200 OK\n") && body.contains("/next"),
            "{next} {body}"
        );
        client.send(b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
        assert_eq!(client.head()[0], "HTTP/1.1 405 Method Not Allowed");
    }

    #[test]
    fn bodies_up_to_the_limit() {
        let echo = Echo::start();
        let mut client = echo.connect();
        for (length, status) in [
            (MAX_BODY, 200),
            (MAX_BODY + 1, 413),
            (2 * MAX_BODY, 413),
            (1, 200),
        ] {
            client.send(
                format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n")
                    .as_bytes(),
            );
            client.send(&vec![b'a'; length]);
            let (head, body) = client.response();
            assert!(
                head.starts_with(&format!("HTTP/1.1 {status} ")),
                "{length}: {head}"
            );
            let told = body.contains(&format!("\"body_length\": {length}\n"));
            assert_eq!(told, status == 200, "{length}");
        }
    }

    #[test]
    fn a_client_that_asks_first_is_told_before_it_sends() {
        let echo = Echo::start();
        for (length, status) in [(MAX_BODY + 1, "413 Payload Too Large"), (2, "100 Continue")] {
            let mut client = echo.connect();
            client.send(
                format!("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n")
                    .as_bytes(),
            );
            assert_eq!(client.head()[0], format!("HTTP/1.1 {status}"));
        }
    }

    #[test]
    fn a_broken_body_is_said_to_be_broken() {
        let echo = Echo::start();
        let mut client = echo.connect();
        client.send(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
        assert_eq!(client.head()[0], "HTTP/1.1 400 Bad Request");
    }

    #[test]
    fn shutdown_ends_running_exchanges_and_closes_idle_connections() {
        let mut echo = Echo::start();
        let (mut idle, mut busy) = (echo.connect(), echo.connect());
        idle.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        idle.response();
        busy.send(
            b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
        );
        // The interim answer says that the exchange has begun.
        assert_eq!(busy.head()[0], "HTTP/1.1 100 Continue");
        drop(echo.stop.take());
        assert_eq!(idle.0.read_to_end(&mut Vec::new()).unwrap(), 0);
        busy.send(b"ok");
        let (head, body) = busy.response();
        assert!(
            head.starts_with("HTTP/1.1 200 OK\n") && body.contains("\"ok\""),
            "{head} {body}"
        );
        echo.stop();
        assert!(TcpStream::connect(echo.address).is_err());
    }
}

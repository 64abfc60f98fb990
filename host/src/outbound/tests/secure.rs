//! TLS with an authority of the test, and HTTP/2 over it.

use std::convert::Infallible;
use std::path::PathBuf;

use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server for `localhost`, and the file of the authority that vouches for it.
struct Secure {
    peers: Peers,
    ca: PathBuf,
    _files: TempDir,
}

impl Secure {
    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.peers.address.port())
    }

    fn caller(&self) -> Caller {
        let ca = vec![self.ca.clone()];
        outbound(|config| config.ca = ca).caller("p", allowing(&["https://localhost:*"], &[]))
    }
}

/// Speaks what ALPN agrees on out of `alpn`.
async fn secure<F, Served>(alpn: &[&str], serve: F) -> Secure
where
    F: Fn(TokioIo<tokio_rustls::server::TlsStream<TcpStream>>, bool) -> Served
        + Send
        + Sync
        + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let files = tempfile::tempdir().unwrap();
    let ca = files.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let serve = Arc::new(serve);
    let peers = Peers::new(move |_, stream| {
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            serve(TokioIo::new(stream), http2).await;
        }
    })
    .await;
    Secure {
        peers,
        ca,
        _files: files,
    }
}

/// Answers with what `answer` makes of a request.
async fn answering<F, Answered>(alpn: &[&str], answer: F) -> Secure
where
    F: Fn(Request<Incoming>) -> Answered + Clone + Send + Sync + 'static,
    Answered: Future<Output = String> + Send + 'static,
{
    secure(alpn, move |io, http2| {
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answer = answer(request);
            async move {
                let body = Full::new(Bytes::from(answer.await));
                Ok::<_, Infallible>(Response::new(body))
            }
        });
        async move {
            if http2 {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(io, service).await;
            } else {
                let server = hyper::server::conn::http1::Builder::new();
                let _ = server.serve_connection(io, service).await;
            }
        }
    })
    .await
}

async fn described(request: Request<Incoming>) -> String {
    let host = request
        .headers()
        .get("host")
        .map(|h| h.to_str().unwrap().to_owned());
    let version = request.version();
    let uri = request.uri().to_string();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    format!("{version:?} {uri} {host:?} {}", body.len())
}

#[tokio::test]
async fn http2_is_spoken_where_the_peer_has_it() {
    for (alpn, version, http2) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2, true),
        (&["http/1.1"], Version::HTTP_11, false),
        (&[], Version::HTTP_11, false),
    ] {
        let secure = answering(alpn, described).await;
        let caller = secure.caller();
        let call = WholeCall {
            body: vec![b'x'; 300_000].into(),
            ..call("POST", &secure.url("/a?b"))
        };
        let answer = caller.send(call, &CallBudget::new(0)).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            text.starts_with(&format!("{version:?} ")) && text.ends_with(" 300000"),
            "{text}"
        );
        assert!(text.contains("/a?b"), "{text}");
        let peer = &answer.report.peer;
        assert_eq!((peer.http2, peer.tls), (http2, true));
        assert!(peer.secured > Duration::ZERO);
    }
}

#[tokio::test]
async fn many_calls_share_one_connection_over_http2() {
    let together = Arc::new(Barrier::new(30));
    let secure = answering(&["h2"], move |_| {
        let together = together.clone();
        async move {
            together.wait().await;
            "x".to_owned()
        }
    })
    .await;
    let caller = secure.caller();
    let calls = vec![call("GET", &secure.url("/")); 30];
    let answers = caller.send_all(calls, &CallBudget::new(0)).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(
        answers
            .iter()
            .flatten()
            .filter(|a| !a.report.reused)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_host_of_its_own_is_sent_over_http1() {
    let secure = answering(&["h2", "http/1.1"], described).await;
    let ca = vec![secure.ca.clone()];
    let allow = allowing(&["https://localhost:*", "https://site.example"], &[]);
    let caller = outbound(|config| config.ca = ca).caller("p", allow);
    let call = WholeCall {
        head: head("GET", &secure.url("/"), &[("host", "site.example")]),
        ..WholeCall::default()
    };
    let answer = caller.send(call, &CallBudget::new(0)).await.unwrap();
    assert_eq!(answer.body, "HTTP/1.1 / Some(\"site.example\") 0");
    assert!(!answer.report.peer.http2);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let secure = answering(&["h2"], described).await;
    let other = answering(&["h2"], described).await;
    let url = secure.url("/");
    for ca in [vec![], vec![other.ca.clone()]] {
        let caller =
            outbound(|config| config.ca = ca).caller("p", allowing(&["https://localhost:*"], &[]));
        let error = get(&caller, &url).await.unwrap_err();
        assert!(
            matches!(
                error,
                CallError::TlsFailed { .. } | CallError::Configuration(_)
            ),
            "{error}"
        );
    }
    // One file of several is enough, and the name has to be the certificate's.
    let ca = vec![other.ca.clone(), secure.ca.clone()];
    let allow = allowing(&["https://localhost:*", "https://127.0.0.1:*"], &[]);
    let caller = outbound(|config| config.ca = ca).caller("p", allow);
    get(&caller, &url).await.unwrap();
    let error = get(&caller, &url.replace("localhost", "127.0.0.1"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::TlsFailed { why, .. } if why.contains("localhost")),
        "{error}"
    );
    let missing = OutboundConfig {
        ca: vec![PathBuf::from("/nowhere.pem")],
        ..OutboundConfig::default()
    };
    assert!(Outbound::new(missing).is_err());
}

#[tokio::test]
async fn a_peer_without_tls_is_told_as_such() {
    let peers = Peers::new(|_, mut stream| async move {
        stream.read_exact(&mut [0; 1]).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let secure = answering(&["h2"], described).await;
    let url = format!("https://localhost:{}/", peers.address.port());
    let error = get(&secure.caller(), &url).await.unwrap_err();
    assert!(matches!(error, CallError::TlsFailed { .. }), "{error}");
}

/// A server over h2 itself: the first request of each kind is refused, the way a server does that goes away.
#[tokio::test]
async fn a_stream_that_was_refused_is_sent_again_whatever_its_method() {
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    let secure = secure(&["h2"], move |io, _| {
        let count = count.clone();
        async move {
            let mut connection = h2::server::handshake(io.into_inner()).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                if count.fetch_add(1, Ordering::Relaxed) == 0 {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                } else {
                    respond.send_response(Response::new(()), true).unwrap();
                }
            }
        }
    })
    .await;
    let caller = secure.caller();
    let call = WholeCall {
        body: Bytes::from_static(b"order"),
        ..call("POST", &secure.url("/"))
    };
    let answer = caller.send(call, &CallBudget::new(0)).await.unwrap();
    assert_eq!((answer.status, answer.report.attempts), (200, 2));
    assert_eq!(refused.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_stream_that_is_reset_is_told_as_such() {
    let secure = secure(&["h2"], |io, _| async move {
        let mut connection = h2::server::handshake(io.into_inner()).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(h2::Reason::INTERNAL_ERROR);
        }
    })
    .await;
    let caller = secure.caller();
    let error = get(&caller, &secure.url("/")).await.unwrap_err();
    assert!(matches!(error, CallError::Terminated(_)), "{error}");
}

#[tokio::test]
async fn a_head_has_its_limit_over_http2_too() {
    let secure = secure(&["h2"], |io, _| async move {
        let mut connection = h2::server::handshake(io.into_inner()).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let response = Response::builder().header("x", "x".repeat(20 << 10));
            respond
                .send_response(response.body(()).unwrap(), true)
                .unwrap();
        }
    })
    .await;
    let ca = vec![secure.ca.clone()];
    let allow = || allowing(&["https://localhost:*"], &[]);
    let small = outbound(|config| (config.ca, config.max_head) = (ca.clone(), 16 << 10));
    let error = get(&small.caller("p", allow()), &secure.url("/"))
        .await
        .unwrap_err();
    // h2 tells no more than that it ended the stream.
    assert!(
        matches!(error, CallError::Protocol(_) | CallError::Terminated(_)),
        "{error}"
    );
    get(&secure.caller(), &secure.url("/")).await.unwrap();
}

//! Requests by `wasi:http/outgoing-handler` have the permissions and limits of those by `client`, and the guest hears which one held.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{Empty, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wasmtime_wasi_http::p2::bindings::http::types;

use super::*;
use crate::outbound::{Allow, Destination, Outbound, OutboundConfig};
use crate::plugin::hash::ContentHash;
use crate::plugin::host::HooksState;
use crate::plugin::wasm::{PluginServices, PluginVersion};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers each request with these bytes and leaves the connection open. An empty answer is none.
async fn peer(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut asked = Vec::new();
                while stream.read_buf(&mut asked).await.is_ok_and(|read| read > 0) {
                    if asked.windows(4).any(|end| end == b"\r\n\r\n") {
                        asked.clear();
                        let _ = stream.write_all(answer).await;
                    }
                }
            });
        }
    });
    address
}

/// An instance of a plugin that may call this, within these bounds; `None` has no client.
fn instance(destination: Option<&str>, change: impl FnOnce(&mut OutboundConfig)) -> HooksState {
    let mut config = OutboundConfig::default();
    change(&mut config);
    let outbound = Outbound::new(config).unwrap();
    let allow = |text| Allow::new(vec![Destination::parse(text).unwrap()], Vec::new());
    let services = PluginServices {
        caller: destination.map(|text| outbound.caller("p", allow(text))),
        ..PluginServices::default()
    };
    let limits = crate::config::PluginLimits::default();
    let config = crate::config::PluginConfig::new(limits);
    let version = PluginVersion::new("p".to_owned(), ContentHash::of(b""), config);
    HooksState::new(&Arc::new(version.with_services(services)))
}

/// One request as a guest's library sends it: the body of the response, or what the guest hears.
async fn send(
    plugin: &mut HooksState,
    url: &str,
    body: WasiBody,
    options: Option<RequestOptions>,
) -> Result<Bytes, Error> {
    let request = Request::post(url).body(body).unwrap();
    let nothing = Box::new(std::future::ready(Ok(())));
    let hooks = plugin.next_request().hooks;
    let sent = Box::into_pin(hooks.send_request(request, options, nothing));
    let (response, _) = sent.await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

fn nothing() -> WasiBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

async fn get(plugin: &mut HooksState, url: &str) -> Result<Bytes, Error> {
    send(plugin, url, nothing(), None).await
}

/// The text of an error that has no case of its own.
fn internal(result: Result<Bytes, Error>) -> String {
    match result {
        Err(Error::InternalError(Some(text))) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_what_is_granted_is_reached() {
    let url = format!("http://{}/a/b", peer(OK).await);
    let granted = format!("{}a", url.trim_end_matches("a/b"));
    let mut plugin = instance(Some(&granted), |_| ());
    assert_eq!(get(&mut plugin, &url).await.unwrap(), "ok");
    let elsewhere = url.replace("/a/b", "/b");
    let denied = internal(get(&mut plugin, &elsewhere).await);
    assert!(
        denied.contains("is not allowed; to allow it, add"),
        "{denied}"
    );
    let mut anywhere = instance(Some("http://*:*"), |_| ());
    let inside = internal(get(&mut anywhere, &url).await);
    assert!(inside.contains("127.0.0.1"), "{inside}");
    let mut nobody = instance(None, |_| ());
    let none = internal(get(&mut nobody, &url).await);
    assert!(none.contains("the plugin has no client"), "{none}");
    // Nothing is sent in a trial, and it is known that something would have been.
    plugin.trial = Some(crate::plugin::host::TrialServices::default());
    let trial = internal(get(&mut plugin, &url).await);
    assert!(trial.contains("nothing is sent in the trial"), "{trial}");
    assert!(plugin.trial.unwrap().has_called());
}

#[tokio::test]
async fn calls_of_one_exchange_are_counted_together() {
    let url = format!("http://{}/", peer(OK).await);
    let mut plugin = instance(Some("http://127.0.0.1:*"), |config| config.max_calls = 2);
    for _ in 0..2 {
        assert_eq!(get(&mut plugin, &url).await.unwrap(), "ok");
    }
    let third = internal(get(&mut plugin, &url).await);
    assert!(third.contains('2'), "{third}");
    // Those by `client` are counted with them, and the next exchange begins anew.
    assert_eq!(plugin.calls.made(), 3);
    plugin.restart_calls();
    assert_eq!(get(&mut plugin, &url).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_request_that_is_too_deep_is_a_loop() {
    let url = format!("http://{}/", peer(OK).await);
    let mut plugin = instance(Some("http://127.0.0.1:*"), |_| ());
    for (depth, ends) in [(7, false), (8, true)] {
        plugin.exchange.depth = depth;
        plugin.restart_calls();
        let answer = get(&mut plugin, &url).await;
        assert_eq!(
            matches!(answer, Err(Error::LoopDetected)),
            ends,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn bodies_and_fields_have_their_limits() {
    let url = format!("http://{}/", peer(OK).await);
    let large = format!(
        "http://{}/",
        peer(b"HTTP/1.1 200 OK\r\n\r\n0123456789a").await
    );
    let mut plugin = instance(Some("http://127.0.0.1:*"), |config| {
        (config.max_request, config.max_response) = (10, 10);
    });
    let body = |length: usize| -> WasiBody {
        let body = Full::new(Bytes::from(vec![b'x'; length]));
        body.map_err(|never| match never {}).boxed_unsync()
    };
    assert_eq!(send(&mut plugin, &url, body(10), None).await.unwrap(), "ok");
    let request = send(&mut plugin, &url, body(11), None).await;
    assert!(
        matches!(request, Err(Error::HttpRequestBodySize(Some(10)))),
        "{request:?}"
    );
    let response = get(&mut plugin, &large).await;
    assert!(
        matches!(response, Err(Error::HttpResponseBodySize(Some(10)))),
        "{response:?}"
    );
    // What one message may have of fields is what the plugin's heads may have.
    let limit = plugin.guest.version.config.max_head;
    let mut append = |length: usize| {
        let mut view = plugin.outgoing.view(&mut plugin.guest.table);
        let fields = types::HostFields::new(&mut view).unwrap();
        types::HostFields::append(&mut view, fields, "a".to_owned(), vec![b'x'; length])
    };
    assert!(append(limit / 2).is_ok());
    assert!(append(limit).is_err());
}

#[tokio::test(start_paused = true)]
async fn waiting_has_the_limits_of_the_guest_and_of_the_host() {
    let silent = format!("http://{}/", peer(b"").await);
    let stops = format!(
        "http://{}/",
        peer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await
    );
    let hour = Duration::from_secs(3600);
    let times = |first, between| RequestOptions {
        connect_timeout: None,
        first_byte_timeout: first,
        between_bytes_timeout: between,
    };
    let second = Duration::from_secs(1);
    for (own, host, expected) in [
        (Some(second), hour, second),
        (Some(hour), second, second),
        (None, second, second),
    ] {
        let mut plugin = instance(Some("http://127.0.0.1:*"), |config| {
            (config.timeout, config.connect_timeout) = (host, hour);
        });
        let started = tokio::time::Instant::now();
        let head = send(&mut plugin, &silent, nothing(), Some(times(own, own))).await;
        assert!(matches!(head, Err(Error::HttpResponseTimeout)), "{head:?}");
        assert!(started.elapsed() < expected * 2, "{:?}", started.elapsed());
        let started = tokio::time::Instant::now();
        let body = send(&mut plugin, &stops, nothing(), Some(times(own, own))).await;
        assert!(
            matches!(body, Err(Error::ConnectionReadTimeout)),
            "{body:?}"
        );
        assert!(started.elapsed() < expected * 2, "{:?}", started.elapsed());
    }
}

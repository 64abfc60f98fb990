//! What-if of exchanges of every kind: as they were with the plugins that were there, and otherwise with others.

use serde_json::{Value, json};
use tollgate_tests::*;

use super::what_if::{ON, backend, ids, what_if};
use super::with_admin;

/// A proxy that records, with this plugin.
async fn with(name: &str, guest: Guest, config: &str, origin: &Origin) -> Proxy {
    let proxy = with_admin().plugin(name, guest).config(config).config(ON);
    proxy.backend(origin).start().await
}

/// All exchanges come to what they came to.
async fn assert_same(proxy: &Proxy, count: usize) {
    ids(proxy, count).await;
    let all = what_if(proxy, json!({})).await;
    assert_eq!(
        (&all["played"], &all["same"]),
        (&json!(count), &json!(count)),
        "{all}"
    );
}

/// What differs when this guest has taken the plugin's place.
async fn changed(proxy: &Proxy, name: &str, guest: &Guest) -> Vec<Value> {
    let serving = || {
        proxy
            .status(name)
            .and_then(|it| it.serving)
            .map(|it| it.hash)
    };
    let before = serving();
    proxy.plugins.add(name, guest);
    eventually!(serving() != before);
    let all = what_if(proxy, json!({})).await;
    all["different"].as_array().unwrap().clone()
}

/// A frame of HTTP/2 (RFC 9113, section 4.1) on the first stream, or on the connection.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Fields as literals without a name that is known (RFC 7541, section 6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_and_trailers_both_ways() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                  5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n";
    let origin = origin().route("/", raw(answer)).start().await;
    let proxy = with("mark", guest("mark"), "", &origin).await;
    let head = block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "example.com"),
        ("te", "trailers"),
    ]);
    let mut client = proxy.client().await;
    let request = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, &[]),
        frame(1, 4, 1, &head),
        frame(0, 0, 1, b"question"),
        frame(1, 5, 1, &block(&[("x-asked", "1")])),
    ];
    client.send(request.concat()).await;
    ids(&proxy, 1).await;
    let seen = proxy.recorder().unwrap().ring().page(None, 1, |_| true);
    let exchange = &seen.exchanges[0];
    assert_eq!(exchange.protocol, "HTTP/2");
    assert_eq!(exchange.request.trailers.len(), 1);
    assert_eq!(exchange.answer().unwrap().trailers.len(), 1);
    assert_same(&proxy, 1).await;
    let found = changed(&proxy, "mark", &guest("respond")).await;
    assert_eq!(
        (&found[0]["then"]["status"], &found[0]["now"]["status"]),
        (&json!(200), &json!(403))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_come_in_pieces() {
    let reply = raw(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n",
    )
    .then("9\r\ndata: 1\n\n\r\n3\r\nx: \r\n")
    .then("4\r\n2\r\n\n\r\n1\r\n\n\r\n")
    .then("6\r\na: 3\n\n\r\n0\r\n\r\n");
    let origin = origin().route("/", reply).start().await;
    let proxy = with("flow", guest("rewrite"), "", &origin).await;
    let request = request("POST", "/").chunked(&[b"plain\nx", b"\nx\nla", b"st\n"]);
    assert_eq!(proxy.ask(&request).await.status(), 200);
    assert_same(&proxy, 1).await;
    let found = changed(&proxy, "flow", &guest("rewrite").version("v002")).await;
    let places: Vec<_> = found[0]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["hook"], &it["what"], &it["rows"][0]["op"]))
        .collect();
    assert_eq!(
        places,
        [
            (&json!("request-body"), &json!("body"), &json!("replace")),
            (&json!("response-body"), &json!("body"), &json!("replace")),
        ],
        "{found:?}"
    );
    let row = found[0]["differences"][0]["rows"][0].clone();
    assert!(
        row["left"].as_str().unwrap().contains("[v000]")
            && row["right"].as_str().unwrap().contains("[v002]"),
        "{row}"
    );
}

/// What a plugin makes of a body is cut off where the recording was.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_grew_longer_than_what_is_kept() {
    let origin = backend().await;
    let proxy = with_admin().plugin("flow", guest("rewrite"));
    let proxy = proxy.config(&format!("{ON}\nbody = 32")).backend(&origin);
    let proxy = proxy.start().await;
    let request = request("POST", "/").body("x\n".repeat(10));
    assert_eq!(proxy.ask(&request).await.status(), 200);
    ids(&proxy, 1).await;
    let seen = proxy.recorder().unwrap().ring().page(None, 1, |_| true);
    let sent = seen.exchanges[0].before(seen.exchanges[0].steps.len()).0;
    assert_eq!((sent.content.kept.len(), sent.content.length), (32, 60));
    assert_same(&proxy, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_itself_and_who_traps() {
    let origin = backend().await;
    let proxy = with("p", guest("respond"), "", &origin).await;
    assert_eq!(proxy.get("/").await.status(), 403);
    assert_same(&proxy, 1).await;
    let found = changed(&proxy, "p", &guest("trap-forward")).await;
    assert_eq!(
        (&found[0]["then"]["status"], &found[0]["now"]["status"]),
        (&json!(403), &json!(502)),
    );
    let error = found[0]["now"]["error"].as_str().unwrap();
    assert!(
        error.ends_with(
            "the exchange did not reach it then, so there is no answer of it on the tape"
        ),
        "{error}"
    );
    assert_eq!(proxy.get("/trap").await.status(), 502);
    ids(&proxy, 2).await;
    let traps = what_if(&proxy, json!({"filter": "~u /trap"})).await;
    assert_eq!(
        (&traps["played"], &traps["same"]),
        (&json!(1), &json!(1)),
        "{traps}"
    );
    let found = changed(&proxy, "p", &guest("mark")).await;
    let trap = found
        .iter()
        .find(|it| it["url"].as_str().unwrap().ends_with("/trap"));
    let outcome = &trap.unwrap()["differences"][0];
    assert_eq!(
        (
            &outcome["plugin"],
            &outcome["where"],
            &outcome["rows"][0]["right"]
        ),
        (&json!("p"), &json!("request"), &json!("x-mark: v000")),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_component() {
    let origin = backend().await;
    let on = "standard-components = true";
    let proxy = with("mark", guest("mark"), on, &origin).await;
    assert_eq!(proxy.get("/").await.status(), 200);
    ids(&proxy, 1).await;
    let found = changed(&proxy, "std", &guest("standard-trap")).await;
    assert_eq!(found[0]["now"]["status"], 502, "{found:?}");
    let own: Vec<_> = found[0]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["plugin"] == "std")
        .collect();
    assert_eq!(
        (own.len(), &own[0]["hook"], &own[0]["where"]),
        (1, &json!("handle"), &json!("outcome"))
    );
    assert_eq!(proxy.get("/again").await.status(), 502);
    ids(&proxy, 2).await;
    let again = what_if(&proxy, json!({"filter": "~u /again"})).await;
    assert_eq!(
        (&again["played"], &again["same"]),
        (&json!(1), &json!(1)),
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_left_out() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                  sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let origin = origin().route("/", raw(switch).close()).start().await;
    let proxy = with("mark", guest("mark"), "", &origin).await;
    let request = get("/")
        .field("connection", "upgrade")
        .field("upgrade", "websocket")
        .field("sec-websocket-version", "13")
        .field("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let mut client = proxy.client().await;
    client.send(request.bytes()).await;
    assert_eq!(client.head().await.status, 101);
    drop(client);
    ids(&proxy, 1).await;
    let all = what_if(&proxy, json!({})).await;
    assert_eq!(
        (&all["played"], &all["skipped"][0]["why"]),
        (&json!(0), &json!("a WebSocket is not run again"))
    );
}

/// Plugins get the request as it is when the host has done its part, and can choose among the backends that there are.
#[tokio::test(flavor = "multi_thread")]
async fn the_request_is_that_of_the_first_plugin() {
    let origin = backend().await;
    let config = format!(
        "backends.other.address = 'http://{}'\nplugin.choose.allow.backends = ['other']",
        origin.address()
    );
    let proxy = with("choose", guest("choose"), &config, &origin).await;
    let hop = get("/").field("connection", "x-trap").field("x-trap", "1");
    assert_eq!(
        proxy.ask(&hop).await.status(),
        200,
        "that is not for plugins"
    );
    let other = proxy.ask(&get("/").field("x-backend", "other")).await;
    assert_eq!(other.field("x-went-to").as_deref(), Some("other"));
    assert_same(&proxy, 2).await;
}

/// The clock says when the exchange began, and chance is the same each time.
#[tokio::test(flavor = "multi_thread")]
async fn time_is_that_of_the_exchanges() {
    let origin = backend().await;
    let proxy = with("ambient", guest("ambient"), "", &origin).await;
    for _ in 0..2 {
        assert_eq!(proxy.get("/").await.status(), 200);
    }
    ids(&proxy, 2).await;
    let ring = proxy.recorder().unwrap().ring();
    let all = what_if(&proxy, json!({})).await;
    let different = all["different"].as_array().unwrap();
    assert_eq!(different.len(), 2, "{all}");
    for found in different {
        let id = u64::from_str_radix(found["id"].as_str().unwrap(), 16).unwrap();
        let exchange = ring.get(id).unwrap();
        let rows = found["differences"][0]["rows"].as_array().unwrap().iter();
        let now = rows
            .filter_map(|row| row["right"].as_str()?.strip_prefix("x-now: "))
            .next()
            .unwrap();
        let now = u64::from_str_radix(now, 16).unwrap() / 1000;
        assert_eq!(now, exchange.began, "microseconds since 1970");
    }
    let again = what_if(&proxy, json!({})).await;
    assert_eq!(again["different"], all["different"]);
}

/// A path that takes another route when it is decoded is refused now as it was then.
#[tokio::test(flavor = "multi_thread")]
async fn routes_are_found_as_in_the_proxy() {
    let origin = backend().await;
    let url = format!("http://{}", origin.address());
    let routes = format!("[[routes]]\npath = '/public'\nbackend = '{url}'\nplugins = []");
    let proxy = with("mark", guest("mark"), &routes, &origin).await;
    for (target, status) in [("/", 200), ("/public", 200), ("/public/../secret", 400)] {
        assert_eq!(proxy.get(target).await.status(), status, "{target}");
    }
    assert_same(&proxy, 3).await;
}

//! What-if over the API: recorded exchanges through the plugins as they are now, and nothing but an answer comes of it.

use serde_json::{Value, json};
use tollgate_tests::*;

use super::{ask, post, read, with_admin};

pub const ON: &str = "[record]\nenabled = true";

/// A backend that answers what these tests ask for.
pub async fn backend() -> Origin {
    let paths = ["/", "/again", "/ask", "/loop", "/public", "/trap"];
    let origin = paths
        .iter()
        .fold(origin(), |origin, path| origin.route(path, text("ok")));
    origin.start().await
}

/// The ids of the exchanges that are there once so many are; the newest first.
pub async fn ids(proxy: &Proxy, count: usize) -> Vec<String> {
    let list = async || read(proxy, "/api/v1/exchanges?limit=1000").await["exchanges"].clone();
    eventually!(list().await.as_array().unwrap().len() == count);
    let list = list().await;
    let ids = list.as_array().unwrap().iter();
    ids.map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

pub async fn what_if(proxy: &Proxy, asked: Value) -> Value {
    let (status, answer) = ask(proxy, "POST", "/api/v1/what-if", Some(&asked)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn request_to_play(address: &str) -> Request {
    let head =
        format!("POST /api/v1/what-if HTTP/1.1\r\nhost: {address}\r\nx-tollgate-admin: 1\r\n");
    Request::new(head)
        .field("content-type", "application/json")
        .body("{}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_plugin_is_seen_in_what_it_would_do() {
    let origin = backend().await;
    let proxy = with_admin()
        .plugin("mark", guest("mark"))
        .config(ON)
        .backend(&origin)
        .start()
        .await;
    for method in ["GET", "GET", "POST"] {
        let request = request(method, "/").field("authorization", "Bearer secret1234");
        assert_eq!(proxy.ask(&request).await.status(), 200);
    }
    let ids = ids(&proxy, 3).await;
    let same = what_if(&proxy, json!({})).await;
    assert_eq!(
        (&same["played"], &same["same"], &same["masked"]),
        (&json!(3), &json!(3), &json!(3)),
        "{same}"
    );
    assert_eq!(
        (&same["different"], &same["skipped"]),
        (&json!([]), &json!([]))
    );

    let serving = || {
        let serving = proxy.status("mark").and_then(|it| it.serving);
        serving.map(|it| it.hash)
    };
    let before = serving();
    proxy.plugins.add("mark", &guest("mark").version("v002"));
    eventually!(serving() != before);
    let (status, one) = post(&proxy, &format!("/api/v1/exchanges/{}/what-if", ids[0])).await;
    assert_eq!((status, &one["same"]), (200, &json!(false)), "{one}");
    assert_marks_differ(&one);

    let gets = what_if(&proxy, json!({"filter": "~m GET", "limit": 3})).await;
    let different = gets["different"].as_array().unwrap();
    let found: Vec<_> = different.iter().map(|one| &one["id"]).collect();
    assert_eq!(
        found,
        [&json!(ids[2]), &json!(ids[1])],
        "the oldest first: {gets}"
    );
    assert_eq!(what_if(&proxy, json!({"limit": 1})).await["played"], 1);
}

/// The plugin marked by one version and would by the other.
fn assert_marks_differ(one: &Value) {
    assert_eq!(one["method"], "POST");
    assert_eq!(one["masked"], json!(["authorization"]));
    assert_eq!(
        (&one["then"]["status"], &one["now"]["status"]),
        (&json!(200), &json!(200))
    );
    let calls = |side: &str| {
        let calls = one[side]["calls"].as_array().unwrap().iter();
        calls
            .map(|call| format!("{} {}", call["plugin"], call["hook"]))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(
        calls("now"),
        "\"mark\" \"forward-request\", \"mark\" \"return-response\""
    );
    assert_eq!(calls("then"), calls("now"));
    let version = |side: &str| one[side]["calls"][0]["version"].clone();
    assert_ne!(version("then"), version("now"));
    let differences = one["differences"].as_array().unwrap();
    let places: Vec<_> = differences
        .iter()
        .map(|it| (&it["plugin"], &it["where"], &it["what"]))
        .collect();
    assert_eq!(
        places,
        [
            (&json!("mark"), &json!("request"), &json!("head")),
            (&json!("mark"), &json!("response"), &json!("head"))
        ]
    );
    assert_eq!(
        differences[0]["rows"],
        json!([{"op": "replace", "left": "x-mark: v000", "right": "x-mark: v002"}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_played_says_why() {
    let origin = backend().await;
    let proxy = with_admin()
        .config(&format!("{ON}\nbody = 8"))
        .backend(&origin)
        .start()
        .await;
    proxy
        .ask(&request("POST", "/").body("longer than that"))
        .await;
    let ids = ids(&proxy, 1).await;
    let path = format!("/api/v1/exchanges/{}/what-if", ids[0]);
    let (status, problem) = post(&proxy, &path).await;
    assert_eq!(status, 422, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("the body was not kept whole: 8 of 16 bytes"),
        "{detail}"
    );
    let all = what_if(&proxy, json!({})).await;
    assert_eq!(
        (&all["played"], &all["skipped"][0]["id"]),
        (&json!(0), &json!(ids[0]))
    );
    let cases = [
        (json!({"filter": "~nothing"}), "filter: "),
        (json!({"limit": 0}), "limit: "),
        (json!({"limit": 1001}), "limit: "),
        (json!({"limits": 1}), "unknown field"),
    ];
    for (asked, expected) in cases {
        let (status, problem) = ask(&proxy, "POST", "/api/v1/what-if", Some(&asked)).await;
        assert_eq!(status, 400, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(expected),
            "{problem}"
        );
    }
    let unknown = "/api/v1/exchanges/00000000000000ff/what-if";
    assert_eq!(post(&proxy, unknown).await.0, 404);
    let silent = with_admin()
        .config("[record]\nenabled = false")
        .backend(&origin)
        .start()
        .await;
    assert_eq!(post(&silent, "/api/v1/what-if").await.0, 404);
}

/// State, calls to other servers, what is counted and recorded.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_is_touched() {
    let origin = backend().await;
    let elsewhere = backend().await;
    let proxy = with_admin()
        .plugin("count", guest("count-state"))
        .plugin("ask", guest("ask-again"))
        .config(&format!(
            "state.store = 'memory'\nplugin.count = {{ allow.state = true, match.path = '/count' }}\n\
             plugin.ask = {{ allow.http = ['http://127.0.0.1:*'], match.path = '/ask' }}\n{ON}"
        ))
        .backend(&origin)
        .start()
        .await;
    for count in 1..=3 {
        assert_eq!(proxy.get("/count").await.status(), 200 + count);
    }
    let asks = Request::new(format!(
        "GET /ask HTTP/1.1\r\nhost: {}\r\n",
        elsewhere.address()
    ));
    assert_eq!(proxy.ask(&asks).await.status(), 200);
    assert_eq!(elsewhere.requests().len(), 1);
    ids(&proxy, 4).await;
    let counted = async || {
        let get = Request::new("GET /metrics HTTP/1.1\r\nhost: localhost\r\n");
        let metrics = super::send(&proxy, &get).await.text().to_owned();
        let families = [
            "hook",
            "instances",
            "failures",
            "outbound",
            "exchanges",
            "backend_requests",
            "recorded",
        ];
        let plain = |line: &&str| {
            let name = line.strip_prefix("tollgate_");
            name.is_some_and(|name| families.iter().any(|family| name.starts_with(family)))
        };
        let lines = metrics.lines().filter(plain).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    let (before, backend) = (counted().await, origin.requests().len());
    assert!(before.len() > 10, "{before:?}");
    let all = what_if(&proxy, json!({})).await;
    assert_eq!(all["played"], 4);
    // It begins at none and counts to three.
    assert_eq!(all["same"], 3, "{all}");
    let refused = &all["different"][0];
    assert_eq!(
        (&refused["then"]["status"], &refused["now"]["status"]),
        (&json!(200), &json!(599)),
        "no call is answered"
    );
    assert_eq!(counted().await, before);
    assert_eq!(
        (origin.requests().len(), elsewhere.requests().len()),
        (backend, 1)
    );
    assert_eq!(proxy.get("/count").await.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_logged() {
    let origin = backend().await;
    let proxy = proxy()
        .plugin("log", guest("log"))
        .plugin("trap", guest("trap-forward"))
        .config(&format!(
            "admin = '127.0.0.1:0'\nplugin.trap.on-failure = 'open'\n{ON}"
        ))
        .backend(&origin)
        .start_binary()
        .await;
    assert_eq!(proxy.get("/trap").await.status(), 200);
    eventually!(proxy.stderr().contains("admin: listens on "));
    let log = proxy.stderr();
    let address = log.split("admin: listens on ").nth(1).unwrap();
    let address = address.split_whitespace().next().unwrap().to_owned();
    let play = async || {
        let mut client = Client::connect(address.parse().unwrap()).await;
        let answer = client.ask(&request_to_play(&address)).await;
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    eventually!(play().await["played"] == 1);
    assert_eq!(play().await["same"], 1);
    proxy.terminate();
    let log = proxy.ended().await.stderr;
    let said = |words: &str| log.matches(words).count();
    assert_eq!(
        said("on the way back"),
        2,
        "the trial and the exchange: {log}"
    );
    assert_eq!(said("continuing without it"), 1, "{log}");
}

/// A plugin needs its whole time for each of many exchanges, so that a what-if of all takes longer than a test waits.
#[tokio::test(flavor = "multi_thread")]
async fn one_runs_at_a_time_and_ends_with_who_asked() {
    let origin = backend().await;
    let proxy = with_admin()
        .config(&format!("[limits]\ndeadline = '200ms'\n{ON}"))
        .backend(&origin)
        .start()
        .await;
    for _ in 0..100 {
        assert_eq!(proxy.get("/loop").await.status(), 200);
    }
    ids(&proxy, 100).await;
    proxy.plugins.add("loop", &guest("loop-forward"));
    eventually!(proxy.status("loop").is_some_and(|it| it.serving.is_some()));
    let mut first = Client::connect(proxy.admin().unwrap()).await;
    first.send(request_to_play("localhost").bytes()).await;
    let one = json!({"limit": 1});
    eventually!(ask(&proxy, "POST", "/api/v1/what-if", Some(&one)).await.0 == 429);
    drop(first);
    // No other waits for so long as the first would have taken.
    let next = what_if(&proxy, one).await;
    assert_eq!(next["different"][0]["now"]["status"], 502, "{next}");
}

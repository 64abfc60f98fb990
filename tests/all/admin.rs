//! The admin API over its own listener: who may ask, what is told, and what an operator can do to plugins.

mod exchanges;
mod played;
mod plugins;
mod replay;
mod settings;
mod versions;
mod what_if;

use serde_json::Value;
use tollgate_tests::*;

/// Asks the admin listener, as a program of the operator's does.
async fn ask(proxy: &Proxy, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-tollgate-admin: 1\r\n");
    let mut request = Request::new(head);
    if let Some(body) = body {
        let request_with = request.field("content-type", "application/json");
        request = request_with.body(body.to_string());
    }
    let answer = send(proxy, &request).await;
    (
        answer.status(),
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
    )
}

async fn send(proxy: &Proxy, request: &Request) -> Answer {
    let mut client = Client::connect(proxy.admin().unwrap()).await;
    client.ask(request).await
}

async fn post(proxy: &Proxy, path: &str) -> (u16, Value) {
    ask(proxy, "POST", path, None).await
}

async fn read(proxy: &Proxy, path: &str) -> Value {
    let (status, value) = ask(proxy, "GET", path, None).await;
    assert_eq!(status, 200, "{path}: {value}");
    value
}

/// What the API says of a plugin.
async fn plugin(proxy: &Proxy, name: &str) -> Value {
    read(proxy, &format!("/api/v1/plugins/{name}")).await
}

/// The names of a plugin's events.
fn events(plugin: &Value) -> Vec<&str> {
    let history = plugin["history"].as_array().unwrap().iter();
    history
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

/// A proxy with an admin listener on any port.
fn with_admin() -> Builder {
    proxy().config("admin = \"127.0.0.1:0\"")
}

async fn ok() -> Origin {
    origin().route("/", text("ok")).start().await
}

/// A proxy with an admin listener and the plugin `mark`.
async fn marked(origin: &Origin) -> Proxy {
    with_admin()
        .plugin("mark", guest("mark"))
        .backend(origin)
        .start()
        .await
}

/// What `/api/v1/events` tells.
struct Told {
    client: Client,
    text: Vec<u8>,
}

impl Told {
    /// From now on.
    async fn by(proxy: &Proxy, query: &str) -> Self {
        let mut client = Client::connect(proxy.admin().unwrap()).await;
        let get = format!("GET /api/v1/events?{query} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        client.send(get).await;
        let head = client.head().await;
        assert_eq!(head.field("content-type").unwrap(), "text/event-stream");
        let text = Vec::new();
        Self { client, text }
    }

    /// All of it, once these words are in it.
    async fn until(&mut self, words: &str) -> String {
        while !String::from_utf8_lossy(&self.text).contains(words) {
            self.text.extend(self.client.bytes(1).await);
        }
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_who_may_ask_hold_on_the_wire() {
    let origin = ok().await;
    let proxy = marked(&origin).await;
    let head =
        |line: &str, host: &str| Request::new(format!("{line} HTTP/1.1\r\nhost: {host}\r\n"));
    let disable = "POST /api/v1/plugins/mark/disable";
    let cases = [
        (head("GET /api/v1/status", "localhost"), 200),
        (head("GET /api/v1/status", "evil.example"), 421),
        (head("GET /live", "evil.example"), 200),
        (head(disable, "localhost"), 403),
        (
            head(disable, "localhost")
                .field("x-tollgate-admin", "1")
                .field("origin", "http://evil.example"),
            403,
        ),
        (
            head(disable, "evil.example").field("x-tollgate-admin", "1"),
            421,
        ),
        (
            head(disable, "localhost")
                .field("x-tollgate-admin", "1")
                .field("content-type", "text/plain")
                .body("{}"),
            415,
        ),
        (
            head("POST /api/v1/plugins/other/disable", "localhost").field("x-tollgate-admin", "1"),
            404,
        ),
        (head("GET /nowhere", "localhost"), 404),
        (head("GET /api/v1/plugins/%ff", "localhost"), 400),
        (head("GET /api/v1/events?only=everything", "localhost"), 400),
        (head("GET /api/v1/events?onyl=status", "localhost"), 400),
        (head("GET /api/v1/events?filter=~c", "localhost"), 400),
    ];
    for (request, status) in cases {
        let answer = send(&proxy, &request).await;
        assert_eq!(answer.status(), status, "{request:?}: {}", answer.text());
        if status >= 400 {
            assert_eq!(
                answer.field("content-type").unwrap(),
                "application/problem+json"
            );
            let problem: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(problem["status"], status);
            assert!(!problem["detail"].as_str().unwrap().is_empty());
        }
        assert_eq!(answer.field("x-content-type-options").unwrap(), "nosniff");
    }
    assert!(proxy.mark().await.is_some(), "nobody has switched it off");
    let answer = send(&proxy, &head("GET /api/v1/reload", "localhost")).await;
    assert_eq!(
        (answer.status(), answer.field("allow").unwrap()),
        (405, "POST".to_owned())
    );
    assert_eq!(
        answer.field("content-type").unwrap(),
        "application/problem+json"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_no_json_is_refused() {
    let origin = ok().await;
    let proxy = marked(&origin).await;
    let order = |body: &str| {
        let head =
            "PUT /api/v1/plugins/mark/order HTTP/1.1\r\nhost: localhost\r\nx-tollgate-admin: 1\r\n";
        Request::new(head)
            .field("content-type", "application/json")
            .body(body)
    };
    let cases = [
        ("{\"order\": 1}".to_owned(), 200, ""),
        (
            "{\"order\": 1, \"kepe\": \"file\"}".to_owned(),
            400,
            "unknown field `kepe`",
        ),
        ("{\"order\": \"1\"}".to_owned(), 400, "line 1 column 13"),
        ("{".to_owned(), 400, "EOF"),
        (" ".repeat(2 << 20), 413, "1 MiB"),
    ];
    for (body, status, words) in cases {
        let answer = send(&proxy, &order(&body)).await;
        assert_eq!(answer.status(), status, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_if_there_is_one() {
    let origin = ok().await;
    let plugins = Plugins::new();
    plugins.write("../token", "0123456789abcdef\n");
    let proxy = proxy()
        .plugins(plugins)
        .config("[admin]\naddress = \"127.0.0.1:0\"\ntoken-file = \"token\"")
        .backend(&origin)
        .start()
        .await;
    let get = |target: &str| Request::new(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n"));
    let refused = send(&proxy, &get("/api/v1/status")).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.field("www-authenticate").unwrap(), "Bearer");
    let bearer = get("/api/v1/status").field("authorization", "Bearer 0123456789abcdef");
    assert_eq!(send(&proxy, &bearer).await.status(), 200);
    assert_eq!(send(&proxy, &get("/ready")).await.status(), 200);
    let signed_in = send(&proxy, &get("/?token=0123456789abcdef")).await;
    assert_eq!(
        (signed_in.status(), signed_in.field("location").unwrap()),
        (303, "/".to_owned())
    );
    let cookie = signed_in.field("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains("0123456789abcdef"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(
        send(&proxy, &get("/api/v1/status").field("cookie", cookie))
            .await
            .status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_told() {
    let origin = ok().await;
    let proxy = with_admin()
        .plugin("late", guest("mark"))
        .plugin("early", guest("note"))
        .plugin("bad", guest("missing-export"))
        .config("[plugin.early]\norder = 1")
        .backend(&origin)
        .start()
        .await;
    proxy.get("/").await;
    let status = read(&proxy, "/api/v1/status").await;
    assert_eq!(status["ready"], true);
    assert_eq!(status["listen"][0]["address"], proxy.address.to_string());
    assert_eq!(
        status["backends"][0]["addresses"][0],
        format!("http://{}", origin.address())
    );
    assert_eq!(status["exchanges"]["total"], 1);
    let all = read(&proxy, "/api/v1/plugins").await;
    let rows: Vec<_> = all["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["name"], &row["state"]))
        .collect();
    let words = |row: (&str, &str)| (Value::from(row.0), Value::from(row.1));
    let expected = [("early", "active"), ("bad", "failed"), ("late", "active")].map(words);
    assert_eq!(
        rows,
        expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>()
    );
    let bad = plugin(&proxy, "bad").await;
    assert_eq!(events(&bad), ["refused"]);
    assert_eq!(bad["history"][0]["text"], bad["error"]);
    let early = plugin(&proxy, "early").await;
    assert_eq!(
        (&early["required"], &early["serving"]["pinned"]),
        (&true.into(), &false.into())
    );
    assert_eq!(events(&early), ["serves"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_as_they_happen() {
    let origin = ok().await;
    let proxy = marked(&origin).await;
    let mut told = Told::by(&proxy, "only=plugin").await;
    told.until("\"state\":\"active\"").await;
    proxy.plugins.replace("mark.wat", "(module)");
    told.until("\"event\":\"refused\"").await;
    proxy.plugins.remove("mark.wat");
    told.until("event: removed\ndata: {\"name\":\"mark\"}")
        .await;
}

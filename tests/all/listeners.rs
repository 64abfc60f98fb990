//! Several addresses for clients: whose routes a request takes, and what becomes of addresses when the configuration changes.

use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpStream;
use tollgate_tests::*;

/// Two listeners on any free port, each with a plugin of its own.
const TWO: &str = "
[[listeners]]
name = 'a'
address = '127.0.0.1:0'
plugins = ['one']
[[listeners]]
name = 'b'
address = '127.0.0.1:0'
plugins = ['two']
[[listeners.routes]]
path = '/bare'
backend = 'default'
plugins = []
";

async fn ok() -> Origin {
    origin()
        .route("/", text("ok"))
        .route("/bare", text("bare"))
        .start()
        .await
}

/// A proxy with the plugins `one` and `two`, of which each marks the answers that it saw.
fn marked(origin: &Origin) -> Builder {
    proxy()
        .plugin("one", guest("mark").version("v001"))
        .plugin("two", guest("mark").version("v002"))
        .backend(origin)
}

/// Who marked the answer of this address; the status if it is not 200.
async fn marks(address: SocketAddr, target: &str) -> String {
    let answer = Client::connect(address).await.ask(&get(target)).await;
    match answer.status() {
        200 => {
            let marks = answer.values("x-mark").join("+");
            marks.replace("v001", "one").replace("v002", "two")
        }
        status => status.to_string(),
    }
}

/// A port of this machine that is free just now.
fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).await.is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_has_its_routes_and_its_plugins() {
    let (origin, other) = (ok().await, origin().route("/", text("other")).start().await);
    let more = format!(
        "[[listeners]]\nname = 'c'\naddress = '127.0.0.1:0'\nbackend = 'http://{}'\n\
         [[listeners]]\nname = 'd'\naddresses = ['127.0.0.1:0']\n\
         [[routes]]\npath = '/bare'\nbackend = 'default'\nplugins = ['two']\n",
        other.address()
    );
    let proxy = marked(&origin).config(TWO).config(&more).start().await;
    let of = |name| proxy.listener(name).unwrap();
    for (address, root, bare) in [
        (of("a"), "one", "one"),
        (of("b"), "two", ""),
        // All plugins: a listener without a list of them has no less than the routes at the top.
        (of("c"), "two+one", "404"),
        (of("d"), "two+one", "two"),
        (of("default"), "two+one", "two"),
    ] {
        assert_eq!(marks(address, "/").await, root, "{address}");
        assert_eq!(marks(address, "/bare").await, bare, "{address}");
    }
    let answer = Client::connect(of("c")).await.ask(&get("/")).await;
    assert_eq!(answer.text(), "other");
    // Read in another way the path takes a route with other plugins.
    assert_eq!(marks(of("b"), "/bare/..").await, "400");
    assert_eq!(marks(of("a"), "/bare/..").await, "404");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_one_listener_have_the_same_routes() {
    let origin = ok().await;
    let listen = "listen = ['127.0.0.1:0', '[::1]:0']\n[[routes]]\npath = '/'\nbackend = 'default'\nplugins = ['two']";
    let proxy = marked(&origin)
        .without_listen()
        .config(listen)
        .start_binary()
        .await;
    let lines: Vec<_> = proxy.stdout().lines().map(str::to_owned).collect();
    let addresses: Vec<SocketAddr> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("listener default: http://"))
        .map(|rest| rest.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(addresses.len(), 2, "{lines:?}");
    assert_eq!(addresses[0], proxy.address);
    assert!(addresses[1].is_ipv6());
    for address in addresses {
        assert_eq!(marks(address, "/").await, "two");
    }
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("tollgate is ready: http://")
    );
}

/// What one listener requires and is not there keeps its own exchanges back, and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_missing_is_missed_where_it_is_named() {
    let origin = ok().await;
    let proxy = marked(&origin)
        .config(TWO)
        .config("[[listeners]]\nname = 'c'\naddress = '127.0.0.1:0'\nplugins = ['absent']")
        .start()
        .await;
    let of = |name| proxy.listener(name).unwrap();
    assert_eq!(marks(of("a"), "/").await, "one");
    assert_eq!(marks(of("c"), "/").await, "503");
    proxy.plugins.remove("one.wat");
    eventually!(marks(of("a"), "/").await == "503");
    assert_eq!(marks(of("b"), "/").await, "two");
    proxy.plugins.add("absent", &guest("mark").version("late"));
    eventually!(marks(of("c"), "/").await == "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_come_and_go_with_the_configuration() {
    let origin = ok().await;
    let (stays, goes, comes) = (free_port(), free_port(), free_port());
    let file = |second: u16, plugin: &str| {
        format!(
            "[[listeners]]\nname = 'stays'\naddress = {stays}\nplugins = ['one']\n\
             [[listeners]]\nname = 'other'\naddress = {second}\nplugins = ['{plugin}']\n"
        )
    };
    let proxy = marked(&origin)
        .without_listen()
        .config(&file(goes, "one"))
        .start_binary()
        .await;
    let mut kept = Client::connect(at(stays)).await;
    let mut idle = Client::connect(at(goes)).await;
    assert_eq!(kept.ask(&get("/")).await.values("x-mark"), ["v001"]);
    assert_eq!(idle.ask(&get("/")).await.values("x-mark"), ["v001"]);
    proxy.configure(&file(comes, "two"));
    eventually!(is_refused(at(goes)).await);
    assert_eq!(
        idle.rest().await,
        b"",
        "who is connected to what goes is told to end"
    );
    assert_eq!(marks(at(comes), "/").await, "two");
    assert_eq!(
        kept.ask(&get("/")).await.values("x-mark"),
        ["v001"],
        "the connection is still open"
    );
    proxy.configure(&file(goes, "one"));
    eventually!(is_refused(at(comes)).await);
    assert_eq!(marks(at(goes), "/").await, "one");
    proxy.terminate();
    assert_eq!(proxy.ended().await.code, Some(0));
}

/// The request comes on a connection of a listener that the configuration no longer has. It has met no plugin then, so it must not
/// take the routes of others.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_a_listener_that_is_gone_takes_nobodys_routes() {
    let gate = Gate::new();
    let reply = raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha")
        .wait(&gate)
        .then("lf");
    let origin = origin().route("/slow", reply).start().await;
    let port = free_port();
    let top = "[[routes]]\npath = '/'\nbackend = 'default'\nplugins = []\n";
    let guarded = format!("[[listeners]]\nname = 'guarded'\naddress = {port}\nplugins = ['one']\n");
    let proxy = marked(&origin)
        .config(&format!("{top}{guarded}"))
        .start_binary()
        .await;
    let mut late = Client::connect(at(port)).await;
    late.send("GET / HTTP/1.1\r\nhost: a\r\n").await;
    let mut slow = Client::connect(at(port)).await;
    slow.send(get("/slow").bytes()).await;
    let head = slow.head().await;
    assert_eq!(head.field("x-mark").as_deref(), Some("v001"));
    proxy.configure(top);
    eventually!(is_refused(at(port)).await);
    late.send("\r\n").await;
    let rest = String::from_utf8(late.rest().await).unwrap();
    assert!(
        rest.is_empty() || rest.starts_with("HTTP/1.1 503 "),
        "{rest}"
    );
    gate.open();
    assert_eq!(slow.bytes(4).await, b"half", "what runs goes on to its end");
    assert_eq!(origin.requests().len(), 1, "{:?}", origin.requests());
}

/// A socket that stays is never closed: it may get another name and other plugins.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_change_its_listener() {
    let origin = ok().await;
    let port = free_port();
    let file = |name: &str, plugin: &str| {
        format!("[[listeners]]\nname = '{name}'\naddress = {port}\nplugins = ['{plugin}']\n")
    };
    let proxy = marked(&origin)
        .without_listen()
        .config(&file("first", "one"))
        .start_binary()
        .await;
    let mut old = Client::connect(at(port)).await;
    assert_eq!(old.ask(&get("/")).await.values("x-mark"), ["v001"]);
    proxy.configure(&file("second", "two"));
    eventually!(marks(at(port), "/").await == "two");
    assert_eq!(old.rest().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_stops_the_start_and_names_its_listener() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (free, port) = (free_port(), taken.local_addr().unwrap().port());
    let plugins = Plugins::new();
    let file = plugins.beside().join("t.toml");
    let text = format!(
        "[[listeners]]\nname = 'good'\naddress = {free}\n[[listeners]]\nname = 'bad'\naddress = {port}\n"
    );
    std::fs::write(&file, text).unwrap();
    let config = file.to_str().unwrap();
    let ended = run_binary(&[
        "run",
        "--no-cache",
        "--config",
        config,
        "--backend",
        "http://127.0.0.1:1",
    ])
    .await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    let words = format!("can't listen on 127.0.0.1:{port} of listener bad: ");
    assert!(ended.stderr.contains(&words), "{ended:?}");
    assert!(
        ended.stderr.contains("another process listens there"),
        "{ended:?}"
    );
    assert!(is_refused(at(free)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_leaves_everything_as_it_is() {
    let origin = ok().await;
    let (stays, comes, taken) = (
        free_port(),
        free_port(),
        TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    let port = taken.local_addr().unwrap().port();
    let before = format!("[[listeners]]\nname = 'a'\naddress = {stays}\nplugins = ['one']\n");
    let after = format!(
        "[[listeners]]\nname = 'a'\naddress = {stays}\nplugins = ['two']\n\
         [[listeners]]\nname = 'b'\naddress = {comes}\n[[listeners]]\nname = 'c'\naddress = {port}\n"
    );
    let proxy = marked(&origin)
        .without_listen()
        .config(&before)
        .start_binary()
        .await;
    proxy.configure(&after);
    eventually!(proxy.stderr().contains("configuration not reloaded"));
    let words = format!("can't listen on 127.0.0.1:{port} of listener c: ");
    assert!(proxy.stderr().contains(&words), "{}", proxy.stderr());
    assert_eq!(marks(at(stays), "/").await, "one");
    assert!(is_refused(at(comes)).await, "nothing is opened by halves");
    drop(taken);
    proxy.hang_up();
    eventually!(!is_refused(at(port)).await);
    assert_eq!(marks(at(stays), "/").await, "two");
    assert_eq!(marks(at(comes), "/").await, "two+one");
}

/// With a shared port the next process takes all addresses over before the first one ends.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_may_have_all_addresses_too() {
    let origin = ok().await;
    let file = |a: &str, b: &str| {
        format!(
            "reuse-port = true\n[[listeners]]\nname = 'a'\naddress = '{a}'\nplugins = ['one']\n\
             [[listeners]]\nname = 'b'\naddress = '{b}'\nplugins = ['two']\n"
        )
    };
    let any = "127.0.0.1:0";
    let first = marked(&origin)
        .without_listen()
        .config(&file(any, any))
        .start_binary()
        .await;
    let [a, b] = ["a", "b"].map(|name| first.listener(name).unwrap());
    let second = marked(&origin)
        .without_listen()
        .config(&file(&a.to_string(), &b.to_string()))
        .start_binary()
        .await;
    first.terminate();
    assert_eq!(first.ended().await.code, Some(0));
    assert_eq!(
        (marks(a, "/").await, marks(b, "/").await),
        ("one".to_owned(), "two".to_owned())
    );
    assert_eq!(second.listener("b"), Some(b));
}

/// Status, metrics and access log name the listener.
#[tokio::test(flavor = "multi_thread")]
async fn who_runs_the_proxy_sees_which_listener_it_was() {
    let origin = ok().await;
    let directory = Plugins::new();
    let log = directory.beside().join("access.log");
    let more = format!(
        "admin = '127.0.0.1:0'\naccess-log = {{ file = '{}', format = '$listener $route $status' }}\n",
        log.display()
    );
    let proxy = marked(&origin).config(&more).config(TWO).start().await;
    let of = |name| proxy.listener(name).unwrap();
    marks(of("b"), "/bare").await;
    marks(of("b"), "/").await;
    marks(of("default"), "/").await;
    let lines = ["b b /bare 200", "b b / 200", "default / 200"];
    eventually!(std::fs::read_to_string(&log).is_ok_and(|text| text.lines().eq(lines)));
    let mut admin = Client::connect(proxy.admin().unwrap()).await;
    let read = |path: &str| Request::new(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n"));
    let status = admin.ask(&read("/api/v1/status")).await;
    let status: serde_json::Value = serde_json::from_str(status.text()).unwrap();
    let names: Vec<_> = ["default", "a", "b"]
        .map(|name| (name, of(name).to_string()))
        .into();
    let listen = status["listen"].as_array().unwrap().iter();
    let listen: Vec<_> = listen
        .map(|own| {
            (
                own["name"].as_str().unwrap(),
                own["address"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(listen, names);
    let metrics = admin.ask(&read("/metrics")).await;
    let metrics = metrics.text();
    for line in [
        "tollgate_listener_connections_accepted_total{listener=\"b\"} 2",
        "tollgate_listener_connections_accepted_total{listener=\"a\"} 0",
        "tollgate_exchanges_total{route=\"b /bare\",status=\"2xx\",outcome=\"complete\"} 1",
    ] {
        assert!(metrics.lines().any(|own| own == line), "{line}: {metrics}");
    }
}

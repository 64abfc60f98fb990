//! Names that lead to where a plugin may not go, and answers of the DNS that change.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use super::*;
use crate::dial::{Lookup, Resolve};

/// A resolver with a row of answers for each name; the last one stays.
#[derive(Default)]
struct Scripted(Mutex<HashMap<String, Answers>>);

/// The rows, and how often the name was asked for.
type Answers = (Vec<Vec<IpAddr>>, usize);

impl Scripted {
    fn new(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let address = |text: &&str| text.parse().unwrap();
        let answers = |rows: &[&[&str]]| {
            let row = |row: &&[&str]| row.iter().map(address).collect();
            rows.iter().map(row).collect()
        };
        let names = names
            .iter()
            .map(|(name, rows)| ((*name).to_owned(), (answers(rows), 0)));
        Arc::new(Self(Mutex::new(names.collect())))
    }

    fn asked(&self, name: &str) -> usize {
        self.0.lock().unwrap()[name].1
    }
}

impl Resolve for Scripted {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a> {
        Box::pin(async move {
            let mut names = self.0.lock().unwrap();
            let Some((rows, asked)) = names.get_mut(host) else {
                return Err(io::Error::other("no such name"));
            };
            let row = &rows[(*asked).min(rows.len() - 1)];
            *asked += 1;
            Ok(row.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
        })
    }
}

fn scripted(resolver: &Arc<Scripted>, allow: Allow) -> Caller {
    let config = OutboundConfig {
        timeout: LONG,
        ..OutboundConfig::default()
    };
    let outbound = Outbound::with_resolver(config, resolver.clone()).unwrap();
    outbound.caller("p", allow)
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_with_what_to_add() {
    let peers = Peers::saying(ok("secret")).await;
    let resolver = Scripted::new(&[("evil.example", &[&["127.0.0.1"]])]);
    let url = format!("http://evil.example:{}/", peers.address.port());
    let error = get(
        &scripted(&resolver, allowing(&["http://*.example:*"], &[])),
        &url,
    )
    .await
    .unwrap_err();
    let CallError::ForbiddenAddress {
        permission,
        address,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert!(address.is_loopback());
    assert_eq!(
        permission,
        "[plugin.p.allow] http-private = [\"127.0.0.1/32\"]"
    );
    assert_eq!(peers.connections(), 0);

    let granted = allowing(&["http://*.example:*"], &["127.0.0.1/32"]);
    let answer = get(&scripted(&resolver, granted), &url).await.unwrap();
    assert_eq!(&*answer.body, b"secret");
}

#[tokio::test]
async fn of_several_addresses_only_those_that_may_be_are_tried() {
    let peers = Peers::at("127.0.0.2:0", |_, mut stream| async move {
        request(&mut stream).await;
        stream.write_all(ok("right").as_bytes()).await.unwrap();
    })
    .await;
    let port = peers.address.port();
    let wrong = Peers::at(&format!("127.0.0.1:{port}"), |_, _| async {}).await;
    let resolver = Scripted::new(&[(
        "two.example",
        &[&["127.0.0.1", "64:ff9b::7f00:1", "127.0.0.2"]],
    )]);
    let caller = scripted(
        &resolver,
        allowing(&["http://two.example:*"], &["127.0.0.2"]),
    );
    let answer = get(&caller, &format!("http://two.example:{port}/"))
        .await
        .unwrap();
    assert_eq!(&*answer.body, b"right");
    assert_eq!(answer.report.peer.address, peers.address);
    assert_eq!(wrong.connections(), 0);
}

#[tokio::test]
async fn an_answer_that_differs_the_second_time_changes_nothing() {
    let good = Peers::at("127.0.0.2:0", |_, mut stream| async move {
        while let Some(asked) = request(&mut stream).await {
            stream.write_all(ok("good").as_bytes()).await.unwrap();
            if asked.starts_with("GET /close") {
                return;
            }
        }
    })
    .await;
    let port = good.address.port();
    let inside = Peers::at(&format!("127.0.0.1:{port}"), |_, _| async {}).await;
    let resolver = Scripted::new(&[("re.example", &[&["127.0.0.2"], &["127.0.0.1"]])]);
    let caller = scripted(
        &resolver,
        allowing(&["http://re.example:*"], &["127.0.0.2"]),
    );
    let url = |path: &str| format!("http://re.example:{port}{path}");

    let answer = get(&caller, &url("/")).await.unwrap();
    assert_eq!(
        resolver.asked("re.example"),
        1,
        "what was checked is what was connected to"
    );
    assert_eq!(answer.report.peer.address, good.address);
    // The kept connection still leads to the address that was checked.
    let answer = get(&caller, &url("/close")).await.unwrap();
    assert_eq!(
        (&*answer.body, resolver.asked("re.example")),
        (&b"good"[..], 1)
    );
    // A new one is checked anew.
    let error = get(&caller, &url("/")).await.unwrap_err();
    assert!(
        matches!(error, CallError::ForbiddenAddress { .. }),
        "{error}"
    );
    assert_eq!((good.connections(), inside.connections()), (1, 0));
}

#[tokio::test]
async fn localhost_leads_to_this_machine_or_nowhere() {
    let peers = Peers::saying(ok("x")).await;
    let resolver = Scripted::new(&[("localhost", &[&["127.0.0.1"], &["192.168.0.1"]])]);
    let caller = scripted(&resolver, allowing(&["http://localhost:*"], &[]));
    let url = format!("http://localhost:{}/", peers.address.port());
    let first = WholeCall {
        head: head("GET", &url, &[]),
        ..WholeCall::default()
    };
    caller.send(first, &CallBudget::new(0)).await.unwrap();
    let other = format!("http://localhost:{}/", peers.address.port() ^ 1);
    let error = get(&caller, &other).await.unwrap_err();
    assert!(
        matches!(error, CallError::ForbiddenAddress { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn names_that_nobody_knows_are_unresolved() {
    let resolver = Scripted::new(&[("empty.example", &[&[]])]);
    let caller = scripted(&resolver, allowing(&["https://*"], &[]));
    for name in ["unknown.example", "empty.example"] {
        let error = get(&caller, &format!("https://{name}/")).await.unwrap_err();
        assert!(
            matches!(&error, CallError::Unresolved { host, .. } if host == name),
            "{error}"
        );
    }
}

/// Takes for ever.
struct Slow;

impl Resolve for Slow {
    fn lookup<'a>(&'a self, _: &'a str, _: u16) -> Lookup<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_resolver_that_hangs_ends_with_the_time_to_connect() {
    let config = OutboundConfig {
        timeout: LONG,
        connect_timeout: SHORT,
        ..OutboundConfig::default()
    };
    let outbound = Outbound::with_resolver(config, Arc::new(Slow)).unwrap();
    let caller = outbound.caller("p", allowing(&["http://a"], &[]));
    let error = get(&caller, "http://a/").await.unwrap_err();
    let what = Phase::Resolve;
    assert_eq!(error, CallError::TimedOut { what, after: SHORT });
}

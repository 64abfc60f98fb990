//! Redis servers that are away, slow, restarted, shared, or have something else in the way.

use rustix::process::Signal;

use super::*;
use crate::store::StoreError;

fn store(server: &Server, prefix: &str, timeout: Duration) -> Store {
    let kind = Kind::Redis {
        url: server.url(),
        prefix: prefix.to_owned(),
        timeout,
    };
    let quotas = Quotas::default();
    Store::open(&StoreConfig { kind, quotas }).unwrap()
}

#[tokio::test]
async fn a_server_that_was_away_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let store = store(&server, "p", PATIENCE);
    for round in 1..=3 {
        until("it works again", async || store.get("b", "k").await.is_ok()).await;
        assert_eq!(store.increment("b", "k", 1, None).await, Ok(round));
        server.kill();
        for _ in 0..5 {
            let error = store.get("b", "k").await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
            assert!(error.to_string().contains("Redis"), "{error}");
        }
        server.start_again();
    }
    // What the server had learned is gone with it, the script included.
    until("it works again", async || store.get("b", "k").await.is_ok()).await;
    assert_eq!(store.increment("b", "k", 1, None).await, Ok(4));
}

#[tokio::test]
async fn a_server_that_is_not_there_at_the_start_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    server.kill();
    let store = store(&server, "p", PATIENCE);
    assert!(matches!(
        store.get("b", "k").await,
        Err(StoreError::Unavailable(_))
    ));
    server.start_again();
    until("it works", async || store.get("b", "k").await.is_ok()).await;
}

#[tokio::test]
async fn a_call_takes_no_longer_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let limit = Duration::from_millis(300);
    let store = store(&server, "p", limit);
    until("it works", async || store.get("b", "k").await.is_ok()).await;
    server.signal(Signal::STOP);
    let start = Instant::now();
    let calls = (0..50).map(|_| store.increment("b", "k", 1, None));
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    let mut left = calls.len();
    // All at once, each with its own time.
    std::future::poll_fn(|cx| {
        calls.retain_mut(|call| match call.as_mut().poll(cx) {
            std::task::Poll::Ready(result) => {
                assert_eq!(result, Err(StoreError::TimedOut { limit }));
                left -= 1;
                false
            }
            std::task::Poll::Pending => true,
        });
        if left == 0 {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    assert!(start.elapsed() < limit * 20, "{:?}", start.elapsed());
    server.signal(Signal::CONT);
    until("it works again", async || store.get("b", "k").await.is_ok()).await;
}

/// Accepts connections and says nothing.
#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let timeout = Duration::from_millis(100);
    let kind = Kind::Redis {
        url,
        prefix: "p".to_owned(),
        timeout,
    };
    let quotas = Quotas::default();
    let store = Store::open(&StoreConfig { kind, quotas }).unwrap();
    for _ in 0..2 {
        let limit = timeout;
        assert_eq!(
            store.get("b", "k").await,
            Err(StoreError::TimedOut { limit })
        );
    }
}

#[test]
fn an_address_that_is_none_is_told() {
    for url in [
        "",
        "127.0.0.1",
        "http://127.0.0.1",
        "rediss://127.0.0.1",
        "redis://a b",
    ] {
        let kind = Kind::Redis {
            url: url.to_owned(),
            prefix: String::new(),
            timeout: PATIENCE,
        };
        let quotas = Quotas::default();
        let error = Store::open(&StoreConfig { kind, quotas }).unwrap_err();
        assert!(matches!(error, StoreError::BadAddress(_)), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_hosts_count_exactly() {
    const TIMES: i64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let hosts = [1, 2, 3].map(|_| Arc::new(store(&server, "shared", PATIENCE)));
    let mut tasks = Vec::new();
    for host in &hosts {
        for _ in 0..4 {
            let host = host.clone();
            tasks.push(tokio::spawn(async move {
                for _ in 0..TIMES {
                    host.increment("b", "incremented", 1, None).await.unwrap();
                    while !swap_one_more(&host).await {}
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let sum = (12 * TIMES).to_string();
    for key in ["incremented", "swapped"] {
        assert_eq!(
            hosts[0].get("b", key).await.unwrap(),
            Some(sum.clone().into()),
            "{key}"
        );
    }
    let usage = hosts[0].usage("b").await.unwrap();
    assert_eq!((usage.entries, usage.bytes), (2, 11 + 7 + 8));
    // Another prefix sees nothing of it.
    let other = store(&server, "other", PATIENCE);
    assert_eq!(other.get("b", "swapped").await, Ok(None));
}

async fn swap_one_more(host: &Store) -> bool {
    let is = host.get("b", "swapped").await.unwrap();
    let text = is.as_deref().unwrap_or(b"0");
    let number: i64 = std::str::from_utf8(text).unwrap().parse().unwrap();
    let new = (number + 1).to_string().into();
    let swapped = host.compare_and_swap("b", "swapped", is.as_deref(), Some(new), None);
    swapped.await.unwrap()
}

/// Redis itself lets values expire; nobody but it needs to do anything.
#[tokio::test]
async fn the_server_lets_them_expire() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = store(&server, "p", PATIENCE);
    let ttl = Some(Duration::from_millis(30));
    store.set("b", "k", "1".into(), ttl).await.unwrap();
    until("it is gone", async || {
        store.get("b", "k").await.unwrap().is_none()
    })
    .await;
    let mut connection = server.connection().await;
    let there: Vec<String> = redis::cmd("KEYS")
        .arg("p:b:v:*")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(there.is_empty(), "{there:?}");
    until("its index is gone too", async || {
        store.usage("b").await.unwrap() == crate::store::Usage::default()
    })
    .await;
}

#[tokio::test]
async fn what_somebody_else_has_put_there_fails_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = store(&server, "p", PATIENCE);
    let mut connection = server.connection().await;
    let done: redis::RedisResult<()> = redis::cmd("RPUSH")
        .arg("p:b:v:k")
        .arg("x")
        .query_async(&mut connection)
        .await;
    done.unwrap();
    let error = store.get("b", "k").await.unwrap_err();
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    assert!(store.set("b", "other", "1".into(), None).await.is_ok());
}

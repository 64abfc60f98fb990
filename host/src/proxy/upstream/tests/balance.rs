//! Several addresses: their turns, their failures, and names that move.

use super::*;
use crate::config::backend::{Balance, Ejection};
use crate::proxy::upstream::resolve::tests::{Script, Scripted};

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

async fn three(balance: Balance) -> Arc<Backend> {
    let mut urls = Vec::new();
    for body in ["a", "b", "c"] {
        urls.push(url(constant(body).await.0));
    }
    backend(BackendConfig {
        balance,
        ..BackendConfig::new(urls)
    })
}

#[tokio::test]
async fn addresses_take_turns() {
    let backend = three(Balance::RoundRobin).await;
    let mut seen = String::new();
    for _ in 0..7 {
        seen += &get(&backend).await.unwrap();
    }
    assert_eq!(seen, "abcabca");
}

#[tokio::test]
async fn the_address_with_the_fewest_requests_is_taken() {
    let (slow, asked) = server(|_, mut stream| async move {
        while head(&mut stream).await.is_some() {
            say(
                &mut stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow",
            )
            .await;
        }
    })
    .await;
    let (fast, _) = constant("fast").await;
    let backend = backend(BackendConfig {
        balance: Balance::LeastPending,
        ..BackendConfig::new(vec![url(slow), url(fast)])
    });
    let held = send(&backend, "GET", Body::Empty).await.unwrap();
    for _ in 0..6 {
        assert_eq!(get(&backend).await.unwrap(), "fast");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    drop(held);
    for _ in 0..2 {
        drop(send(&backend, "GET", Body::Empty).await.unwrap());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "its request is over");
}

#[tokio::test]
async fn a_refused_connection_goes_on_to_the_next_address_with_the_body() {
    let (up, _) = server(|_, mut stream| async move {
        while head(&mut stream).await.is_some() {
            let mut body = [0; 4];
            stream.read_exact(&mut body).await.unwrap();
            say(&mut stream, &answer(std::str::from_utf8(&body).unwrap())).await;
        }
    })
    .await;
    let urls = vec![url(nobody().await), url(nobody().await), url(up)];
    let backend = backend(BackendConfig::new(urls));
    for _ in 0..4 {
        let response = send(&backend, "POST", Body::full("body")).await.unwrap();
        assert_eq!(text(response).await, "body");
    }
}

#[tokio::test]
async fn no_address_is_an_error_of_the_last_one() {
    let backend = backend(config(nobody().await));
    assert_eq!(
        kind(send(&backend, "GET", Body::Empty)).await,
        "connection_refused"
    );
}

#[tokio::test(start_paused = true)]
async fn an_address_that_fails_is_left_out_and_comes_back() {
    let failing = Arc::new(AtomicUsize::new(1));
    let state = failing.clone();
    let (bad, asked) = server(move |_, mut stream| {
        let fails = state.load(Ordering::SeqCst) == 1;
        async move {
            head(&mut stream).await.unwrap();
            if !fails {
                say(&mut stream, &answer("back")).await;
            }
        }
    })
    .await;
    let (good, _) = constant("good").await;
    let backend = backend(BackendConfig {
        ejection: Ejection {
            failures: 2,
            time: Duration::from_secs(10),
        },
        ..BackendConfig::new(vec![url(bad), url(good)])
    });
    for failed in [true, false, true, false, false, false, false] {
        assert_eq!(get(&backend).await.is_err(), failed);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    failing.store(0, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let both = get(&backend).await.unwrap() + &get(&backend).await.unwrap();
    assert!(both.contains("back") && both.contains("good"), "{both}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_moves_takes_its_connections_along() {
    let (old, _) = constant("old").await;
    let (new, _) = constant("new").await;
    let resolver = Arc::new(Scripted(std::sync::Mutex::new(Script {
        answer: vec![old],
        ..Script::default()
    })));
    let url = BackendUrl {
        tls: false,
        address: BackendAddress::Tcp("backend.test:1".parse().unwrap()),
    };
    let config = BackendConfig::new(vec![url]);
    let backend = Backend::with_resolver("test", config, &(resolver.clone() as _)).unwrap();
    assert_eq!(get(&backend).await.unwrap(), "old");
    resolver.0.lock().unwrap().answer = vec![new];
    assert_eq!(
        get(&backend).await.unwrap(),
        "old",
        "the answer still holds"
    );
    let under_way = send(&backend, "GET", Body::Empty).await.unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    backend.maintain();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(text(under_way).await, "old", "what runs goes on");
    backend.maintain();
    assert_eq!(get(&backend).await.unwrap(), "new");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_dns_error() {
    let resolver = Arc::new(Scripted(std::sync::Mutex::new(Script {
        fails: true,
        ..Script::default()
    })));
    let url = BackendUrl {
        tls: false,
        address: BackendAddress::Tcp("backend.test".parse().unwrap()),
    };
    let config = BackendConfig::new(vec![url]);
    let backend = Backend::with_resolver("test", config, &(resolver as _)).unwrap();
    assert_eq!(kind(send(&backend, "GET", Body::Empty)).await, "dns_error");
}

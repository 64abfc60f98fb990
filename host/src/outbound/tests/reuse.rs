//! Connections that rest, and peers that close them.

use super::*;

/// Answers the first request of the first connection; what happens to its second is up to the test.
async fn closing_under_the_second() -> Peers {
    Peers::new(|number, mut stream| async move {
        let mut answered = 0;
        while request(&mut stream).await.is_some() {
            if number == 0 && answered == 1 {
                return;
            }
            let response = ok(&number.to_string());
            stream.write_all(response.as_bytes()).await.unwrap();
            answered += 1;
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let peers = Peers::saying(ok("x")).await;
    let caller = caller(|_| ());
    let first = get(&caller, &peers.url("/")).await.unwrap().report;
    let second = get(&caller, &peers.url("/")).await.unwrap().report;
    assert_eq!(peers.connections(), 1);
    assert_eq!((first.reused, second.reused), (false, true));
    assert!(Arc::ptr_eq(&first.peer, &second.peer));
    assert_eq!(first.peer.address, peers.address);
}

#[tokio::test]
async fn plugins_share_no_connections() {
    let peers = Peers::saying(ok("x")).await;
    let outbound = outbound(|_| ());
    for _ in 0..2 {
        let caller = outbound.caller("p", allowing(&["http://127.0.0.1:*"], &[]));
        get(&caller, &peers.url("/")).await.unwrap();
    }
    assert_eq!(peers.connections(), 2);
}

#[tokio::test]
async fn what_may_be_sent_twice_is_sent_again_when_a_rested_connection_is_closed_under_it() {
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let peers = closing_under_the_second().await;
        let caller = caller(|_| ());
        let budget = CallBudget::new(0);
        caller
            .send(call("GET", &peers.url("/")), &budget)
            .await
            .unwrap();
        let answer = caller
            .send(call(method, &peers.url("/")), &budget)
            .await
            .unwrap();
        assert_eq!(
            (answer.report.attempts, answer.report.reused),
            (2, false),
            "{method}"
        );
        assert_eq!(peers.connections(), 2);
        assert_eq!(budget.made(), 2, "it is one call");
    }
}

#[tokio::test]
async fn what_may_not_be_sent_twice_is_not() {
    for method in ["POST", "PATCH", "WEIRD"] {
        let peers = closing_under_the_second().await;
        let caller = caller(|_| ());
        get(&caller, &peers.url("/")).await.unwrap();
        let call = WholeCall {
            body: Bytes::from_static(b"order"),
            ..call(method, &peers.url("/"))
        };
        let error = caller.send(call, &CallBudget::new(0)).await.unwrap_err();
        assert!(
            matches!(error, CallError::Terminated(_)),
            "{method}: {error}"
        );
        assert_eq!(peers.connections(), 1);
    }
}

#[tokio::test]
async fn a_peer_that_always_closes_is_asked_twice() {
    // Four connections that have rested, each of which is closed under its second request.
    let together = Arc::new(tokio::sync::Barrier::new(4));
    let again = Arc::new(AtomicUsize::new(0));
    let count = again.clone();
    let peers = Peers::new(move |_, mut stream| {
        let (together, count) = (together.clone(), count.clone());
        async move {
            request(&mut stream).await;
            together.wait().await;
            stream.write_all(ok("x").as_bytes()).await.unwrap();
            if request(&mut stream).await.is_some() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
    .await;
    let caller = caller(|_| ());
    let url = peers.url("/");
    let calls = vec![call("GET", &url); 4];
    let answers = caller.send_all(calls, &CallBudget::new(0)).await;
    assert!(answers.iter().all(Result::is_ok));
    let error = get(&caller, &url).await.unwrap_err();
    assert!(matches!(error, CallError::Terminated(_)), "{error}");
    assert_eq!((again.load(Ordering::Relaxed), peers.connections()), (2, 4));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_rested_is_not_used() {
    let (closed, closing) = signal();
    let closed = std::sync::Mutex::new(Some(closed));
    let closed = Arc::new(closed);
    let peers = Peers::new(move |number, mut stream| {
        let closed = closed.clone();
        async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(ok("x").as_bytes()).await.unwrap();
                if number == 0 {
                    break;
                }
            }
            drop(stream);
            if let Some(closed) = closed.lock().unwrap().take() {
                let _ = closed.send(());
            }
        }
    })
    .await;
    let caller = caller(|_| ());
    get(&caller, &peers.url("/")).await.unwrap();
    closing.await;
    // A round trip elsewhere: after it the runtime has looked at its sockets.
    let elsewhere = Peers::saying(ok("x")).await;
    get(&caller, &elsewhere.url("/")).await.unwrap();
    let answer = caller
        .send(call("POST", &peers.url("/")), &CallBudget::new(0))
        .await
        .unwrap();
    assert_eq!((answer.status, peers.connections()), (200, 2));
}

#[tokio::test]
async fn a_connection_rests_only_so_long() {
    let (closed, closing) = signal();
    let closed = Arc::new(std::sync::Mutex::new(Some(closed)));
    let peers = Peers::new(move |_, mut stream| {
        let closed = closed.clone();
        async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(ok("x").as_bytes()).await.unwrap();
            }
            let closed = closed.lock().unwrap().take();
            closed.map(|closed| closed.send(()));
        }
    })
    .await;
    let caller = caller(|config| config.idle = SHORT);
    get(&caller, &peers.url("/")).await.unwrap();
    closing.await;
}

#[tokio::test]
async fn the_connections_of_a_caller_end_with_it() {
    let (closed, closing) = signal();
    let closed = Arc::new(std::sync::Mutex::new(Some(closed)));
    let peers = Peers::new(move |_, mut stream| {
        let closed = closed.clone();
        async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(ok("x").as_bytes()).await.unwrap();
            }
            let closed = closed.lock().unwrap().take();
            closed.map(|closed| closed.send(()));
        }
    })
    .await;
    let caller = caller(|_| ());
    get(&caller, &peers.url("/")).await.unwrap();
    drop(caller);
    closing.await;
}

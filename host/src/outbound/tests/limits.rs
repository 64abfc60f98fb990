//! How many calls, how large a request.

use http_body_util::BodyExt as _;

use super::*;

#[tokio::test]
async fn an_exchange_may_make_so_many_calls() {
    let peers = Peers::saying(ok("x")).await;
    let caller = caller(|config| config.max_calls = 3);
    let budget = CallBudget::new(0);
    let url = peers.url("/");
    caller.send(call("GET", &url), &budget).await.unwrap();
    // One that is refused counts as well, or a plugin could try for ever.
    caller
        .send(call("GET", "http://denied/"), &budget)
        .await
        .unwrap_err();
    let answers = caller.send_all(vec![call("GET", &url); 2], &budget).await;
    assert!(answers[0].is_ok());
    let bound = Bound::PerExchange;
    let expected = CallError::TooMany { bound, limit: 3 };
    assert_eq!(answers[1].as_ref().unwrap_err(), &expected);
    assert!(
        caller
            .send(call("GET", &url), &CallBudget::new(0))
            .await
            .is_ok()
    );
}

/// Fills what may be at once with calls that nobody answers, and tells what one more gets.
async fn one_more(first: &Caller, second: &Caller, fill: usize) -> CallError {
    let peers = Peers::silent().await;
    let url = peers.url("/");
    let budget = CallBudget::new(0);
    let mut waiting: Vec<_> = (0..fill)
        .map(|_| Box::pin(first.send(call("GET", &url), &budget)))
        .collect();
    let all = futures_util::future::join_all(waiting.iter_mut());
    let answered = Peers::saying(ok("x")).await;
    let error = tokio::select! {
        _ = all => panic!("nobody answers"),
        error = async {
            until(|| peers.connections() == fill).await;
            get(second, &answered.url("/")).await.unwrap_err()
        } => error,
    };
    // What is dropped counts no more.
    drop(waiting);
    get(second, &answered.url("/")).await.unwrap();
    error
}

#[tokio::test]
async fn a_plugin_may_have_so_many_calls_at_once() {
    let caller = caller(|config| config.max_at_once_of_plugin = 3);
    let error = one_more(&caller, &caller, 3).await;
    let bound = Bound::AtOnceOfPlugin;
    assert_eq!(error, CallError::TooMany { bound, limit: 3 });
}

#[tokio::test]
async fn all_plugins_may_have_so_many_calls_at_once() {
    let outbound = outbound(|config| config.max_at_once = 3);
    let caller = || outbound.caller("p", allowing(&["http://127.0.0.1:*"], &[]));
    let error = one_more(&caller(), &caller(), 3).await;
    let bound = Bound::AtOnce;
    assert_eq!(error, CallError::TooMany { bound, limit: 3 });
}

#[tokio::test]
async fn a_stream_counts_until_its_body_ends() {
    let peers = Peers::saying_once("HTTP/1.1 200 OK\r\n\r\nx").await;
    let caller = caller(|config| config.max_at_once_of_plugin = 1);
    let budget = CallBudget::new(0);
    let stream = StreamCall {
        head: head("GET", &peers.url("/"), &[]),
        body: http_body_util::Empty::new()
            .map_err(|never| match never {})
            .boxed_unsync(),
        times: CallTimes::default(),
        max_response: 10,
    };
    let response = caller.stream(stream, &budget).await.unwrap();
    let error = get(&caller, &peers.url("/")).await.unwrap_err();
    assert!(matches!(error, CallError::TooMany { .. }), "{error}");
    response.into_body().collect().await.unwrap();
    get(&caller, &peers.url("/")).await.unwrap();
}

#[tokio::test]
async fn a_request_has_its_limits() {
    let peers = Peers::saying(ok("x")).await;
    let caller = caller(|config| (config.max_request, config.max_head) = (1000, 8 << 10));
    let sized = |body: usize, field: usize, path: usize| {
        let url = peers.url(&format!("/{}", "x".repeat(path)));
        WholeCall {
            head: head("POST", &url, &[("a", &"x".repeat(field))]),
            body: vec![b'x'; body].into(),
            timeout: None,
        }
    };
    let budget = CallBudget::new(0);
    let mut sizes = Vec::new();
    for (body, field, path) in [
        (1000, 0, 0),
        (1001, 0, 0),
        (0, 8000, 0),
        (0, 8192, 0),
        (0, 0, 8192),
    ] {
        let answer = caller.send(sized(body, field, path), &budget).await;
        sizes.push(answer.map(|answer| answer.status));
    }
    let large = |what, limit| Err(CallError::TooLarge { what, limit });
    assert_eq!(
        sizes,
        [
            Ok(200),
            large(Part::RequestBody, 1000),
            Ok(200),
            large(Part::RequestHead, 8192),
            large(Part::RequestHead, 8192)
        ]
    );
}

/// A waiting call is a future and a socket: 500 of them wait on one thread.
#[tokio::test]
async fn waiting_takes_no_thread() {
    let (asked, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let (go, going) = tokio::sync::watch::channel(false);
    let peers = Peers::new(move |_, mut stream| {
        let (asked, mut going) = (asked.clone(), going.clone());
        async move {
            request(&mut stream).await;
            asked.send(()).unwrap();
            going.wait_for(|go| *go).await.unwrap();
            stream.write_all(ok("x").as_bytes()).await.unwrap();
        }
    })
    .await;
    let caller = caller(|config| {
        (config.max_calls, config.max_at_once_of_plugin) = (500, 500);
    });
    let budget = CallBudget::new(0);
    let all = caller.send_all(vec![call("GET", &peers.url("/")); 500], &budget);
    let all_there = async {
        for _ in 0..500 {
            requests.recv().await.unwrap();
        }
        go.send(true).unwrap();
    };
    let (answers, ()) = tokio::join!(all, all_there);
    assert!(answers.iter().all(Result::is_ok));
}

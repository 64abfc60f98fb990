//! Bodies both ways, whole and flowing, trailers, and several calls at once.

use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::{Barrier, mpsc};

use super::*;

type Piece = Result<Frame<Bytes>, Box<dyn std::error::Error + Send + Sync>>;

/// A body of what is sent into the channel.
fn flowing() -> (mpsc::Sender<Piece>, CallBody) {
    let (sender, mut receiver) = mpsc::channel(1);
    let frames = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (sender, StreamBody::new(frames).boxed_unsync())
}

fn empty() -> CallBody {
    http_body_util::Empty::new()
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn streamed(head: CallHead, body: CallBody) -> StreamCall {
    StreamCall {
        head,
        body,
        times: CallTimes::default(),
        max_response: 1000,
    }
}

#[tokio::test]
async fn a_whole_request_arrives_as_it_was_given() {
    let (asked, mut requests) = mpsc::unbounded_channel();
    let peers = Peers::new(move |_, mut stream| {
        let asked = asked.clone();
        async move {
            while let Some(request) = request(&mut stream).await {
                asked.send(request).unwrap();
                stream.write_all(ok("").as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let caller = caller(|_| ());
    for (method, body, length) in [
        ("POST", "hello", Some("5")),
        ("POST", "", Some("0")),
        ("PUT", "", Some("0")),
        ("GET", "", None),
        ("GET", "hello", Some("5")),
        ("HEAD", "", None),
        ("DELETE", "", None),
        ("purge", "", None),
    ] {
        let fields = [("X-A", "1"), ("x-b", "2"), ("x-a", "3")];
        let call = WholeCall {
            head: head(method, &peers.url("/p%20q/../r?s=t&u"), &fields),
            body: Bytes::from_static(body.as_bytes()),
            timeout: None,
        };
        let answer = caller.send(call, &CallBudget::new(0)).await.unwrap();
        assert_eq!(answer.report.sent, body.len() as u64);
        let request = requests.recv().await.unwrap();
        let line = format!("{method} /p%20q/../r?s=t&u HTTP/1.1\r\n");
        assert!(request.starts_with(&line), "{request}");
        assert_eq!(field(&request, "host").unwrap(), peers.address.to_string());
        assert_eq!(field(&request, "content-length"), length, "{request}");
        let repeated: Vec<_> = request.lines().filter(|l| l.starts_with("x-a: ")).collect();
        assert_eq!(repeated, ["x-a: 1", "x-a: 3"]);
        assert!(request.ends_with(body));
    }
}

#[tokio::test]
async fn repeated_fields_and_trailers_of_a_response_are_kept() {
    let peers = Peers::saying(
        "HTTP/1.1 200 OK\r\nset-cookie: a\r\nX-Y: \u{e9}\r\nset-cookie: b\r\nconnection: x-hop\r\nx-hop: 1\r\n\
         transfer-encoding: chunked\r\ntrailer: x-sum, x-z\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 5\r\nx-z: 1\r\n\r\n",
    )
    .await;
    let answer = get(&caller(|_| ()), &peers.url("/")).await.unwrap();
    let cookies: Vec<_> = answer
        .fields
        .iter()
        .filter(|(n, _)| n == "set-cookie")
        .collect();
    assert_eq!(cookies.len(), 2);
    assert_eq!(
        answer
            .fields
            .iter()
            .find(|(n, _)| n == "x-y")
            .unwrap()
            .1
            .as_bytes(),
        "\u{e9}".as_bytes()
    );
    for hop in ["x-hop", "connection", "transfer-encoding"] {
        assert!(answer.fields.iter().all(|(name, _)| name != hop), "{hop}");
    }
    assert_eq!(&*answer.body, b"abcde");
    let trailers: Vec<_> = answer
        .trailers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_bytes()))
        .collect();
    assert_eq!(trailers, [("x-sum", &b"5"[..]), ("x-z", b"1")]);
    assert_eq!(answer.report.received, 5);
    assert!(answer.report.to_head <= answer.report.total);
}

#[tokio::test]
async fn bodies_flow_both_ways() {
    let peers = Peers::new(|_, mut stream| async move {
        let (mut read, mut write) = stream.split();
        let mut first = [0; 1];
        read.read_exact(&mut first).await.unwrap();
        write
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            .await
            .unwrap();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    })
    .await;
    let (sender, body) = flowing();
    let call = streamed(head("POST", &peers.url("/"), &[]), body);
    let response = caller(|_| ())
        .stream(call, &CallBudget::new(0))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let mut came = String::new();
    for piece in ["one", "two"] {
        sender.send(Ok(Frame::data(piece.into()))).await.unwrap();
        while !came.contains(piece) {
            let frame = body.frame().await.unwrap().unwrap();
            came += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
    }
    assert!(came.starts_with("OST / HTTP/1.1\r\n") && came.contains("transfer-encoding: chunked"));
    let report = body.report();
    assert_eq!((report.sent, report.received), (6, came.len() as u64));
}

#[tokio::test]
async fn a_request_that_streams_keeps_what_its_length_promises() {
    for (pieces, fits) in [
        (&["12345"][..], true),
        (&["123"], false),
        (&["123", "456"], false),
    ] {
        let peers = Peers::saying(ok("")).await;
        let (sender, body) = flowing();
        let call = streamed(
            head("PUT", &peers.url("/"), &[("content-length", "5")]),
            body,
        );
        let caller = caller(|_| ());
        let budget = CallBudget::new(0);
        let feeding = async move {
            for piece in pieces {
                let _ = sender.send(Ok(Frame::data((*piece).into()))).await;
            }
        };
        let (answer, ()) = tokio::join!(caller.stream(call, &budget), feeding);
        match answer {
            Ok(response) => assert!(fits && response.status() == 200, "{pieces:?}"),
            Err(CallError::InvalidRequest(why)) => {
                assert!(!fits && why.contains("content-length"), "{pieces:?}: {why}");
            }
            Err(error) => panic!("{pieces:?}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_request_that_streams_has_its_limit_and_may_fail() {
    let peers = Peers::silent().await;
    let caller = caller(|config| config.max_request = 5);
    let budget = CallBudget::new(0);
    let (sender, body) = flowing();
    let call = streamed(head("PUT", &peers.url("/"), &[]), body);
    let feeding = sender.send(Ok(Frame::data("123456".into())));
    let (answer, _) = tokio::join!(caller.stream(call, &budget), feeding);
    let what = Part::RequestBody;
    assert_eq!(answer.unwrap_err(), CallError::TooLarge { what, limit: 5 });

    let (sender, body) = flowing();
    let call = streamed(head("PUT", &peers.url("/"), &[]), body);
    let feeding = sender.send(Err("the plugin trapped".into()));
    let (answer, _) = tokio::join!(caller.stream(call, &budget), feeding);
    let error = answer.unwrap_err();
    assert!(
        matches!(&error, CallError::InvalidRequest(why) if why.contains("the plugin trapped")),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_waits_for_each_piece_so_long_and_no_longer() {
    let peers = Peers::new(|_, mut stream| async move {
        request(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        // In all longer than the gap, and each piece well within it.
        let mut often = tokio::time::interval(SHORT / 4);
        for _ in 0..8 {
            often.tick().await;
            stream.write_all(b".").await.unwrap();
        }
        request(&mut stream).await;
    })
    .await;
    let mut call = streamed(head("GET", &peers.url("/"), &[]), empty());
    call.times.gap = Some(SHORT);
    let caller = caller(|_| ());
    let response = caller.stream(call, &CallBudget::new(0)).await.unwrap();
    let mut body = response.into_body();
    let error = loop {
        match body.frame().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let what = Phase::Body;
    assert_eq!(error, CallError::TimedOut { what, after: SHORT });
    assert_eq!(body.report().received, 8);
    assert!(body.frame().await.is_none() && body.is_end_stream());
}

#[tokio::test]
async fn the_head_of_a_stream_has_its_time_while_the_request_rests() {
    let peers = Peers::silent().await;
    let mut call = streamed(head("GET", &peers.url("/"), &[]), empty());
    call.times.head = Some(SHORT);
    let caller = caller(|_| ());
    let error = caller.stream(call, &CallBudget::new(0)).await.unwrap_err();
    let what = Phase::Head;
    assert_eq!(error, CallError::TimedOut { what, after: SHORT });

    // An upload that moves isn't ended, however long it takes.
    let peers = Peers::saying(ok("x")).await;
    let (sender, body) = flowing();
    let mut call = streamed(
        head("PUT", &peers.url("/"), &[("content-length", "8")]),
        body,
    );
    call.times.head = Some(SHORT);
    let feeding = async move {
        let mut often = tokio::time::interval(SHORT / 3);
        for _ in 0..8 {
            often.tick().await;
            sender.send(Ok(Frame::data(".".into()))).await.unwrap();
        }
    };
    let budget = CallBudget::new(0);
    let (answer, ()) = tokio::join!(caller.stream(call, &budget), feeding);
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test]
async fn a_stream_has_the_limit_that_its_caller_says() {
    let peers = Peers::saying_once(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001))).await;
    let call = streamed(head("GET", &peers.url("/"), &[]), empty());
    let caller = caller(|_| ());
    let response = caller.stream(call, &CallBudget::new(0)).await.unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    let what = Part::ResponseBody;
    assert_eq!(error, CallError::TooLarge { what, limit: 1000 });
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_its_connection() {
    let (closed, closing) = signal();
    let closed = Arc::new(std::sync::Mutex::new(Some(closed)));
    let peers = Peers::new(move |_, mut stream| {
        let closed = closed.clone();
        async move {
            request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nx").await.unwrap();
            while request(&mut stream).await.is_some() {}
            let closed = closed.lock().unwrap().take();
            closed.map(|closed| closed.send(()));
        }
    })
    .await;
    let call = streamed(head("GET", &peers.url("/"), &[]), empty());
    let caller = caller(|_| ());
    let response = caller.stream(call, &CallBudget::new(0)).await.unwrap();
    drop(response);
    closing.await;
}

#[tokio::test]
async fn several_calls_are_under_way_at_once_and_come_in_order() {
    let together = Arc::new(Barrier::new(20));
    let peers = Peers::new(move |_, mut stream| {
        let together = together.clone();
        async move {
            while let Some(asked) = request(&mut stream).await {
                together.wait().await;
                let path = asked.split(' ').nth(1).unwrap();
                stream.write_all(ok(path).as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let mut calls: Vec<_> = (0..20)
        .map(|i| call("GET", &peers.url(&format!("/{i}"))))
        .collect();
    calls.insert(7, call("GET", "http://elsewhere/"));
    let answers = caller(|_| ()).send_all(calls, &CallBudget::new(0)).await;
    assert!(matches!(answers[7], Err(CallError::Denied { .. })));
    let good = answers.into_iter().flatten().map(|answer| answer.body);
    let expected: Vec<_> = (0..20).map(|i| Bytes::from(format!("/{i}"))).collect();
    assert_eq!(good.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn more_calls_than_may_be_at_once_take_turns() {
    let peers = Peers::saying(ok("x")).await;
    let caller = caller(|config| config.max_at_once_of_plugin = 3);
    let calls = vec![call("GET", &peers.url("/")); 30];
    let answers = caller.send_all(calls, &CallBudget::new(0)).await;
    assert_eq!(
        answers.iter().filter(|a| a.is_ok()).count(),
        30,
        "{answers:?}"
    );
    assert!(peers.connections() <= 3);
}

#[test]
fn the_futures_can_be_sent_to_other_threads() {
    fn send<T: Send>(_: &T) {}
    let caller = caller(|_| ());
    let budget = CallBudget::new(0);
    send(&caller.send(WholeCall::default(), &budget));
    send(&caller.send_all(Vec::new(), &budget));
    send(&caller.stream(streamed(CallHead::default(), empty()), &budget));
}

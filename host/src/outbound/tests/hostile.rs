//! Peers that hang, trickle, lie about lengths, break HTTP, or want to lead elsewhere.

use super::*;

#[tokio::test]
async fn a_peer_that_hangs_before_the_head_ends_with_the_time() {
    let peers = Peers::silent().await;
    let caller = caller(|config| config.timeout = SHORT);
    let error = get(&caller, &peers.url("/")).await.unwrap_err();
    let expected = CallError::TimedOut {
        what: Phase::Head,
        after: SHORT,
    };
    assert_eq!(error, expected);
    // A plugin's own time can't be longer.
    let longer = WholeCall {
        timeout: Some(LONG),
        ..call("GET", &peers.url("/"))
    };
    let error = caller.send(longer, &CallBudget::new(0)).await.unwrap_err();
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_plugins_own_time_may_be_shorter() {
    let peers = Peers::silent().await;
    let shorter = WholeCall {
        timeout: Some(SHORT),
        ..call("GET", &peers.url("/"))
    };
    let caller = caller(|_| ());
    let error = caller.send(shorter, &CallBudget::new(0)).await.unwrap_err();
    assert!(
        matches!(error, CallError::TimedOut { after: SHORT, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_peer_that_trickles_ends_with_the_time_of_the_whole_call() {
    let peers = Peers::new(|_, mut stream| async move {
        request(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut often = tokio::time::interval(Duration::from_millis(10));
        loop {
            often.tick().await;
            if stream.write_all(b".").await.is_err() {
                return;
            }
        }
    })
    .await;
    let caller = caller(|config| config.timeout = SHORT);
    let error = get(&caller, &peers.url("/")).await.unwrap_err();
    let what = Phase::Body;
    assert_eq!(error, CallError::TimedOut { what, after: SHORT });
}

#[tokio::test]
async fn a_connection_that_nobody_takes_ends_with_its_time() {
    // A listener whose backlog is full doesn't answer.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let _fill = std::net::TcpStream::connect(address).unwrap();
    let caller = caller(|config| config.connect_timeout = SHORT);
    let error = get(&caller, &format!("http://{address}/"))
        .await
        .unwrap_err();
    let what = Phase::Connect;
    assert_eq!(error, CallError::TimedOut { what, after: SHORT });
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_unreachable() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let error = get(&caller(|_| ()), &format!("http://{address}/")).await;
    assert!(
        matches!(&error, Err(CallError::Unreachable { peer, .. }) if *peer == address.to_string()),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_that_is_shorter_than_it_says_is_no_body() {
    let peers = Peers::saying_once("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort").await;
    let error = get(&caller(|_| ()), &peers.url("/")).await.unwrap_err();
    assert!(matches!(error, CallError::Terminated(_)), "{error}");
    let peers =
        Peers::saying_once("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n")
            .await;
    let error = get(&caller(|_| ()), &peers.url("/")).await.unwrap_err();
    assert!(matches!(error, CallError::Terminated(_)), "{error}");
}

#[tokio::test]
async fn bytes_behind_a_body_are_of_no_other_response() {
    let lie = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged";
    let peers = Peers::new(move |number, mut stream| async move {
        while request(&mut stream).await.is_some() {
            let response = if number == 0 {
                lie.to_owned()
            } else {
                ok("second")
            };
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    })
    .await;
    let caller = caller(|_| ());
    let first = get(&caller, &peers.url("/")).await.unwrap();
    let second = get(&caller, &peers.url("/")).await.unwrap();
    assert_eq!(
        (&*first.body, &*second.body),
        (&b"first"[..], &b"second"[..])
    );
    assert_eq!(peers.connections(), 2);
}

#[tokio::test]
async fn a_head_has_its_limits() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
        "x".repeat(20 << 10)
    );
    let many = format!(
        "HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n",
        "a: b\r\n".repeat(60)
    );
    for head in [long, many] {
        let peers = Peers::saying_once(head).await;
        let error = get(
            &caller(|config| (config.max_head, config.max_fields) = (16 << 10, 50)),
            &peers.url("/"),
        )
        .await
        .unwrap_err();
        let what = Part::ResponseHead;
        let limit = 16 << 10;
        assert_eq!(error, CallError::TooLarge { what, limit });
        assert!(get(&caller(|_| ()), &peers.url("/")).await.is_ok());
    }
}

#[tokio::test]
async fn a_body_has_its_limit_said_or_not() {
    let body = "x".repeat(1001);
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{body}\r\n0\r\n\r\n");
    let open = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    // Nothing of the body has come when it is refused.
    let said = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned();
    for response in [said, chunked, open] {
        let peers = Peers::saying_once(response.clone()).await;
        let small = caller(|config| config.max_response = 1000);
        let error = get(&small, &peers.url("/")).await.unwrap_err();
        let what = Part::ResponseBody;
        assert_eq!(error, CallError::TooLarge { what, limit: 1000 });
        if response.len() > 1000 {
            let large = caller(|config| config.max_response = 1001);
            let answer = get(&large, &peers.url("/")).await.unwrap();
            assert_eq!(answer.body.len(), 1001);
        }
    }
}

#[tokio::test]
async fn what_is_no_http_is_told_as_such() {
    for response in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 999999 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "<html></html>\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ] {
        let peers = Peers::saying_once(response).await;
        let error = get(&caller(|_| ()), &peers.url("/"))
            .await
            .expect_err(response);
        assert!(
            matches!(error, CallError::Protocol(_)),
            "{response:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_peer_that_speaks_first_speaks_no_http() {
    let peers = Peers::new(|_, mut stream| async move {
        stream
            .write_all(b"220 mail.example ESMTP\r\n")
            .await
            .unwrap();
        request(&mut stream).await;
    })
    .await;
    let error = get(&caller(|_| ()), &peers.url("/")).await.unwrap_err();
    assert!(matches!(error, CallError::Protocol(_)), "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_before_the_head_is_told_as_such() {
    for response in ["", "HTTP/1.1 200 OK\r\nx:"] {
        let peers = Peers::saying_once(response).await;
        let error = get(&caller(|_| ()), &peers.url("/")).await.unwrap_err();
        assert!(matches!(error, CallError::Terminated(_)), "{error}");
        assert_eq!(
            peers.connections(),
            1,
            "a fresh connection is not tried again"
        );
    }
}

#[tokio::test]
async fn interim_responses_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    let peers = Peers::saying(format!("{interim}{}", ok("x"))).await;
    let answer = get(&caller(|_| ()), &peers.url("/")).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, &b"x"[..]));
    assert!(answer.fields.iter().all(|(name, _)| name != "link"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let secret = Peers::saying(ok("secret")).await;
    let to = secret.url("/latest/meta-data/");
    for status in [301, 302, 303, 307, 308] {
        let redirect =
            format!("HTTP/1.1 {status} Go\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let peers = Peers::saying(redirect).await;
        let answer = get(&caller(|_| ()), &peers.url("/")).await.unwrap();
        assert_eq!(answer.status, status);
        let location = answer.fields.iter().find(|(name, _)| name == "location");
        assert_eq!(location.unwrap().1, to);
    }
    assert_eq!(secret.connections(), 0);
}

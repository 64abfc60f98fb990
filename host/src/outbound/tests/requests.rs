//! What a plugin may ask for: destinations, methods, the field `host`.

use super::*;

#[tokio::test]
async fn what_is_not_allowed_names_the_line_to_add() {
    let caller = outbound(|_| ()).caller("jwt-auth", allowing(&["https://a.example/v1"], &[]));
    for (url, permission) in [
        (
            "https://api.example.com/keys?x",
            "[plugin.jwt-auth.allow] http = [\"https://api.example.com\"]",
        ),
        (
            "https://a.example/v2",
            "[plugin.jwt-auth.allow] http = [\"https://a.example\"]",
        ),
        (
            "http://A.example:81/",
            "[plugin.jwt-auth.allow] http = [\"http://a.example:81\"]",
        ),
        (
            "http://[::1]/",
            "[plugin.jwt-auth.allow] http = [\"http://[::1]\"]",
        ),
    ] {
        let error = get(&caller, url).await.unwrap_err();
        let text = error.to_string();
        let CallError::Denied {
            permission: line, ..
        } = error
        else {
            panic!("{text}");
        };
        assert_eq!(line, permission);
        assert!(text.contains(permission), "{text}");
        // What it names makes the call one that is allowed.
        let listed = line.split('"').nth(1).unwrap();
        let url = url::Url::read(url).unwrap();
        assert_eq!(
            allowing(&[listed], &[]).verdict(&url),
            allow::Verdict::Allowed
        );
    }
}

#[tokio::test]
async fn dodges_reach_nobody() {
    let peers = Peers::saying(ok("secret")).await;
    let port = peers.address.port();
    let allow = [
        "http://allowed.example:*",
        "http://*.allowed.example:*",
        "https://*:*",
    ];
    let caller = outbound(|_| ()).caller("p", allowing(&allow, &[]));
    for url in [
        "http://allowed.example@127.0.0.1:PORT/",
        "http://allowed.example:x@127.0.0.1:PORT/",
        "http://allowed.example%40127.0.0.1:PORT/",
        "http://127.0.0.1:PORT\\@allowed.example/",
        "http://127.0.0.1:PORT\\.allowed.example/",
        "http://127.0.0.1:PORT#.allowed.example/",
        "http://127.0.0.1:PORT?.allowed.example/",
        "http://127.0.0.1:PORT/.allowed.example/",
        "http://127.0.0.1:PORT/http://allowed.example/",
        "http://0x7f.1:PORT/",
        "http://0x7f000001:PORT/",
        "http://2130706433:PORT/",
        "http://017700000001:PORT/",
        "http://127.1:PORT/",
        "http://127.0.0.1.:PORT/",
        "http://127%2e0.0.1:PORT/",
        "http://\t127.0.0.1:PORT/",
        "http://127.0.0.1:PORT/\r\nhost: allowed.example",
        "HTTP://127.0.0.1:PORT/",
        "http:127.0.0.1:PORT/",
        "http:/127.0.0.1:PORT/",
        "//127.0.0.1:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://[::127.0.0.1]:PORT/",
        "http://[::ffff:7f00:1]:PORT/",
        "http://0.0.0.0:PORT/",
        "http://[::]:PORT/",
        "http://0:PORT/",
        "http://localhost:PORT/",
        "http://LOCALHOST:PORT/",
        "http://localhost.:PORT/",
        "http://\u{ff11}27.0.0.1:PORT/",
        "http://\u{2460}27.0.0.1:PORT/",
        "https://127.0.0.1:PORT/",
        "https://[::ffff:127.0.0.1]:PORT/",
        "https://localhost:PORT/",
    ] {
        let url = url.replace("PORT", &port.to_string());
        let error = get(&caller, &url).await.expect_err(&url);
        assert!(
            matches!(
                error,
                CallError::Denied { .. }
                    | CallError::InvalidRequest(_)
                    | CallError::ForbiddenAddress { .. }
            ),
            "{url}: {error}"
        );
    }
    assert_eq!(peers.connections(), 0);
}

#[tokio::test]
async fn methods_are_checked() {
    let peers = Peers::saying(ok("x")).await;
    let caller = caller(|_| ());
    for method in ["CONNECT", "", "GE T", "GET\r\n", "\u{e9}"] {
        let error = caller
            .send(call(method, &peers.url("/")), &CallBudget::new(0))
            .await;
        assert!(
            matches!(error, Err(CallError::InvalidRequest(_))),
            "{method:?}"
        );
    }
    assert_eq!(peers.connections(), 0);
}

#[tokio::test]
async fn a_wrong_length_is_refused_and_a_right_one_is_not_sent_twice() {
    let (asked, mut requests) = tokio::sync::mpsc::unbounded_channel();
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
    let with = |length: &str| WholeCall {
        head: head("POST", &peers.url("/"), &[("content-length", length)]),
        body: Bytes::from_static(b"hello"),
        timeout: None,
    };
    for wrong in ["4", "6", "0", "99999999999999999999"] {
        let error = caller.send(with(wrong), &CallBudget::new(0)).await;
        assert!(
            matches!(error, Err(CallError::InvalidRequest(_))),
            "{wrong}"
        );
    }
    caller.send(with("5"), &CallBudget::new(0)).await.unwrap();
    let request = requests.recv().await.unwrap();
    assert_eq!(request.matches("content-length").count(), 1);
}

#[tokio::test]
async fn a_host_field_has_to_be_allowed_like_a_destination() {
    let peers = Peers::new(|_, mut stream| async move {
        while let Some(asked) = request(&mut stream).await {
            let host = field(&asked, "host").unwrap();
            assert_eq!(asked.to_ascii_lowercase().matches("\r\nhost:").count(), 1);
            stream.write_all(ok(host).as_bytes()).await.unwrap();
        }
    })
    .await;
    let allow = ["http://127.0.0.1:*", "http://site.example:80/v1"];
    let caller = outbound(|_| ()).caller("p", allowing(&allow, &[]));
    let with = |path: &str, host: &str| WholeCall {
        head: head("GET", &peers.url(path), &[("host", host)]),
        ..WholeCall::default()
    };
    let own = peers.address.to_string();
    for (path, host, expected) in [
        ("/", own.as_str(), Some(own.as_str())),
        ("/v1/a", "site.example", Some("site.example")),
        ("/v1/a", "Site.example:80", Some("Site.example:80")),
        ("/", "site.example", None),
        ("/v1/../a", "site.example", None),
        ("/v1", "other.example", None),
        ("/v1", "site.example:81", None),
        ("/v1", "x@site.example", None),
        ("/v1", "site.example, other.example", None),
        ("/v1", "site.example/", None),
        ("/v1", "", None),
        ("/v1", "\u{e9}", None),
        ("/v1", "127.0.0.1:x", None),
    ] {
        let answer = caller.send(with(path, host), &CallBudget::new(0)).await;
        match (&answer, expected) {
            (Ok(answer), Some(expected)) => assert_eq!(answer.body, expected),
            (Err(CallError::Denied { .. } | CallError::InvalidRequest(_)), None) => {}
            _ => panic!("{path} {host:?}: {answer:?}"),
        }
    }
}

//! Each rule of the guard, with requests that it lets by and requests that it stops.

use super::*;
use crate::config::admin::TokenSource;

const SECRET: &str = "0123456789abcdef";

fn guard() -> Guard {
    Guard {
        token: None,
        hosts: vec!["gate.example".to_owned()],
        is_unix: false,
    }
}

fn with_token() -> Guard {
    let token = Token::read(&TokenSource::Given(SECRET.to_owned())).unwrap();
    Guard {
        token: Some(token),
        ..guard()
    }
}

/// The status of a request, 200 if it passes and 303 if it signs in. Fields are separated by ` | `.
fn judged(guard: &Guard, method: &str, target: &str, fields: &str) -> u16 {
    let mut map = HeaderMap::new();
    for field in fields.split(" | ").filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once(": ").unwrap();
        let name: http::HeaderName = name.parse().unwrap();
        map.append(name, value.parse().unwrap());
    }
    match guard.judge(&method.parse().unwrap(), &target.parse().unwrap(), &map) {
        Judged::Passes => 200,
        Judged::SignsIn => 303,
        Judged::Refused(problem) => problem.status,
    }
}

#[test]
fn the_host_must_be_one_that_no_stranger_can_name() {
    let cases = [
        ("host: 127.0.0.1:4599", 200),
        ("host: 127.0.0.1", 200),
        ("host: 192.0.2.1:80", 200),
        ("host: [::1]:4599", 200),
        ("host: localhost:4599", 200),
        ("host: LOCALHOST", 200),
        ("host: gate.example", 200),
        ("host: Gate.Example:4599", 200),
        ("host: evil.example", 421),
        ("host: evil.example:4599", 421),
        ("host: localhost.evil.example", 421),
        ("host: 127.0.0.1.evil.example", 421),
        ("host: 127.0.0.1@evil.example", 421),
        ("host: evil@127.0.0.1", 421),
        ("host: x.gate.example", 421),
        ("host: evil-localhost", 421),
        ("host: evil.localhost:4599", 421),
        ("host: 127.0.0.1 | host: evil.example", 421),
        ("host: evil.example | host: 127.0.0.1", 421),
        ("", 421),
    ];
    for (fields, status) in cases {
        assert_eq!(
            judged(&guard(), "GET", "/api/v1/status", fields),
            status,
            "{fields}"
        );
    }
    let target = "http://evil.example/api/v1/status";
    assert_eq!(judged(&guard(), "GET", target, "host: 127.0.0.1"), 421);
    let unix = Guard {
        is_unix: true,
        ..guard()
    };
    assert_eq!(judged(&unix, "GET", "/", "host: tollgate"), 200);
}

#[test]
fn who_asks_for_health_is_asked_for_nothing() {
    for path in ["/live", "/ready"] {
        assert_eq!(judged(&with_token(), "GET", path, "host: pod.example"), 200);
        assert_eq!(judged(&with_token(), "HEAD", path, ""), 200);
        assert_eq!(
            judged(&with_token(), "POST", path, "host: pod.example"),
            421
        );
    }
    assert_eq!(
        judged(&with_token(), "GET", "/lively", "host: 127.0.0.1"),
        401
    );
}

#[test]
fn what_changes_something_needs_the_mark_and_our_origin() {
    let host = "host: 127.0.0.1:4599";
    let cases = [
        ("x-tollgate-admin: 1", 200),
        (
            "x-tollgate-admin: 1 | content-type: application/json | content-length: 2",
            200,
        ),
        (
            "x-tollgate-admin: 1 | content-type: Application/JSON; charset=utf-8 | content-length: 2",
            200,
        ),
        ("x-tollgate-admin: 1 | content-length: 0", 200),
        ("x-tollgate-admin: 1 | origin: http://127.0.0.1:4599", 200),
        ("x-tollgate-admin: 1 | sec-fetch-site: same-origin", 200),
        ("x-tollgate-admin: 1 | sec-fetch-site: none", 200),
        ("", 403),
        ("x-tollgate-admin: 0", 403),
        ("x-tollgate-admin: 1 | x-tollgate-admin: 1", 403),
        ("x-tollgate-admin: 1 | origin: http://evil.example", 403),
        ("x-tollgate-admin: 1 | origin: http://127.0.0.1:8000", 403),
        ("x-tollgate-admin: 1 | origin: http://127.0.0.1", 403),
        ("x-tollgate-admin: 1 | origin: null", 403),
        (
            "x-tollgate-admin: 1 | origin: http://127.0.0.1:4599 | origin: http://evil.example",
            403,
        ),
        ("x-tollgate-admin: 1 | sec-fetch-site: cross-site", 403),
        ("x-tollgate-admin: 1 | sec-fetch-site: same-site", 403),
        (
            "x-tollgate-admin: 1 | content-type: text/plain | content-length: 2",
            415,
        ),
        (
            "x-tollgate-admin: 1 | content-type: application/x-www-form-urlencoded",
            415,
        ),
        ("x-tollgate-admin: 1 | content-length: 2", 415),
        ("x-tollgate-admin: 1 | transfer-encoding: chunked", 415),
    ];
    for (fields, status) in cases {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let fields = format!("{host} | {fields}");
            let fields = fields.trim_end_matches(" | ");
            assert_eq!(
                judged(&guard(), method, "/api/v1/reload", fields),
                status,
                "{method} {fields}"
            );
        }
    }
    // What changes nothing needs none of it.
    let cross = format!("{host} | origin: http://evil.example | sec-fetch-site: cross-site");
    assert_eq!(judged(&guard(), "GET", "/api/v1/status", &cross), 200);
}

#[test]
fn the_token_opens_and_nothing_else_does() {
    let guard = with_token();
    let cookie = guard.token.as_ref().unwrap().cookie().to_owned();
    let cases = [
        (format!("authorization: Bearer {SECRET}"), 200),
        (format!("authorization: bearer  {SECRET}"), 200),
        (format!("cookie: a=b; tollgate-admin={cookie}"), 200),
        (format!("authorization: Basic {SECRET}"), 401),
        (format!("authorization: Bearer {SECRET}0"), 401),
        (format!("authorization: Bearer {cookie}"), 401),
        ("authorization: Bearer".to_owned(), 401),
        (format!("cookie: tollgate-admin={SECRET}"), 401),
        (format!("cookie: tollgate-admin-x={cookie}"), 401),
        ("accept: */*".to_owned(), 401),
    ];
    for (field, status) in cases {
        let fields = format!("host: 127.0.0.1 | {field}");
        for path in [
            "/api/v1/status",
            "/",
            "/openapi.json",
            "/metrics",
            "/nowhere",
        ] {
            assert_eq!(
                judged(&guard, "GET", path, &fields),
                status,
                "{path} {field}"
            );
        }
        let fields = format!("{fields} | x-tollgate-admin: 1");
        assert_eq!(
            judged(&guard, "POST", "/api/v1/reload", &fields),
            status,
            "{field}"
        );
    }
}

#[test]
fn the_token_in_the_query_opens_the_page_alone() {
    let (guard, host) = (with_token(), "host: 127.0.0.1");
    let right = format!("token={SECRET}");
    assert_eq!(judged(&guard, "GET", &format!("/?{right}"), host), 303);
    assert_eq!(judged(&guard, "GET", &format!("/?a=b&{right}"), host), 303);
    assert_eq!(judged(&guard, "GET", "/?token=wrong", host), 401);
    assert_eq!(
        judged(&guard, "GET", &format!("/api/v1/status?{right}"), host),
        401
    );
    assert_eq!(
        judged(&guard, "GET", &format!("/?{right}"), "host: evil.example"),
        421
    );
    let post = format!("{host} | x-tollgate-admin: 1");
    assert_eq!(judged(&guard, "POST", &format!("/?{right}"), &post), 401);
}

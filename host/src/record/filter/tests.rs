//! Filters against exchanges, and what is said of mistakes.

use std::io::Write as _;

use super::*;
use crate::record::sample::{self, field, plugin_step, response};
use crate::record::{Ending, Failure, Fragment, MessageEdit, Piece, PieceFate, Sender, Transcript};

/// `POST https://api.example.com:8443/orders/7?x=1`, answered with 201 by a backend; the plugin `redact` changed the response.
fn exchange() -> Recorded {
    sample::exchange()
}

fn matches(filter: &str, exchange: &Recorded) -> bool {
    let parsed = Filter::parse(filter);
    parsed
        .unwrap_or_else(|error| panic!("{filter}: {error}"))
        .matches(exchange)
}

#[test]
fn each_operator_looks_at_its_own() {
    let exchange = exchange();
    let cases = [
        ("", true),
        ("  \t", true),
        ("~all", true),
        ("~http", true),
        ("~m post", true),
        ("~m ^OS", false),
        ("~u api\\.example.*orders/\\d\\?x=1$", true),
        ("~u ^https://api.example.com:8443/orders/7", true),
        ("~u http:", false),
        ("ORDERS", true),
        ("orders?$", false),
        ("~d ^api.example.com$", true),
        ("~d 8443", false),
        ("~s", true),
        ("~q", false),
        ("~c 201", true),
        ("~c 200", false),
        ("~c 200-299", true),
        ("~c 202-299", false),
        ("~h '^X-Tenant: blue$'", true),
        ("~hq x-tenant", true),
        ("~hs x-tenant", false),
        ("~hs '^location: '", true),
        ("~h 'x-tenant: .*location'", false),
        ("~b sesame", true),
        ("~bq sesame", true),
        ("~bs sesame", false),
        ("~bs masked", true),
        ("~b 'open.*sesame'", true),
        ("~t json", true),
        ("~tq json", true),
        ("~ts json", false),
        ("~ts text/plain", true),
        ("~a", false),
        ("~e", false),
        ("~websocket", false),
        ("~src ^192.0.2.7:50000$", true),
        ("~dst 127.0.0.1:4566", true),
        ("~dst orders", true),
        ("~dst elsewhere", false),
        ("~p redact", true),
        ("~p cors", false),
        ("~changed", true),
    ];
    for (filter, expected) in cases {
        assert_eq!(matches(filter, &exchange), expected, "{filter}");
    }
}

#[test]
fn operators_bind_as_in_mitmproxy() {
    let exchange = exchange();
    // y holds, n does not.
    let cases = [
        ("!n", true),
        ("!!y", true),
        ("!n & n", false),
        ("!(n & n)", true),
        ("n & n | y", true),
        ("y | n & n", true),
        ("(y | n) & n", false),
        // Side by side binds least: (y | n) and n.
        ("y | n n", false),
        ("y | (n n)", true),
        ("y y y", true),
        ("y y n", false),
        ("y !n y", true),
        ("y &!n|n", true),
        ("(((y)))", true),
        ("(y)(n)", false),
    ];
    for (filter, expected) in cases {
        let written = filter.replace('y', "(~m POST)").replace('n', "(~c 404)");
        assert_eq!(matches(&written, &exchange), expected, "{filter}");
    }
}

#[test]
fn words_end_where_mitmproxy_ends_them() {
    let exchange = exchange();
    let cases = [
        // One regular expression.
        ("nowhere|orders", Some(true)),
        ("nowhere |orders", Some(true)),
        ("nowhere&orders", Some(false)),
        ("~m PUT|POST", Some(true)),
        ("~mPOST", None),
        ("~m 'POST'", Some(true)),
        ("~m\"POST\"", Some(true)),
        ("(~q)", Some(false)),
        ("~s~c 201", Some(true)),
        (r#"~b "\"open sesame\"""#, Some(true)),
        (r#"~b '"open\'?'"#, Some(true)),
        (r#"~u "orders/\d\?""#, Some(true)),
        (r#"~u "orders/\\d\\?""#, Some(true)),
        (r#"~u "orders/\\\\d""#, Some(false)),
        ("~b sésame", Some(false)),
    ];
    for (filter, expected) in cases {
        let matched = Filter::parse(filter).map(|filter| filter.matches(&exchange));
        assert_eq!(matched.ok(), expected, "{filter}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let cases = [
        ("(~q", 1, "`(` is not closed; expected `)`"),
        ("~q)", 3, "`)` closes nothing"),
        ("()", 2, "`)` has nothing before it; expected"),
        (
            "~m POST &",
            10,
            "the filter ends here; expected an operator",
        ),
        ("| ~q", 1, "`|` has nothing before it"),
        ("~m POST & | x", 11, "`|` has nothing before it"),
        ("!", 2, "the filter ends here"),
        (
            "é ~marked",
            3,
            "no operator is called ~marked; expected one of ~a ~all",
        ),
        ("~", 1, "no operator is called ~;"),
        ("~hq", 4, "expected a regular expression behind ~hq"),
        (
            "~hq ~q",
            5,
            "here is `~`; expected a regular expression behind ~hq",
        ),
        (
            "~u [a",
            4,
            "\"[a\" is no regular expression: unclosed character class",
        ),
        ("~u '(?=x)'", 4, "look-around"),
        ("~c ok", 4, "\"ok\" is no status; expected one such as 404"),
        ("~c 2000", 4, "\"2000\" is no status"),
        ("~c", 3, "expected a status such as 404"),
        (
            "~b 'abc",
            4,
            "the text in quotes does not end; expected ' behind it",
        ),
        ("a{1000}{1000}", 1, "is no regular expression"),
    ];
    for (filter, position, problem) in cases {
        let error = Filter::parse(filter).unwrap_err();
        assert_eq!(error.position, position, "{filter}: {error}");
        assert!(error.problem.contains(problem), "{filter}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn filters_are_bounded() {
    let nested = |depth: usize| format!("{}~q{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(32)).is_ok());
    assert!(Filter::parse(&nested(33)).is_err());
    assert!(Filter::parse(&format!("{}~q", "!".repeat(33))).is_err());
    assert!(Filter::parse(&"a ".repeat(64)).is_ok());
    assert!(Filter::parse(&"a ".repeat(65)).is_err());
    assert!(Filter::parse(&"a".repeat(Filter::LONGEST)).is_ok());
    assert!(Filter::parse(&"a".repeat(Filter::LONGEST + 1)).is_err());
}

#[test]
fn what_failed_has_the_status_that_the_client_got() {
    let mut exchange = exchange();
    exchange.ending = Ending::Failed(Failure {
        status: 502,
        proxy_error: "proxy_internal_error".to_owned(),
        text: "plugin redact failed".to_owned(),
    });
    for filter in [
        "~e",
        "~c 502",
        "~s",
        "!~hs location",
        "!~bs masked",
        "~bq sesame",
    ] {
        assert!(matches(filter, &exchange), "{filter}");
    }
    exchange.ending = Ending::CutOff;
    exchange.steps.clear();
    for filter in ["~e", "~q", "!~s", "!~c 100-599"] {
        assert!(matches(filter, &exchange), "{filter}");
    }
}

#[test]
fn bodies_are_seen_without_their_codings() {
    let mut exchange = exchange();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a hidden word").unwrap();
    let coded = gzip.finish().unwrap();
    exchange.request.content.kept.clone_from(&coded);
    exchange
        .request
        .fields
        .push(field("Content-Encoding", "gzip"));
    assert!(matches("~bq '^a hidden word$'", &exchange));
    exchange.request.content.kept.truncate(coded.len() - 4);
    assert!(matches("~bq hidden", &exchange), "cut off");
    exchange.request.content.kept = b"not gzip at all".to_vec();
    assert!(matches("~bq 'not gzip'", &exchange), "as it is");
}

#[test]
fn the_messages_of_a_websocket_are_bodies() {
    let mut exchange = exchange();
    let piece = |sender, text: &str, fate| Piece {
        at: 0,
        sender: Some(sender),
        text: true,
        came: Fragment {
            kept: text.into(),
            length: text.len() as u64,
        },
        went: Vec::new(),
        fate,
    };
    let mut step = plugin_step("chat", "websocket-messages", MessageEdit::Unchanged);
    step.transcript = Some(Transcript {
        pieces: vec![
            piece(Sender::Client, "ping", PieceFate::Keep),
            piece(Sender::Backend, "pong", PieceFate::Keep),
        ],
        count: 2,
    });
    exchange.steps = vec![step];
    for filter in [
        "~websocket",
        "~b pong",
        "~bq ping",
        "~bs pong",
        "!~bq pong",
        "!~changed",
    ] {
        assert!(matches(filter, &exchange), "{filter}");
    }
    if let Some(transcript) = &mut exchange.steps[0].transcript {
        transcript.pieces[0].fate = PieceFate::Stop;
    }
    assert!(matches("~changed", &exchange));
}

#[test]
fn pictures_styles_and_scripts_are_assets() {
    for (media_type, expected) in [
        ("image/png", true),
        ("Text/CSS; charset=utf-8", true),
        ("application/font-woff", true),
        ("text/html", false),
        ("x-image/png", false),
    ] {
        let mut exchange = exchange();
        exchange.steps = vec![sample::backend_step(response(
            200,
            vec![field("content-type", media_type)],
            b"",
        ))];
        assert_eq!(matches("~a", &exchange), expected, "{media_type}");
    }
}

#[test]
fn a_url_is_as_complete_as_the_request() {
    let cases = [
        ("/a", "h:1", "https://h:1/a"),
        ("/a", "", "/a"),
        ("http://other/a", "h", "http://other/a"),
        ("*", "h", "https://h/*"),
        ("h:443", "h:443", "h:443"),
    ];
    for (target, authority, url) in cases {
        let mut exchange = exchange();
        exchange.request.line = crate::record::StartLine::Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            authority: authority.to_owned(),
        };
        assert_eq!(exchange.url(), url);
    }
    let mut exchange = exchange();
    exchange.request.line = crate::record::StartLine::Request {
        method: "GET".to_owned(),
        target: "/".to_owned(),
        authority: "[::1]:80".to_owned(),
    };
    assert!(matches(r"~d ^\[::1\]$", &exchange));
}

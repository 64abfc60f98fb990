//! The rules that a test goes by are those of the contract; each is tried here through a plugin.

use serde::Deserialize;

use crate::backends::{self, BackendError};
use crate::testing::{self, Exchange, Outcome};
use crate::{Answer, BodyError, FieldError, Plugin, Request, Response, Result, Verdict, exchange};

/// A plugin whose hooks are closures, so that each test can say what they do.
macro_rules! hooks {
    (|$request:ident| $forward:expr, |$read:ident, $response:ident| $back:expr) => {{
        #[derive(Deserialize)]
        struct Hooks;
        impl Plugin for Hooks {
            fn forward_request(&self, $request: &mut Request) -> Result<Verdict> {
                $forward
            }
            fn return_response(&self, $read: &Request, $response: &mut Response) -> Result<()> {
                $back
            }
        }
        |exchange: Exchange| -> Outcome { exchange.run::<Hooks>() }
    }};
}

#[test]
fn fields_are_checked_and_kept_as_sent() {
    let run = hooks!(
        |request| {
            assert_eq!(request.field_values("X-A"), ["1", "2"]);
            assert_eq!(request.field("x-none"), None);
            assert_eq!(
                request.set_field("a b", ""),
                Err(FieldError::InvalidName("a b".into()))
            );
            assert!(matches!(
                request.append_field("a", "x\r\ny"),
                Err(FieldError::InvalidValue(_))
            ));
            for owned in ["Content-Length", "te", "upgrade", "connection"] {
                let refused = Err(FieldError::OwnedByHost(owned.to_ascii_lowercase()));
                assert_eq!(request.set_field(owned, "x"), refused);
                assert_eq!(request.delete_field(owned), refused);
            }
            // All or nothing.
            assert!(request.set_fields([("x-a", "3"), ("te", "x")]).is_err());
            assert_eq!(request.field_values("x-a"), ["1", "2"]);
            request.set_fields([("X-A", "3"), ("x-a", "4"), ("x-b", "5")])?;
            request.append_field("x-b", [0xff])?;
            request.delete_field("x-c")?;
            Ok(Verdict::Forward)
        },
        |_request, _response| Ok(())
    );
    let outcome = run(testing::exchange()
        .field("X-a", "1")
        .field("x-c", "")
        .field("x-A", "2"));
    assert_eq!(outcome.error, None);
    let expected: [(&str, &[u8]); 4] = [
        ("x-a", b"3"),
        ("x-a", b"4"),
        ("x-b", b"5"),
        ("x-b", b"\xff"),
    ];
    assert_eq!(
        outcome.request.fields,
        expected.map(|(name, value)| (name.to_owned(), value.to_vec()))
    );
}

#[test]
fn method_target_authority_and_status_are_checked() {
    let run = hooks!(
        |request| {
            assert_eq!(
                (request.path(), request.query()),
                ("/a%2Fb".into(), Some("x?y".into()))
            );
            assert!(
                request.set_method("GET IT").is_err() && request.set_method("CONNECT").is_err()
            );
            for bad in ["a", "", "/a b", "/a#b", "http://h/"] {
                assert!(request.set_target(bad).is_err(), "{bad:?}");
            }
            request.set_method("PROPFIND")?;
            request.set_target("/%61?")?;
            request.set_authority("other:81")?;
            assert_eq!(request.query(), Some(String::new()));
            Ok(Verdict::Forward)
        },
        |request, response| {
            assert_eq!(request.authority(), "other:81");
            for bad in [0, 100, 199, 600] {
                assert!(response.set_status(bad).is_err(), "{bad}");
            }
            Ok(response.set_status(599)?)
        }
    );
    let outcome = run(testing::exchange().authority("h").target("/a%2Fb?x?y"));
    assert_eq!(outcome.error, None);
    assert_eq!(
        (
            outcome.request.method.as_str(),
            outcome.request.target.as_str()
        ),
        ("PROPFIND", "/%61?")
    );
    assert_eq!(
        (outcome.request.field("host"), outcome.response.status),
        (Some("other:81"), 599)
    );
}

#[test]
fn an_answer_skips_the_backend_but_not_the_way_back() {
    let run = hooks!(
        |_request| Ok(Answer::new(418)
            .field("set-cookie", "a=1")
            .field("set-cookie", "b=2")
            .text("tea")
            .into()),
        |_request, response| {
            assert_eq!(response.text()?, "tea");
            Ok(response.set_field("x-back", "yes")?)
        }
    );
    let outcome = run(testing::exchange().backend_response(Answer::new(500)));
    assert_eq!(outcome.error, None);
    assert!(!outcome.reached_backend);
    assert_eq!(
        (outcome.response.status, outcome.response.text()),
        (418, "tea")
    );
    assert_eq!(outcome.response.field_values("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(
        outcome.response.field("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(outcome.response.field("x-back"), Some("yes"));
}

#[test]
fn an_answer_that_cannot_be_sent_is_the_hooks_error() {
    for (answer, error) in [
        (
            100,
            "the plugin's answer: the status 100 is not in 200 to 599",
        ),
        (
            200,
            "the plugin's answer: the field te is set by the host alone",
        ),
    ] {
        #[derive(Deserialize)]
        struct Bad {
            status: u16,
        }
        impl Plugin for Bad {
            fn forward_request(&self, _: &mut Request) -> Result<Verdict> {
                Ok(Answer::new(self.status).field("te", "x").into())
            }
        }
        let outcome = testing::exchange().setting("status", answer).run::<Bad>();
        assert_eq!(outcome.error.as_deref(), Some(error));
    }
}

#[test]
fn a_request_body_is_there_afterwards_only_if_somebody_wanted_it() {
    let reading = hooks!(
        |request| {
            assert_eq!(request.json::<Vec<u8>>()?, [1, 2]);
            Ok(Verdict::Forward)
        },
        |request, _response| {
            assert_eq!(request.body()?, b"[1,2]");
            Ok(())
        }
    );
    let outcome = reading(testing::exchange().body("[1,2]"));
    assert_eq!(outcome.error, None);
    assert!(outcome.request.body_wanted && !outcome.response.body_wanted);

    let late = hooks!(|_request| Ok(Verdict::Forward), |request, _response| {
        request.body()?;
        Ok(())
    });
    let outcome = late(testing::exchange().body("x"));
    assert!(outcome.error.unwrap().contains("gone on to its receiver"));
    assert_eq!(outcome.request.text(), "x");
    let outcome = late(testing::exchange().body_error(BodyError::TooLarge(7)));
    assert!(outcome.error.unwrap().contains("7 bytes"));
}

#[test]
fn bodies_are_rewritten_in_one_call() {
    let run = hooks!(|_request| Ok(Verdict::Forward), |_request, response| {
        let was_text = response.map_text(|text| text.to_uppercase())?;
        Ok(response.set_field("x-was-text", was_text.to_string())?)
    });
    let answered = |answer: Answer| run(testing::exchange().backend_response(answer));

    let outcome = answered(Answer::new(200).text("straße"));
    assert_eq!(
        (
            outcome.response.text(),
            outcome.response.field("x-was-text")
        ),
        ("STRASSE", Some("true"))
    );
    let outcome = answered(Answer::new(200).body([0xff, 0xfe]));
    assert_eq!(
        (
            outcome.response.body.as_slice(),
            outcome.response.field("x-was-text")
        ),
        (&[0xff, 0xfe][..], Some("false"))
    );
    let outcome = answered(
        Answer::new(200)
            .field("content-encoding", "gzip")
            .body([0x1f, 0x8b]),
    );
    assert!(outcome.error.unwrap().contains("content-encoding: gzip"));
}

#[test]
fn json_keeps_a_type_that_names_json() {
    let run = hooks!(|_request| Ok(Verdict::Forward), |_request, response| {
        response.set_json(&[1])
    });
    for (before, after) in [
        (None, "application/json"),
        (Some("text/html"), "application/json"),
        (
            Some("application/x-amz-JSON-1.0"),
            "application/x-amz-JSON-1.0",
        ),
    ] {
        let mut answer = Answer::new(200);
        if let Some(before) = before {
            answer = answer.field("content-type", before);
        }
        let outcome = run(testing::exchange().backend_response(answer));
        assert_eq!(
            (
                outcome.response.field("content-type"),
                outcome.response.text()
            ),
            (Some(after), "[1]")
        );
    }
}

#[test]
fn notes_log_and_facts_belong_to_the_exchange() {
    let run = hooks!(
        |request| {
            crate::info!("{} {}", request.method(), exchange::id());
            exchange::set_note("hooks.from", exchange::client_address());
            Ok(Verdict::Forward)
        },
        |_request, _response| {
            assert_eq!(
                exchange::note("hooks.from").as_deref(),
                Some(&b"10.0.0.1:9"[..])
            );
            assert_eq!(exchange::note("earlier").as_deref(), Some(&b""[..]));
            crate::warn!("back");
            Ok(())
        }
    );
    let outcome = run(testing::exchange()
        .id("17")
        .client_address("10.0.0.1:9")
        .note("earlier", ""));
    assert_eq!(outcome.error, None);
    let log: Vec<_> = outcome
        .log
        .iter()
        .map(|(level, line)| (*level, line.as_str()))
        .collect();
    assert_eq!(
        log,
        [(crate::Level::Info, "GET 17"), (crate::Level::Warn, "back")]
    );
}

#[test]
fn settings_that_do_not_fit_fail_the_exchange() {
    #[derive(Deserialize)]
    struct Limited {
        #[serde(rename = "limit")]
        _limit: u8,
    }
    impl Plugin for Limited {}
    let outcome = testing::exchange()
        .settings(testing::json!({ "limit": 256 }))
        .run::<Limited>();
    assert_eq!(
        outcome.error.as_deref(),
        Some(r#"setting limit is "256": expected u8"#)
    );
    assert!(!outcome.reached_backend);
}

#[derive(serde::Deserialize)]
struct Replaces {
    #[serde(default)]
    encodes: bool,
}

impl Plugin for Replaces {
    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        if self.encodes {
            response.set_field("content-encoding", "br")?;
        }
        response.set_body("new");
        Ok(())
    }
}

#[test]
fn fields_that_described_a_replaced_body_are_corrected() {
    let run = |encodes: bool| {
        let answer = Answer::new(200)
            .field("content-encoding", "gzip")
            .field("content-md5", "x")
            .field("etag", "\"a\"")
            .field("x-other", "stays");
        let exchange = testing::exchange().setting("encodes", encodes);
        let response = exchange
            .backend_response(answer.body("old"))
            .run::<Replaces>()
            .response;
        assert_eq!(response.text(), "new");
        assert_eq!(response.field("content-md5"), None);
        assert_eq!(response.field("etag"), Some("W/\"a\""));
        assert_eq!(response.field("x-other"), Some("stays"));
        response.field("content-encoding").map(str::to_owned)
    };
    assert_eq!(run(false), None);
    assert_eq!(run(true).as_deref(), Some("br"));
}

#[derive(serde::Deserialize)]
struct ReadsJson;

impl Plugin for ReadsJson {
    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        response.json::<u8>()?;
        Ok(())
    }
}

#[test]
fn json_that_is_encoded_is_told_as_such() {
    let gzip = Answer::new(200).field("content-encoding", "gzip").body("x");
    let error = testing::exchange()
        .backend_response(gzip)
        .run::<ReadsJson>()
        .error;
    let told = "the body is encoded (content-encoding: gzip): call request.accept_identity() in forward_request";
    assert_eq!(error.as_deref(), Some(told));
}

#[derive(serde::Deserialize)]
struct Chooses {
    backend: String,
}

impl Plugin for Chooses {
    fn start(&self) -> Result<()> {
        assert_eq!(backends::choose(&self.backend), Err(BackendError::TooLate));
        Ok(())
    }

    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        request.set_backend(&self.backend)?;
        assert_eq!(request.backend(), self.backend);
        Ok(Verdict::Forward)
    }

    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        assert_eq!(backends::choose(&self.backend), Err(BackendError::TooLate));
        Ok(response.set_field("x-backend", request.backend())?)
    }
}

#[test]
fn a_backend_that_is_granted_can_be_chosen_before_the_request_is_sent() {
    let run = |granted: &str| {
        let exchange = testing::exchange().setting("backend", "b");
        exchange.backends([granted]).run::<Chooses>()
    };
    let outcome = run("b");
    assert_eq!(
        (outcome.error, outcome.request.backend.as_str()),
        (None, "b")
    );
    assert_eq!(outcome.response.field("x-backend"), Some("b"));
    let denied = run("c");
    assert_eq!(denied.request.backend, "default");
    let why = denied.error.unwrap();
    assert!(why.contains("no backend \"b\""), "{why}");
}

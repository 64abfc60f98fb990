//! Which answer a request gets, and what is said when it gets none.

use super::*;
use crate::record::data::{Message, StartLine};
use crate::record::sample::{self, backend_step, content, field, response};

/// A request for `/orders?a=1&b=2` with a field and a body.
fn request(method: &str, target: &str, body: &str) -> Message {
    Message {
        line: StartLine::Request {
            method: method.to_owned(),
            target: target.to_owned(),
            authority: "API.example.com".to_owned(),
        },
        fields: vec![field("Content-Type", "application/json")],
        content: content(body.as_bytes()),
        trailers: Vec::new(),
    }
}

fn exchange(began: u64, request: Message, answer: Message) -> Recorded {
    Recorded {
        id: began,
        began,
        request,
        steps: vec![backend_step(answer)],
        ..sample::exchange()
    }
}

fn answered(body: &str) -> Message {
    let length = field("content-length", &body.len().to_string());
    response(
        200,
        vec![length, field("set-cookie", "a"), field("Set-Cookie", "b")],
        body.as_bytes(),
    )
}

fn rules(change: impl FnOnce(&mut AnswerRules)) -> AnswerRules {
    let mut rules = AnswerRules::default();
    change(&mut rules);
    rules
}

fn play(answers: &Answers, request: &Message) -> String {
    match answers.next(&Asked::now(request, answers.rules())) {
        Ok(answer) => String::from_utf8(answer.message.content.kept.clone()).unwrap(),
        Err(none) => none.to_string(),
    }
}

/// Whether a request gets the answer that was recorded for another one.
fn is_answered(recorded: &Message, asked: &Message, rules: AnswerRules) -> bool {
    let answers = Answers::new([exchange(1, recorded.clone(), answered("yes"))], rules);
    let said = play(&answers, asked);
    assert!(
        said == "yes" || said.contains("nearest is exchange 0000000000000001"),
        "{said}"
    );
    said == "yes"
}

#[test]
fn each_answer_is_given_once_in_the_order_of_the_tape() {
    let tape = || {
        // A tape has exchanges in the order of their ends.
        [(2, "two"), (1, "one"), (3, "three")]
            .map(|(began, body)| exchange(began, request("GET", "/a", ""), answered(body)))
    };
    let asked = request("GET", "/a", "");
    for (repeat, fourth, fifth) in [
        (Repeat::Last, "three", "three"),
        (Repeat::Cycle, "one", "two"),
        (Repeat::Once, "were all given", "were all given"),
    ] {
        let answers = Answers::new(tape(), rules(|it| it.repeat = repeat));
        let said: Vec<String> = (0..5).map(|_| play(&answers, &asked)).collect();
        assert_eq!(&said[..3], ["one", "two", "three"], "{repeat:?}");
        assert!(
            said[3].contains(fourth) && said[4].contains(fifth),
            "{said:?}"
        );
    }
    let answers = Answers::new(tape(), rules(|it| it.repeat = Repeat::Once));
    for _ in 0..3 {
        play(&answers, &asked);
    }
    assert_eq!(
        play(&answers, &asked),
        "the tape's 3 answers to GET /a were all given (repeat = \"once\")"
    );
}

#[test]
fn what_must_be_the_same_is_said_by_the_rules() {
    let recorded = request(
        "POST",
        "/orders?a=1&b=2",
        r#"{"Name":"x","Token":"t","In":[{"Token":1}]}"#,
    );
    let with = |target: &str, body: &str| request("POST", target, body);
    let body = r#"{"In":[{"Token":1}],"Token":"t","Name":"x"}"#;
    let all = AnswerRules::default;
    for (asked, rules, like) in [
        (with("/orders?a=1&b=2", body), all(), true),
        (with("/orders?b=2&a=1", body), all(), true),
        (with("/orders?a=1&b=3", body), all(), false),
        (with("/orders?a=1", body), all(), false),
        (with("/orders?a=1&b=2&c=3", body), all(), false),
        (with("/Orders?a=1&b=2", body), all(), false),
        (request("PUT", "/orders?a=1&b=2", body), all(), false),
        (
            with("/orders?a=1&b=9", body),
            rules(|it| it.query = QueryRule::AllBut(vec!["b".into()])),
            true,
        ),
        (
            with("/orders?a=2&b=9", body),
            rules(|it| it.query = QueryRule::AllBut(vec!["b".into()])),
            false,
        ),
        (
            with("/orders", body),
            rules(|it| it.query = QueryRule::Nothing),
            true,
        ),
        (with("/orders?a=1&b=2", "other"), all(), false),
        (
            with("/orders?a=1&b=2", "other"),
            rules(|it| it.body = false),
            true,
        ),
        (
            with("/orders?a=1&b=2", &body.replace("\"t\"", "\"u\"")),
            all(),
            false,
        ),
        (
            with(
                "/orders?a=1&b=2",
                &body.replace("\"t\"", "\"u\"").replace(":1", ":2"),
            ),
            rules(|it| it.ignore_keys = vec!["Token".into()]),
            true,
        ),
        (
            with("/orders?a=1&b=2", &body.replace("\"x\"", "\"y\"")),
            rules(|it| it.ignore_keys = vec!["Token".into()]),
            false,
        ),
    ] {
        assert_eq!(
            is_answered(&recorded, &asked, rules.clone()),
            like,
            "{asked:?} {rules:?}"
        );
    }
}

#[test]
fn fields_count_by_their_values_and_the_host_if_it_shall() {
    let target = |value: &str| {
        let mut request = request("POST", "/", "{}");
        request.fields.push(field("X-Amz-Target", value));
        request
    };
    let recorded = target("DynamoDB_20120810.ListTables");
    let mut two = recorded.clone();
    two.fields.push(field("x-amz-target", "more"));
    let mut elsewhere = recorded.clone();
    elsewhere.line = StartLine::Request {
        method: "POST".to_owned(),
        target: "http://other/".to_owned(),
        authority: "other".to_owned(),
    };
    for (asked, rules, like) in [
        (recorded.clone(), AnswerRules::default(), true),
        (
            target("DynamoDB_20120810.PutItem"),
            AnswerRules::default(),
            false,
        ),
        (
            target("DynamoDB_20120810.PutItem"),
            rules(|it| it.fields = Vec::new()),
            true,
        ),
        (request("POST", "/", "{}"), AnswerRules::default(), false),
        (two, AnswerRules::default(), false),
        (elsewhere.clone(), AnswerRules::default(), true),
        (elsewhere, rules(|it| it.host = true), false),
    ] {
        assert_eq!(is_answered(&recorded, &asked, rules), like, "{asked:?}");
    }
}

#[test]
fn what_was_masked_on_the_tape_may_be_anything() {
    let mut recorded = request(
        "POST",
        "/?sig=[masked]&a=1",
        r#"{"password":"[masked]","n":1}"#,
    );
    let asked = request("POST", "/?a=1&sig=abc", r#"{"password":42,"n":1}"#);
    assert!(is_answered(&recorded, &asked, AnswerRules::default()));
    recorded.fields.push(field("x-amz-target", "[masked]"));
    assert!(
        !is_answered(&recorded, &asked, AnswerRules::default()),
        "there is none to mask"
    );
    let mut form = request("POST", "/", "Action=X&Password=[masked]&V=1");
    let mut sent = request("POST", "/", "Action=X&V=1&Password=abc");
    for message in [&mut form, &mut sent] {
        message.fields[0] = field(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
    }
    assert!(is_answered(&form, &sent, AnswerRules::default()));
    sent.content = content(b"Action=Y&V=1&Password=abc");
    assert!(!is_answered(&form, &sent, AnswerRules::default()));
}

#[test]
fn a_body_that_was_not_kept_whole_is_known_by_its_beginning_and_length() {
    let mut recorded = request("POST", "/", "0123");
    recorded.content.length = 8;
    for (body, like) in [
        ("01234567", true),
        ("01239999", true),
        ("0123", false),
        ("x1234567", false),
    ] {
        assert_eq!(
            is_answered(
                &recorded,
                &request("POST", "/", body),
                AnswerRules::default()
            ),
            like,
            "{body}"
        );
    }
}

#[test]
fn what_is_given_is_what_the_backend_answered() {
    let recorded = exchange(7, request("GET", "/a", ""), answered("whole"));
    let mut changed = recorded.clone();
    let other = backend_step(answered("changed"));
    changed.steps.push(crate::record::data::Step {
        performer: crate::record::data::Performer::Host,
        ..other
    });
    let answers = Answers::new([changed], AnswerRules::default());
    let asked = Asked::now(&request("GET", "/a", ""), answers.rules());
    let answer = answers.next(&asked).unwrap();
    assert_eq!(answer.message, answered("whole"));
    assert_eq!(answer.after, 1200);
    assert!(!answer.is_masked);
}

#[test]
fn an_answer_that_is_not_whole_is_refused_and_one_with_masks_is_counted() {
    let mut cut = answered("beginning");
    cut.content.length = 100;
    let mut broken = answered("broken");
    broken.content.complete = false;
    let tape = [
        exchange(1, request("GET", "/cut", ""), cut),
        exchange(2, request("GET", "/broken", ""), broken),
        exchange(
            3,
            request("GET", "/switch", ""),
            response(101, Vec::new(), b""),
        ),
        exchange(4, request("GET", "/masked", ""), answered("a [masked] b")),
    ];
    let answers = Answers::new(tape, AnswerRules::default());
    let expected = AnswerCounts {
        answers: 4,
        unusable: 3,
        masked: 1,
    };
    assert_eq!(answers.counts(), expected);
    let said = |path: &str| play(&answers, &request("GET", path, ""));
    assert_eq!(
        said("/cut"),
        "the tape's answer to GET /cut (exchange 0000000000000001) can't be given: the body was not kept whole: 9 of 100 bytes"
    );
    assert!(said("/broken").ends_with("its body did not come to its end"));
    assert!(said("/switch").ends_with("it switched protocols"));
    assert_eq!(said("/masked"), "a [masked] b");
}

#[test]
fn a_masked_answer_says_its_own_length_and_an_empty_one_keeps_that_of_another() {
    let mut masked = answered("secret=[masked]");
    masked.fields[0] = field("Content-Length", "999");
    let mut head = answered("");
    head.fields[0] = field("content-length", "5");
    let tape = [
        exchange(1, request("GET", "/a", ""), masked),
        exchange(2, request("HEAD", "/a", ""), head),
    ];
    let answers = Answers::new(tape, AnswerRules::default());
    let length = |method: &str| {
        let asked = Asked::now(&request(method, "/a", ""), answers.rules());
        let answer = answers.next(&asked).unwrap();
        String::from_utf8(answer.message.field("content-length").unwrap().to_vec()).unwrap()
    };
    assert_eq!(
        (length("GET"), length("HEAD")),
        ("15".to_owned(), "5".to_owned())
    );
}

#[test]
fn a_miss_names_the_request_and_what_comes_nearest() {
    let tape = [
        exchange(1, request("GET", "/orders/1", ""), answered("")),
        exchange(
            2,
            request("POST", "/orders?x=1", r#"{"a":{"b":[1,2]}}"#),
            answered(""),
        ),
        exchange(3, request("POST", "/other", ""), answered("")),
    ];
    let answers = Answers::new(tape, AnswerRules::default());
    for (asked, expected) in [
        (
            request("POST", "/orders?x=1", r#"{"a":{"b":[1,3]}}"#),
            "the tape has no answer to POST /orders?x=1 (17 bytes); nearest is exchange 0000000000000002, POST /orders?x=1 \
             (17 bytes): the body (at /a/b/1) differs",
        ),
        (
            request("DELETE", "/orders/1", ""),
            "the tape has no answer to DELETE /orders/1; nearest is exchange 0000000000000001, GET /orders/1: the method differs",
        ),
        (
            request("POST", "/orders?x=2", "{}"),
            "the tape has no answer to POST /orders?x=2 (2 bytes); nearest is exchange 0000000000000002, POST /orders?x=1 \
             (17 bytes): the query and the body (at /a) differ",
        ),
        (
            request("GET", "/orders/2", ""),
            "the tape has no answer to GET /orders/2; nearest is exchange 0000000000000001, GET /orders/1: the path differs",
        ),
    ] {
        assert_eq!(play(&answers, &asked), expected);
    }
    let empty = Answers::new([], AnswerRules::default());
    assert_eq!(
        play(&empty, &request("GET", "/", "")),
        "the tape has no answer to GET /; it has no answer at all"
    );
}

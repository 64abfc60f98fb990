//! Files of cases, read, held against what came, and written.

mod exchanges;

use std::path::Path;

use bytes::Bytes;
use http::{HeaderValue, Response};

use super::case::{CaseExchange, CaseFile};
use super::compare::compare;
use super::read;
use super::run::Got;
use super::sections::Kind;
use super::{har, message, update};
use crate::tools::conditions::Conditions;

/// A comment, a case with all that can come in, and bytes that no editor would leave alone.
const CASE: &[u8] = b"About \xff this.\r\n### settings\nmark = \"a\"\nlist = [1]\n\n### request\r\nPOST /x?y HTTP/1.1\r\n\
    Host: h\r\nx-b: 1\r\nX-A: 2\r\n\r\nbody\n### response\nHTTP/1.1 201 Created\nx-c: 3\nx-d:\n\nanswer\n\n";

fn read_text(name: &str, text: &[u8]) -> Result<CaseFile, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    let read = match name.ends_with(".har") {
        true => har::read(&path, &Conditions::default()),
        false => read::read(&path, &Conditions::default()),
    };
    let prefix = format!("{}/", directory.path().display());
    read.map_err(|mistake| mistake.to_string().replace(&prefix, ""))
}

fn only(file: &CaseFile) -> &CaseExchange {
    assert_eq!((file.cases.len(), file.cases[0].exchanges.len()), (1, 1));
    &file.cases[0].exchanges[0]
}

/// What a plugin that changes nothing leaves, with other bodies.
fn came(case: &CaseExchange, body: &[u8]) -> Got {
    let mut request = case.input.as_ref().unwrap().request.clone();
    *request.body_mut() = Bytes::copy_from_slice(body);
    let mut response = case.input.as_ref().unwrap().response.clone();
    *response.body_mut() = Bytes::copy_from_slice(body);
    Got {
        request: Some(request),
        response: Some(response),
        error: None,
        log: vec!["info a".to_owned(), "warn b  c".to_owned()],
        ..Got::default()
    }
}

fn updated(file: &CaseFile, got: &Got) -> Option<Vec<u8>> {
    let got = std::slice::from_ref(got);
    let came: Vec<_> = file.cases.iter().map(|case| (case, got)).collect();
    update::updated(file, &came)
}

#[test]
fn a_case_is_what_its_sections_say() {
    let file = read_text("a.b.http", CASE).unwrap();
    let case = only(&file);
    assert_eq!(file.cases[0].name, "a.b");
    let settings = [("list", "[1]"), ("mark", "a")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(
        file.cases[0].conditions.settings.as_ref().unwrap().texts(),
        &settings[..]
    );
    let request = &case.input.as_ref().unwrap().request;
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/x?y");
    assert_eq!(
        (&request.headers()["host"], &request.headers()["x-a"]),
        (&"h".parse().unwrap(), &"2".parse().unwrap())
    );
    assert_eq!(request.body(), "body");
    assert_eq!(case.input.as_ref().unwrap().response.status(), 201);
    assert_eq!(case.input.as_ref().unwrap().response.headers()["x-d"], "");
    assert_eq!(case.input.as_ref().unwrap().response.body(), "answer\n");
    assert!(case.expect.is_empty());
}

#[test]
fn a_target_is_what_the_proxy_takes_for_one() {
    for target in [
        "/`a`?q=up{job=\"x\"}",
        "/<a>?<b>",
        "/\u{e9}",
        "*",
        "/{{any}}",
    ] {
        let text = format!("### request\nOPTIONS {target} HTTP/1.1\nhost: h\n");
        let file = read_text("a.http", text.as_bytes()).unwrap();
        let request = &only(&file).input.as_ref().unwrap().request;
        assert_eq!(message::target(request), target);
        let (parts, ()) = request.clone().map(|_| ()).into_parts();
        assert_eq!(message::head_of(&parts).unwrap().target.as_str(), target);
        let head = message::request_head(request, request.headers());
        assert_eq!(head, text.split_once('\n').unwrap().1.as_bytes());
    }
    let text = b"### request\nGET /a#b HTTP/1.1\nhost: h\n";
    let mistakes = read_text("a.http", text).unwrap_err();
    assert!(format!("{mistakes:?}").contains("the target holds '#' at byte 3"));
}

#[test]
fn a_request_comes_as_the_chain_would_see_it() {
    let text = b"### request\nGET https://h:1/p?q HTTP/1.1\nconnection: x-hop\nx-hop: 1\nte: gzip\nx-a: 1\n";
    let file = read_text("a.http", text).unwrap();
    let input = only(&file).input.as_ref().unwrap();
    assert_eq!(input.scheme.as_str(), "https");
    assert_eq!(input.request.uri(), "/p?q");
    let mut names: Vec<_> = input
        .request
        .headers()
        .keys()
        .map(|name| name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["host", "x-a"]);
    assert_eq!(input.request.headers()["host"], "h:1");
    assert_eq!(input.response.status(), 200);
    assert!(input.response.headers().is_empty() && input.response.body().is_empty());
    let without_host = read_text("a.http", b"### request\nGET / HTTP/1.1").unwrap();
    assert!(
        only(&without_host)
            .input
            .as_ref()
            .unwrap()
            .request
            .headers()
            .is_empty()
    );
}

#[test]
fn what_is_expected_may_be_nothing() {
    let text =
        b"### request\nGET / HTTP/1.1\n### expect request\nnone\n### expect response\n none \n\
        ### expect error\nforward-request: no: way\n\n### expect log\n\ninfo a  \n\nwarn b\n";
    let file = read_text("a.http", text).unwrap();
    let expect = &only(&file).expect;
    assert!(matches!(expect.request, Some(None)) && matches!(expect.response, Some(None)));
    assert_eq!(expect.error.as_deref(), Some("forward-request: no: way"));
    assert_eq!(expect.log.as_deref().unwrap(), ["info a", "warn b"]);
    let empty = read_text("a.http", b"### request\nGET / HTTP/1.1\n### expect log\n").unwrap();
    assert_eq!(only(&empty).expect.log, Some(vec![]));
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    let cases: [(&str, &str); 13] = [
        (
            "",
            "a.http:1: there is no section `request`; a case has at least",
        ),
        (
            "### response\nHTTP/1.1 200 OK",
            "a.http:1: there is no section `request`",
        ),
        (
            "x\n### request\n\nGET / HTTP/1.1",
            "a.http:3: there is no message; it begins on the line below",
        ),
        (
            "### request\nGET /",
            "a.http:2: expected METHOD TARGET HTTP/1.1",
        ),
        (
            "### request\nGET / HTTP/1.1\nhost h\n",
            "a.http:3: expected a field",
        ),
        (
            "### request\nCONNECT h:1 HTTP/1.1",
            "a.http:2: \"h:1\" is no target",
        ),
        (
            "### request\nCONNECT / HTTP/1.1",
            "a.http:1: the host would refuse this request before any plugin saw it",
        ),
        (
            "### request\nGET / HTTP/1.1\ncontent-length: 2\n\nabc",
            "a.http:1: content-length is not the length of the body, 3 bytes",
        ),
        (
            "### request (base64 body)\nGET / HTTP/1.1\n\n?",
            "a.http:4: the body is not base64",
        ),
        (
            "### settings\na = 1\nb = \n### request\nGET / HTTP/1.1",
            "a.http:3: ",
        ),
        (
            "\n### settings\na = nan\n### request\nGET / HTTP/1.1",
            "a.http:3: a = nan: expected a finite number",
        ),
        (
            "### request\nGET / HTTP/1.1\n### expect error\nno",
            "a.http:4: expected `forward-request: TEXT`",
        ),
        (
            "### request\nGET / HTTP/1.1\n### expect request\nGET http://h/ HTTP/1.1",
            "a.http:4: a backend gets path and query",
        ),
    ];
    for (text, expected) in cases {
        let mistake = read_text("a.http", text.as_bytes()).unwrap_err();
        assert!(mistake.starts_with(expected), "{text:?}\n{mistake}");
    }
}

#[test]
fn mistakes_in_wildcards_and_options_say_where_and_what() {
    let cases: [(&str, &str); 5] = [
        (
            "### request\nGET / HTTP/1.1\n### expect request\nGET /{{re:(}} HTTP/1.1",
            "a.http:4: {{re:(}}: unclosed group",
        ),
        (
            "### request\nGET / HTTP/1.1\n### expect response\nHTTP/1.1 200 OK\nx: 1\n\na\n{{re:[}}",
            "a.http:8: {{re:[}}: unclosed character class",
        ),
        (
            "### request\nGET / HTTP/1.1\n### expect log\ninfo {{re:*}}",
            "a.http:4: {{re:*}}: repetition operator missing expression",
        ),
        (
            "### options\nnow = 1\n### request\nGET / HTTP/1.1\n",
            "a.http:2: now = 1: expected a string",
        ),
        (
            "### options\nseed = 1\ndeadline = '1s'\n### request\nGET / HTTP/1.1\n",
            "a.http:3: deadline: unknown key; did you mean limits.deadline?",
        ),
    ];
    for (text, expected) in cases {
        let mistake = read_text("a.http", text.as_bytes()).unwrap_err();
        assert!(mistake.starts_with(expected), "{mistake}");
    }
}

#[test]
fn what_came_is_written_and_then_expected() {
    let long = [b'x'; 200];
    let bodies: [&[u8]; 11] = [
        b"",
        b"\n",
        b"a",
        b"a\n",
        b"\n\na\n\n",
        b"### request",
        b"a\n### x\nb",
        b"\xff\0\x80",
        b"a\r\nb\r\n",
        "ü\t".as_bytes(),
        &long,
    ];
    for body in bodies {
        let file = read_text("a.http", CASE).unwrap();
        let got = came(only(&file), body);
        let text = updated(&file, &got).unwrap();
        assert!(text.starts_with(CASE), "what was there stays");
        let again =
            read_text("a.http", &text).unwrap_or_else(|e| panic!("{e}\n{}", text.escape_ascii()));
        let expect = &only(&again).expect;
        assert_eq!(compare(expect, &got), [], "{}", text.escape_ascii());
        assert_eq!(
            expect.request.as_ref().unwrap().as_ref().unwrap().body(),
            body
        );
        assert_eq!(
            expect.response.as_ref().unwrap().as_ref().unwrap().body(),
            body
        );
        assert_eq!(updated(&again, &got), None, "what is met stays as it is");
    }
}

#[test]
fn an_update_changes_only_what_is_not_met() {
    let text = "### expect response\nHTTP/1.1 200 Fine\nx-b:  2\nx-a: 1\n\nold\n### request\nGET / HTTP/1.1\n\n\
        ### expect error\nforward-request: x\n### expect log\ninfo a\n\n\nwarn b  c\n### expect request\nGET /old HTTP/1.1";
    let file = read_text("a.http", text.as_bytes()).unwrap();
    let mut got = came(only(&file), b"old");
    got.response = file.cases[0].exchanges[0].expect.response.clone().unwrap();
    got.request
        .as_mut()
        .unwrap()
        .headers_mut()
        .insert("x-new", HeaderValue::from_static("1"));
    let expected = text
        .replace("### expect error\nforward-request: x\n", "")
        .replace("GET /old HTTP/1.1", "GET / HTTP/1.1\nx-new: 1\n\nold\n");
    let written = String::from_utf8(updated(&file, &got).unwrap()).unwrap();
    assert_eq!(written, expected);
}

#[test]
fn an_error_takes_the_place_of_an_answer() {
    let text = "### request\nGET / HTTP/1.1\n### expect request\nnone\n### expect response\nHTTP/1.1 200 OK\n";
    let file = read_text("a.http", text.as_bytes()).unwrap();
    let got = Got {
        error: Some("forward-request: x".to_owned()),
        ..Got::default()
    };
    let kinds: Vec<_> = compare(&only(&file).expect, &got)
        .iter()
        .map(|f| f.kind)
        .collect();
    assert_eq!(
        kinds,
        [Kind::ExpectError],
        "the answer that is missing is not told beside it"
    );
    let written = updated(&file, &got).unwrap();
    let expected = "### request\nGET / HTTP/1.1\n### expect request\nnone\n### expect error\nforward-request: x\n";
    assert_eq!(String::from_utf8(written).unwrap(), expected);
}

/// A case that expects these messages, held against those that came.
fn differences(expected: [&str; 2], came: [&str; 2]) -> Vec<(Kind, String)> {
    let section = |[request, response]: [&str; 2]| {
        format!(
            "### request\nGET / HTTP/1.1\n### expect request\n{request}\n### expect response\n{response}\n"
        )
    };
    let expected = read_text("a.http", section(expected).as_bytes()).unwrap();
    let came = read_text("a.http", section(came).as_bytes()).unwrap();
    let got = Got {
        request: only(&came).expect.request.clone().unwrap(),
        response: only(&came).expect.response.clone().unwrap(),
        ..Got::default()
    };
    let failures = compare(&only(&expected).expect, &got);
    failures
        .into_iter()
        .map(|failure| (failure.kind, failure.diff))
        .collect()
}

#[test]
fn only_what_makes_a_difference_is_one() {
    let (request, response) = (
        "PUT /a HTTP/1.1\nx-a: 1\nx-b: 2\nx-a: 3\n\nb",
        "HTTP/1.1 404 Not Found\nx-a: 1\n\nb",
    );
    let same = (
        "PUT /a HTTP/1.1\nX-B: 2\nx-a: 1\nx-a: 3\n\nb",
        "HTTP/1.1 404 Gone fishing\nx-a:1 \n\nb",
    );
    assert_eq!(differences([request, response], [same.0, same.1]), []);
    let requests = [
        request.replace("PUT", "put"),
        request.replace("/a", "/a?"),
        request.replace(": 2", ": 1"),
        request
            .replace(": 1", ": 4")
            .replace(": 3", ": 1")
            .replace(": 4", ": 3"),
        request.replace("x-b: 2\n", ""),
        request.replace("\n\nb", "\n\nb\n"),
        request.replace("\n\nb", "\n\nc"),
        "none".to_owned(),
    ];
    for other in requests {
        let found = differences([request, response], [&other, response]);
        assert_eq!(
            found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
            [Kind::ExpectRequest],
            "{other}"
        );
    }
    for other in [
        response.replace("404", "403"),
        response.replace(": 1", ": 2"),
        response.replace("\n\nb", ""),
    ] {
        let found = differences([request, response], [request, &other]);
        assert_eq!(
            found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
            [Kind::ExpectResponse],
            "{other}"
        );
    }
}

#[test]
fn wildcards_stand_in_targets_fields_bodies_errors_and_logs() {
    let expected = [
        "PUT /a?id={{re:[0-9 ]+}} HTTP/1.1\nx-a: {{any}}\nx-a: 2\nx-b: <{{uuid}}>\n\nat {{any}}\nend",
        "HTTP/1.1 200 OK\ncontent-type: application/json\n\n{\"b\": \"{{any}}\", \"a\": [1]}",
    ];
    let came = [
        "PUT /a?id=17 HTTP/1.1\nx-a:\nx-a: 2\nx-b: <01234567-89ab-cdef-0123-456789abcdef>\n\nat noon\nend",
        "HTTP/1.1 200 OK\ncontent-type: application/json\n\n{\"a\":[1],\"b\":null}",
    ];
    assert_eq!(differences(expected, came), []);
    for (from, to) in [
        ("id=17", "id=x"),
        ("x-a: 2", "x-a: 3"),
        ("89ab-", "89a-"),
        ("\nend", "\nen"),
        ("x-a:\n", ""),
    ] {
        let found = differences(expected, [&came[0].replace(from, to), came[1]]);
        assert_eq!(found.len(), 1, "{to}");
        let changed: Vec<_> = found[0]
            .1
            .lines()
            .skip(3)
            .filter(|line| !line.starts_with(' '))
            .collect();
        // What is met by a wildcard is no difference.
        assert!(changed.len() <= 2, "{changed:?}");
    }
    let found = differences(expected, [came[0], &came[1].replace("[1]", "[1.0]")]);
    let diff = "--- expect response\n+++ what came\n@@ -4,6 +4,6 @@\n {\n   \"b\": null,\n   \"a\": [\n-    1\n+    1.0\n   ]\n }\n";
    assert_eq!(found, [(Kind::ExpectResponse, diff.to_owned())]);
    let text = "### request\nGET / HTTP/1.1\n### expect error\nforward-request: no {{any}}\n### expect log\ninfo {{re:[a-z]}}\nwarn b\n";
    let file = read_text("a.http", text.as_bytes()).unwrap();
    let mut got = Got {
        error: Some("forward-request: no way".to_owned()),
        log: vec!["info a".to_owned(), "warn b".to_owned()],
        ..Got::default()
    };
    assert_eq!(compare(&only(&file).expect, &got), []);
    assert_eq!(updated(&file, &got), None);
    got.log[1] = "warn {{any}}".to_owned();
    let diff = "--- expect log\n+++ what came\n@@ -1,2 +1,2 @@\n info a\n-warn b\n+warn {{any}}\n";
    assert_eq!(compare(&only(&file).expect, &got)[0].diff, diff);
    let written = String::from_utf8(updated(&file, &got).unwrap()).unwrap();
    assert!(
        written.ends_with("info {{re:[a-z]}}\nwarn {{open}}any}}\n"),
        "{written}"
    );
}

#[test]
fn json_is_compared_as_json_where_the_media_type_says_so() {
    let response =
        |kind: &str, body: &str| format!("HTTP/1.1 200 OK\ncontent-type: {kind}\n\n{body}");
    let request = "GET / HTTP/1.1";
    for (kind, same) in [
        ("application/json", true),
        ("application/x-amz-json-1.1", true),
        ("text/plain", false),
    ] {
        let expected = response(kind, "{\"a\": 1, \"b\": 2}");
        let came = response(kind, "{\"b\":2,\"a\":1}");
        let found = differences([request, &expected], [request, &came]);
        assert_eq!(found.is_empty(), same, "{kind}");
    }
    // What is written as base64 is meant byte by byte.
    let text = "### request\nGET / HTTP/1.1\n### expect response (base64 body)\nHTTP/1.1 200 OK\ncontent-type: application/json\n\nWzEsIDJd\n";
    let file = read_text("a.http", text.as_bytes()).unwrap();
    let mut got = Got {
        response: only(&file).expect.response.clone().unwrap(),
        ..Got::default()
    };
    assert_eq!(compare(&only(&file).expect, &got), []);
    *got.response.as_mut().unwrap().body_mut() = Bytes::from_static(b"[1,2]");
    assert_eq!(compare(&only(&file).expect, &got).len(), 1);
}

#[test]
fn an_update_keeps_wildcards_that_are_met_and_texts_that_are_equal() {
    let text = "### request\nGET / HTTP/1.1\n### expect request\nGET /{{any}} HTTP/1.1\nx-id: {{uuid}}\nx-b: 1\n\none {{any}}\ntwo\n\
        ### expect response\nHTTP/1.1 200 OK\ncontent-type: application/json\nx-b: 1\n\n{ \"id\": \"{{any}}\",\n  \"a\": 1 }\n";
    let file = read_text("a.http", text.as_bytes()).unwrap();
    let request = "GET /x HTTP/1.1\nx-id: 01234567-89ab-cdef-0123-456789abcdef\nx-b: 2\n\none more\n{{any}}\n";
    let came = |response: &str| {
        let text = format!(
            "### request\nGET / HTTP/1.1\n### expect request\n{request}### expect response\n{response}\n"
        );
        let came = read_text("a.http", text.as_bytes()).unwrap();
        Got {
            request: only(&came).expect.request.clone().unwrap(),
            response: only(&came).expect.response.clone().unwrap(),
            ..Got::default()
        }
    };
    let field = "HTTP/1.1 200 OK\ncontent-type: application/json\nx-b: 2\n\n{\"a\":1,\"id\":[7]}";
    let got = came(field);
    let written = String::from_utf8(updated(&file, &got).unwrap()).unwrap();
    let expected = text
        .replace(
            "x-b: 1\n\none {{any}}\ntwo",
            "x-b: 2\n\none {{any}}\n{{open}}any}}",
        )
        .replace("x-b: 1\n\n{", "x-b: 2\n\n{");
    assert_eq!(
        written, expected,
        "the body is equal as JSON, so its text stays"
    );
    let again = read_text("a.http", written.as_bytes()).unwrap();
    assert_eq!(compare(&only(&again).expect, &got), []);
    assert_eq!(updated(&again, &got), None);
    let got = came(&field.replace("\"a\":1", "\"a\":\"{{uuid}}\""));
    let written = String::from_utf8(updated(&file, &got).unwrap()).unwrap();
    assert!(
        written.ends_with("x-b: 2\n\n{\n  \"id\": \"{{any}}\",\n  \"a\": \"{{open}}uuid}}\"\n}\n"),
        "{written}"
    );
    let again = read_text("a.http", written.as_bytes()).unwrap();
    assert_eq!(compare(&only(&again).expect, &got), []);
}

#[test]
fn a_difference_is_shown_in_the_order_of_what_was_expected() {
    let expected = "GET / HTTP/1.1\nx-b: 1\nx-a: 2\n\none\ntwo";
    let came = "GET / HTTP/1.1\nx-new: 1\nx-a: 2\nx-b: 1\n\none\n2";
    let found = differences([expected, "none"], [came, "none"]);
    let diff = "--- expect request\n+++ what came\n@@ -1,6 +1,7 @@\n GET / HTTP/1.1\n x-b: 1\n x-a: 2\n+x-new: 1\n \n one\n-two\n+2\n";
    assert_eq!(found, [(Kind::ExpectRequest, diff.to_owned())]);
}

#[test]
fn a_last_line_break_and_bytes_that_are_no_text_are_seen_in_a_difference() {
    let found = differences(
        ["GET / HTTP/1.1\n\na", "none"],
        ["GET / HTTP/1.1\n\na\n", "none"],
    );
    assert!(
        found[0]
            .1
            .ends_with("-a\n\\ No newline at end of file\n+a\n"),
        "{}",
        found[0].1
    );
    let file = read_text("a.http", b"### request\nGET / HTTP/1.1\n### expect response (base64 body)\nHTTP/1.1 200 OK\n\n/1xc\n").unwrap();
    let got = Got {
        response: Some(Response::new(Bytes::from_static(b"\xff\\x5c\n\x1b"))),
        ..Got::default()
    };
    let diff = &compare(&only(&file).expect, &got)[0].diff;
    assert!(
        diff.contains("-\\xff\\\\\\\\\n") && diff.contains("+\\xff\\\\x5c\n+\\x1b"),
        "{diff}"
    );
}

const HAR: &str = r##"{"log": {"version": "1.2", "entries": [
  {"request": {"method": "POST", "url": "https://h:1/p?q#f", "httpVersion": "h2",
     "headers": [{"name": ":path", "value": "/p?q"}, {"name": "X-A", "value": "ü"}, {"name": "Content-Length", "value": "9"}],
     "postData": {"mimeType": "text/plain", "text": "sent"}},
   "response": {"status": 200, "headers": [{"name": "content-encoding", "value": "gzip"}, {"name": "x-b", "value": "1"}],
     "content": {"text": "YW5zd2Vy", "encoding": "base64"}}},
  {"request": {"method": "GET", "url": "http://h/", "headers": []}, "response": {"status": 0}}
]}}"##;

#[test]
fn each_entry_of_a_har_is_a_case() {
    let file = read_text("a.har", HAR.as_bytes()).unwrap();
    let names: Vec<_> = file.cases.iter().map(|case| &case.name[..]).collect();
    assert_eq!(names, ["a.har#1", "a.har#2"]);
    let input = file.cases[0].exchanges[0].input.as_ref().unwrap();
    assert_eq!(
        (input.scheme.as_str(), input.request.method().as_str()),
        ("https", "POST")
    );
    assert_eq!(input.request.uri(), "/p?q");
    let fields = input.request.headers();
    assert_eq!(
        (fields.len(), &fields["host"]),
        (2, &"h:1".parse().unwrap())
    );
    assert_eq!(fields["x-a"], "ü".as_bytes());
    assert_eq!(input.request.body(), "sent");
    assert_eq!(input.response.body(), "answer");
    assert_eq!(
        input.response.headers().len(),
        1,
        "the body is without its coding"
    );
    assert_eq!(
        file.cases[1].exchanges[0]
            .input
            .as_ref()
            .unwrap()
            .response
            .status(),
        200
    );
}

#[test]
fn what_is_expected_of_a_har_stands_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.har");
    std::fs::write(&path, HAR).unwrap();
    let file = har::read(&path, &Conditions::default()).unwrap();
    let got = came(&file.cases[1].exchanges[0], b"\xff");
    let text = update::updated(&file, &[(&file.cases[1], std::slice::from_ref(&got))]).unwrap();
    assert!(text.starts_with(b"### 2 expect request (base64 body)\nGET / HTTP/1.1\nhost: h\n\n/w==\n### 2 expect response"));
    std::fs::write(
        &file.path,
        [b"### settings\nmark = 'a'\n", &text[..]].concat(),
    )
    .unwrap();
    assert_eq!(
        file.path,
        Path::new(&format!("{}.expected", path.display()))
    );
    let again = har::read(&path, &Conditions::default()).unwrap();
    assert!(again.cases[0].exchanges[0].expect.is_empty());
    assert_eq!(compare(&again.cases[1].exchanges[0].expect, &got), []);
    assert_eq!(
        again.cases[0].conditions.settings,
        Some([("mark", "a")].into())
    );
    assert_eq!(
        update::updated(&again, &[(&again.cases[1], std::slice::from_ref(&got))]),
        None
    );
}

#[test]
fn mistakes_of_a_har_are_told() {
    let with =
        |from: &str, to: &str| read_text("a.har", HAR.replace(from, to).as_bytes()).unwrap_err();
    let other = with("\"entries\"", "\"entrys\"");
    assert!(
        other.contains(": not a HAR: missing field `entries`"),
        "{other}"
    );
    assert!(
        with("https://h:1/p?q#f", "about:blank")
            .contains("entry 1: \"about:blank\" is not an http or https URL")
    );
    assert!(with("\"base64\"", "\"rot13\"").contains("unknown encoding \"rot13\""));
    assert!(with("\"status\": 200", "\"status\": 1000").contains("1000 is no final status"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.har");
    std::fs::write(&path, HAR).unwrap();
    let cases = [
        ("### 3 expect log\n", "there is no entry 3; the HAR has 2"),
        ("### expect log\n", "say of which entry: `### 1 expect log`"),
        (
            "### 1 request\nGET / HTTP/1.1\n",
            "the HAR itself has the requests",
        ),
        ("### 1 settings\n", "settings are those of all entries"),
    ];
    for (text, expected) in cases {
        std::fs::write(directory.path().join("a.har.expected"), text).unwrap();
        let mistake = har::read(&path, &Conditions::default()).unwrap_err();
        assert_eq!(
            (mistake.line, mistake.problem.contains(expected)),
            (1, true),
            "{mistake}"
        );
    }
}

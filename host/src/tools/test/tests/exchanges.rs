//! Cases of several exchanges, with outbound requests, state and pieces: read, and written anew.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::tools::cut::Cut;
use crate::tools::test::state::Entry;

const TWO: &str = "### settings\na = 1\n### options\npieces.request = 1\n### state\nk = 'v'\n### request\nGET /1 HTTP/1.1\n\
    ### outbound request\nGET https://h/{{any}} HTTP/1.1\nx-a: 1\n### outbound response (after 2s)\nHTTP/1.1 200 OK\n\nyes\n\
    ### outbound request (base64 body)\nPUT http://h HTTP/1.1\n\n/w==\n### outbound error\ntls: bad\n\
    ### expect log\n### next (after 90s)\n a comment\n### request\nGET /2 HTTP/1.1\n### expect response\nHTTP/1.1 200 OK\n";

#[test]
fn a_file_has_exchanges_with_what_belongs_to_each() {
    let file = read_text("a.http", TWO.as_bytes()).unwrap();
    let [case] = &file.cases[..] else { panic!() };
    assert_eq!(case.conditions.pieces, [Cut::Every(1), Cut::Whole]);
    assert_eq!((case.state.len(), &case.state[0].value[..]), (1, &b"v"[..]));
    let [first, second] = &case.exchanges[..] else {
        panic!()
    };
    assert_eq!(
        (first.input.as_ref().unwrap().request.uri(), first.after),
        (&"/1".parse().unwrap(), Duration::ZERO)
    );
    assert_eq!(
        (
            second.input.as_ref().unwrap().request.uri(),
            second.after.as_secs()
        ),
        (&"/2".parse().unwrap(), 90)
    );
    let calls = &first.expect.calls;
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.line, call.after.as_secs(), call.request.body().len()))
        .collect();
    assert_eq!(seen, [(9, 2, 0), (16, 0, 1)]);
    assert!(
        second.expect.calls.is_empty() && second.expect.log.is_none() && first.expect.log.is_some()
    );
}

#[test]
fn an_update_writes_behind_the_exchange_that_it_is_about() {
    let file = read_text("a.http", TWO.as_bytes()).unwrap();
    let [first, second] = &file.cases[0].exchanges[..] else {
        panic!()
    };
    let mut got = [came(first, b""), came(second, b"")];
    got[1].response = second.expect.response.clone().unwrap();
    got[1].has_changed_state = true;
    got[1].state = vec![Entry {
        key: "k".to_owned(),
        value: Bytes::from_static(b"w"),
        left: None,
    }];
    let written = update::updated(&file, &[(&file.cases[0], &got)]).unwrap();
    let written = String::from_utf8(written).unwrap();
    let log = "### expect log\ninfo a\nwarn b  c\n";
    let expected =
        TWO.replace(
            "### expect log\n",
            &format!(
                "{log}### expect request\nGET /1 HTTP/1.1\n### expect response\nHTTP/1.1 200 OK\n"
            ),
        ) + &format!("### expect request\nGET /2 HTTP/1.1\n### expect state\nk = \"w\"\n{log}");
    assert_eq!(written, expected);
    let again = read_text("a.http", written.as_bytes()).unwrap();
    assert_eq!(update::updated(&again, &[(&again.cases[0], &got)]), None);
}

#[test]
fn mistakes_in_them_say_where_and_what_to_do() {
    let request = "### request\nGET / HTTP/1.1\n";
    let outbound = "### outbound request\nGET http://h/ HTTP/1.1\n";
    for (text, expected) in [
        (
            format!("{request}### next\n### response\nHTTP/1.1 200 OK\n"),
            "a.http:3: there is no section `request`",
        ),
        (
            format!("{request}{outbound}### outbound error\nlate\n"),
            "a.http:6: expected `unresolved: WHY`",
        ),
        (
            format!("{request}{outbound}{outbound}"),
            "a.http:3: behind it an `outbound response` or an `outbound error` is expected",
        ),
        (
            format!("{request}{outbound}"),
            "a.http:3: behind it an `outbound response` or an `outbound error` is expected",
        ),
        (
            format!(
                "{request}### outbound request\nGET /x HTTP/1.1\n### outbound error\ntimed-out\n"
            ),
            "a.http:4: expected a whole URL",
        ),
        (
            format!(
                "{request}### outbound request\nGET http://h/{{{{re:(}}}} HTTP/1.1\n### outbound error\ntimed-out\n"
            ),
            "a.http:4: {{re:(}}: unclosed group",
        ),
        (
            format!("### state\n\nk = true\n{request}"),
            "a.http:3: k = true: expected a string, a whole number",
        ),
        (format!("{request}### expect state\nk = \n"), "a.http:4: "),
        (
            format!("{request}### expect request pieces\n\n\"a\"\na\n"),
            "a.http:6: expected a piece of the body as a JSON string",
        ),
        (
            format!("### tick\n### next\n### tick\n{request}"),
            "a.http:4: the section `request` is about an exchange, and `tick` on line 3",
        ),
        (
            "### tick\n### expect response\nnone\n".to_owned(),
            "a.http:2: the section `expect response` is about an exchange",
        ),
        (
            format!("{request}### expect metrics\na{{}} 1\n\na 2\n"),
            "a.http:6: a is there twice",
        ),
        (
            format!("{request}### expect metrics\na b\n"),
            "a.http:4: expected a sample, such as",
        ),
        (
            format!("### options\npieces.response = 0\n{request}"),
            "a.http:2: pieces.response = 0: expected a number of bytes from 1 on",
        ),
    ] {
        let mistake = read_text("a.http", text.as_bytes()).unwrap_err();
        assert!(mistake.starts_with(expected), "{text}\n{mistake}");
    }
}

#[test]
fn a_har_has_none_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.har");
    std::fs::write(&path, HAR).unwrap();
    for kind in ["state", "next", "tick", "1 outbound request"] {
        std::fs::write(
            directory.path().join("a.har.expected"),
            format!("### {kind}\n"),
        )
        .unwrap();
        let mistake = har::read(&path, &Conditions::default()).unwrap_err();
        assert!(
            mistake.problem.starts_with("a HAR has no section"),
            "{mistake}"
        );
    }
}

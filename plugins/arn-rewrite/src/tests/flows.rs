//! Bodies that are swapped as they flow.

use tollgate_plugin::Unit;
use tollgate_plugin::testing::Rewritten;

use super::*;

fn done(rewritten: Rewritten) -> Rewritten {
    assert_eq!(rewritten.error, None);
    rewritten
}

fn shown(rewritten: &Rewritten) -> Vec<String> {
    let by_piece = rewritten.by_piece.iter();
    by_piece
        .map(|sent| String::from_utf8(sent.clone()).unwrap())
        .collect()
}

fn of_type(media_type: &str) -> Answer {
    Answer::new(200).field("content-type", media_type)
}

#[test]
fn an_answer_that_streams_is_swapped_as_it_flows() {
    let lines = ["{\"Account\":\"1234567", "89012\"}\n{\"a\":", "1}\n"];
    let lines_shown = ["{\"Account\":", "\"111122223333\"}\n{\"a\":", "1}\n", ""];
    let xml = ["<R><Account>1234", "56789012</Account>", "</R>"];
    let xml_shown = ["<R><Account>", "111122223333</Account>", "</R>", ""];
    let text = ["to arn:aws:iam::", "123456789012:root, ", "and"];
    let text_shown = ["to ", "arn:aws-cn:iam::111122223333:root, ", "", "and"];
    for (media_type, pieces, expected) in [
        ("application/x-ndjson", lines, lines_shown),
        ("application/x-amz-json-1.1", lines, lines_shown),
        ("text", lines, lines_shown),
        ("", lines, lines_shown),
        ("text/xml", xml, xml_shown),
        ("text/plain", text, text_shown),
    ] {
        let rewritten = done(
            for_service("organizations")
                .field("x-amz-target", "X.Y")
                .backend_response(of_type(media_type).field("x-amz-crc32", "1"))
                .rewrite_response::<ArnRewrite>(pieces),
        );
        assert_eq!(shown(&rewritten), expected, "{media_type}");
        assert!(rewritten.decoded && rewritten.unit == Some(Unit::Bytes));
        // A checksum of what the backend sent would be wrong, and one of what goes on is not known yet.
        assert_eq!(rewritten.outcome.response.field("x-amz-crc32"), None);
    }
}

#[test]
fn a_short_answer_of_known_length_is_read_and_a_longer_one_flows() {
    let document = format!("{{\"A\":\"{BACKENDS}\"}}");
    let call = || for_service("sts").field("x-amz-target", "X.Y");
    for (length, flows) in [(Some("100"), false), (Some("1048577"), true), (None, true)] {
        let answer = match length {
            Some(length) => of_type("application/json").field("content-length", length),
            None => of_type("application/json"),
        };
        let coded = answer.clone().field("content-encoding", "br");
        for (answer, flows) in [(answer, flows), (coded, true)] {
            let call = call().backend_response(answer);
            let rewritten = done(call.rewrite_response::<ArnRewrite>([&document]));
            assert_eq!(rewritten.unit.is_some(), flows, "{length:?}");
            assert_eq!(rewritten.text(), document.replace(BACKENDS, CLIENTS));
        }
    }
    // Its length says that it is short, and the host says that it is too long for this plugin.
    let call = call()
        .backend_response(of_type("application/json").field("content-length", "50"))
        .backend_body_error(BodyError::TooLarge(9));
    let outcome = run(call);
    assert!(outcome.reached_backend && outcome.response.status == 200);
}

#[test]
fn a_request_flows_if_it_is_long_or_of_unknown_length() {
    let call = || {
        for_service("lambda")
            .target("/2015-03-31/functions")
            .field("content-type", "application/json")
            .field("x-amz-content-sha256", "0".repeat(64))
            .field("x-amz-checksum-sha256", "x")
    };
    let pieces = [
        "{\"Code\":{\"ZipFile\":\"UEsD",
        "BBQA\"},\"Role\":\"arn:aws-cn:iam::1111",
        "22223333:role/r\"}",
    ];
    let expected = [
        "{\"Code\":{\"ZipFile\":\"UEsD",
        "BBQA\"},\"Role\":",
        "\"arn:aws:iam::123456789012:role/r\"}",
        "",
    ];
    for call in [
        call(),
        call().field("content-length", "70000000"),
        call()
            .field("content-length", "100")
            .field("content-encoding", "zstd"),
    ] {
        let rewritten = done(call.rewrite_request::<ArnRewrite>(pieces));
        assert_eq!(shown(&rewritten), expected);
        assert!(rewritten.decoded && rewritten.unit == Some(Unit::Bytes));
        let request = &rewritten.outcome.request;
        assert_eq!(
            request.field("x-amz-content-sha256"),
            Some("UNSIGNED-PAYLOAD")
        );
        assert_eq!(request.field("x-amz-checksum-sha256"), None);
    }
    // The host says that it is too long for this plugin.
    let short = call().field("content-length", "100");
    let outcome = run(short.body_error(BodyError::TooLarge(9)));
    let request = &outcome.request;
    assert!(outcome.reached_backend && request.field("x-amz-checksum-sha256").is_none());
    let short = call().field("content-length", "100");
    let rewritten = done(short.rewrite_request::<ArnRewrite>(pieces));
    assert_eq!(rewritten.unit, None);
    let role = "\"Role\":\"arn:aws:iam::123456789012:role/r\"";
    assert!(rewritten.outcome.request.text().contains(role));
    // Nothing is there to flow, and the signature stays good.
    let outcome = run(for_service("lambda")
        .method("DELETE")
        .target("/2015-03-31/functions/f")
        .field("x-amz-content-sha256", "0".repeat(64)));
    let digest = "0".repeat(64);
    assert_eq!(
        outcome.request.field("x-amz-content-sha256"),
        Some(digest.as_str())
    );
}

#[test]
fn an_event_stream_is_swapped_event_by_event() {
    let events = [
        "event: a\ndata: {\"account\":\ndata:  \"123456789012\"}\n\n",
        ": nothing\n\n",
        "data: see arn:aws:s3:::b\n\n",
        "data: {\"n\": 123456789012}\n\n",
    ];
    let shown_events = [
        "event: a\ndata: {\"account\":\ndata:  \"111122223333\"}\n\n",
        ": nothing\n\n",
        "data: see arn:aws-cn:s3:::b\n\n",
        "data: {\"n\": 123456789012}\n\n",
        "",
    ];
    let stream = || of_type("text/event-stream; charset=utf-8");
    for answer in [stream(), stream().field("content-length", "200")] {
        let call = for_service("x").field("x-amz-target", "X.Y");
        let call = call.backend_response(answer);
        let rewritten = done(call.rewrite_response::<ArnRewrite>(events));
        assert_eq!(shown(&rewritten), shown_events);
        assert!(rewritten.decoded && rewritten.unit == Some(Unit::Events));
    }
}

#[test]
fn what_is_no_event_stream_of_aws_goes_on_and_is_told() {
    let call = for_service("logs").field("x-amz-target", "Logs.StartLiveTail");
    let answer = of_type("application/vnd.amazon.eventstream").field("content-length", "21");
    let call = call.backend_response(answer);
    let rewritten = done(call.rewrite_response::<ArnRewrite>(["x".repeat(20), "y".into()]));
    assert_eq!(rewritten.text(), format!("{}y", "x".repeat(20)));
    assert_eq!(rewritten.outcome.log.len(), 1);
}

#[test]
fn an_error_of_s3s_flows_and_a_page_of_a_site_stays() {
    let get = || {
        exchange()
            .target("/b/k")
            .field("authorization", signed("s3"))
    };
    let error = "<Error><BucketName>b-123456789012</BucketName></Error>";
    let page = "<html><BucketName>b-123456789012</BucketName></html>";
    for (text, expected) in [
        (error, error.replace("123456789012", "111122223333")),
        (page, page.to_owned()),
    ] {
        let answer = Answer::new(404).field("content-type", "application/xml");
        let rewritten = done(
            get()
                .backend_response(answer)
                .rewrite_response::<ArnRewrite>([text]),
        );
        assert_eq!(rewritten.text(), expected);
    }
}

#[test]
fn what_is_no_document_does_not_flow_through_the_plugin() {
    for (case, call, answer) in [
        (
            "an object",
            exchange()
                .target("/b/k")
                .field("authorization", signed("s3")),
            of_type("application/json"),
        ),
        (
            "a payload",
            for_service("lambda").target("/2015-03-31/functions/f/invocations"),
            of_type("application/json"),
        ),
        (
            "a page",
            exchange().target("/x"),
            of_type("text/event-stream"),
        ),
        (
            "a zip file",
            for_service("x").field("x-amz-target", "X.Y"),
            of_type("application/zip"),
        ),
    ] {
        let text = format!("{{\"a\": \"{BACKENDS}\"}}");
        let rewritten = done(
            call.backend_response(answer)
                .rewrite_response::<ArnRewrite>([&text]),
        );
        assert_eq!(rewritten.unit, None, "{case}");
        assert_eq!(rewritten.text(), text, "{case}");
    }
}

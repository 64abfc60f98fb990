//! URLs in answers.

use tollgate_plugin::Answer;
use tollgate_plugin::testing::{self, Exchange};

use crate::settings::AwsExtras;

/// A request by TLS to a host of the client's choice.
fn exchange() -> Exchange {
    testing::exchange()
        .setting("urls", true)
        .scheme("https")
        .authority("front.example:8443")
        .method("POST")
}

/// What the client gets, in every division into two pieces and byte by byte.
fn rewritten(exchange: impl Fn() -> Exchange, body: &str) -> String {
    let through = |pieces: Vec<&[u8]>| {
        let answer = Answer::new(200);
        let rewritten = exchange()
            .backend_response(answer)
            .rewrite_response::<AwsExtras>(pieces);
        rewritten.text().to_owned()
    };
    let whole = through(vec![body.as_bytes()]);
    for at in 0..body.len() {
        let (begin, end) = body.as_bytes().split_at(at);
        assert_eq!(through(vec![begin, end]), whole, "cut at {at}");
    }
    assert_eq!(through(body.as_bytes().chunks(1).collect()), whole);
    whole
}

fn sqs(action: &str) -> Exchange {
    exchange().field("x-amz-target", format!("AmazonSQS.{action}"))
}

#[test]
fn urls_of_queues_have_the_scheme_that_the_client_used() {
    let body = r#"{"QueueUrls": ["http://front.example:8443/1/a", "http://front.example:8443/1/b"], "NextToken": "http://"}"#;
    assert_eq!(
        rewritten(|| sqs("ListQueues"), body),
        r#"{"QueueUrls": ["https://front.example:8443/1/a", "https://front.example:8443/1/b"], "NextToken": "http://"}"#
    );
    let form = || {
        exchange().field(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
    };
    let body = "<R><QueueUrl>http://front.example:8443/1/a</QueueUrl><Body>http://front.example:8443/</Body></R>";
    assert_eq!(
        rewritten(form, body),
        "<R><QueueUrl>https://front.example:8443/1/a</QueueUrl><Body>http://front.example:8443/</Body></R>"
    );
}

#[test]
fn messages_stay_as_they_are() {
    let body = r#"{"Messages": [{"Body": "http://front.example:8443/1/a"}]}"#;
    assert_eq!(rewritten(|| sqs("ReceiveMessage"), body), body);
    let other = || exchange().field("x-amz-target", "DynamoDB_20120810.GetItem");
    assert_eq!(rewritten(other, body), body);
}

#[test]
fn the_setting_says_another_url() {
    let call = || sqs("GetQueueUrl").setting("public_url", "http://aws.example/");
    let body = r#"{"QueueUrl":"http://front.example:8443/1/a"}"#;
    assert_eq!(
        rewritten(call, body),
        r#"{"QueueUrl":"http://aws.example/1/a"}"#
    );
}

#[test]
fn the_location_of_an_object_is_where_the_client_finds_it() {
    let body = "<R><Location>http://bkt.s3.amazonaws.com/m/a b</Location><Key>m/a b</Key></R>";
    let path = || exchange().target("/bkt/m/a%20b?uploadId=1");
    assert_eq!(
        rewritten(path, body),
        "<R><Location>https://front.example:8443/bkt/m/a b</Location><Key>m/a b</Key></R>"
    );
    let host = || {
        testing::exchange()
            .setting("urls", true)
            .method("POST")
            .authority("bkt.s3.local:1")
            .target("/m/a%20b?uploadId=1")
    };
    assert_eq!(
        rewritten(host, body),
        "<R><Location>http://bkt.s3.local:1/m/a b</Location><Key>m/a b</Key></R>"
    );
    let upload = || exchange().target("/bkt/m?uploads");
    assert_eq!(rewritten(upload, body), body);
}

#[test]
fn endpoints_of_apis_are_below_the_host() {
    let call = || exchange().method("GET").target("/v2/apis");
    let body = r#"{"items": [{"apiEndpoint": "https://a.execute-api.us-east-1.amazonaws.com"}]}"#;
    assert_eq!(
        rewritten(call, body),
        r#"{"items": [{"apiEndpoint": "https://a.execute-api.front.example:8443"}]}"#
    );
    let plain = || {
        call().scheme("http").field(
            "authorization",
            crate::call::authorization("apigateway", "eu-west-1"),
        )
    };
    let body = r#"{"apiEndpoint":"https://a.execute-api.eu-west-1.amazonaws.com"}"#;
    assert_eq!(
        rewritten(plain, body),
        r#"{"apiEndpoint":"http://a.execute-api.front.example:8443"}"#
    );
    for authority in ["127.0.0.1:4567", "[::1]:4567"] {
        let call = || {
            testing::exchange()
                .setting("urls", true)
                .target("/v2/apis")
                .authority(authority)
        };
        assert_eq!(rewritten(call, body), body);
    }
}

#[test]
fn what_needs_no_change_and_what_cannot_be_read_is_left_alone() {
    let plain = testing::exchange()
        .setting("urls", true)
        .authority("h:1")
        .method("POST");
    let plain = plain.field("x-amz-target", "AmazonSQS.ListQueues");
    for (exchange, answer) in [
        (plain, Answer::new(200)),
        (sqs("ListQueues"), Answer::new(400)),
        (
            sqs("ListQueues"),
            Answer::new(200).field("content-encoding", "x"),
        ),
    ] {
        let rewritten = exchange
            .backend_response(answer)
            .rewrite_response::<AwsExtras>(["x"]);
        assert_eq!((rewritten.error, rewritten.unit), (None, None));
    }
}

//! SNS to HTTP endpoints: each step of a subscription's life, with the state that the step before left.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tollgate_plugin::testing::{self, Exchange, Outcome};
use tollgate_plugin::{Answer, BodyError, url};

use super::run;
use crate::settings::AwsExtras;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:t";
const ARN: &str = "arn:aws:sns:eu-west-1:123456789012:t:790a2c7e-18c2-4cc3-81b9-a92f165788c0";
const ENDPOINT: &str = "http://hook.example/in?a=1&b=2";

type State = BTreeMap<String, Vec<u8>>;

fn with(state: &State) -> Exchange {
    let exchange = testing::exchange()
        .setting("sns", true)
        .authority("front.example:4567");
    state.iter().fold(exchange, |exchange, (key, value)| {
        exchange.state(key, value)
    })
}

/// A call that a client signed for SNS.
fn call(state: &State, parameters: &[(&str, &str)]) -> Exchange {
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", url::encode(name), url::encode(value)))
        .collect();
    with(state)
        .method("POST")
        .field(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .field(
            "authorization",
            crate::call::authorization("sns", "eu-west-1"),
        )
        .body(pairs.join("&"))
}

fn subscribe<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let call = [
        ("Action", "Subscribe"),
        ("TopicArn", TOPIC),
        ("Protocol", "http"),
        ("Endpoint", ENDPOINT),
    ];
    [&call[..], more].concat()
}

fn subscribed(state: &State, more: &[(&str, &str)]) -> Outcome {
    let answer = format!(
        "<SubscribeResponse><SubscribeResult><SubscriptionArn>{ARN}</SubscriptionArn></SubscribeResult></SubscribeResponse>"
    );
    run(call(state, &subscribe(more)).backend_response(Answer::new(200).body(answer)))
}

/// The URL that the backend got in the place of the endpoint, without the host.
fn place(outcome: &Outcome) -> String {
    let body = url::decode(outcome.request.text());
    let at = body.find("/_aws-extras/sns/").expect("a place of ours");
    body[at..].split('&').next().unwrap_or_default().to_owned()
}

/// What waits in the queue.
fn queued(state: &State) -> Vec<Value> {
    let entries = state.iter().filter(|(key, _)| key.starts_with("q/"));
    entries
        .map(|(_, value)| serde_json::from_slice(value).unwrap())
        .collect()
}

fn body_of(entry: &Value) -> Value {
    serde_json::from_str(entry["body"].as_str().unwrap()).unwrap()
}

fn confirm(state: &State, token: &str, topic: &str) -> Outcome {
    let target = format!(
        "/?Action=ConfirmSubscription&TopicArn={}&Token={token}&Version=2010-03-31",
        url::encode(topic)
    );
    run(with(state).target(&target))
}

fn confirmation(state: &State) -> String {
    body_of(&queued(state)[0])["Token"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A confirmed subscription with an empty queue, and its place.
fn confirmed(more: &[(&str, &str)]) -> (State, String) {
    let outcome = subscribed(&State::new(), more);
    let mut state = confirm(&outcome.state, &confirmation(&outcome.state), TOPIC).state;
    state.retain(|key, _| !key.starts_with("q/"));
    (state, place(&outcome))
}

fn posted(state: &State, place: &str, body: &str) -> Outcome {
    run(with(state)
        .method("POST")
        .target(place)
        .field("content-type", "text/plain")
        .body(body))
}

#[test]
fn the_backend_gets_our_endpoint_and_the_client_hears_that_it_must_confirm() {
    let outcome = subscribed(&State::new(), &[]);
    assert!(
        outcome
            .request
            .text()
            .contains("http%3A%2F%2Ffront.example%3A4567%2F_aws-extras%2Fsns%2F")
    );
    assert!(!outcome.request.text().contains("hook.example"));
    assert!(
        outcome
            .response
            .text()
            .contains("<SubscriptionArn>pending confirmation</SubscriptionArn>")
    );
    let entries = queued(&outcome.state);
    assert_eq!(
        (entries.len(), entries[0]["url"].as_str()),
        (1, Some(ENDPOINT))
    );
    let body = body_of(&entries[0]);
    let token = body["Token"].as_str().unwrap();
    assert_eq!(body["Type"], "SubscriptionConfirmation");
    assert_eq!(
        body["SubscribeURL"],
        format!(
            "http://front.example:4567/?Action=ConfirmSubscription&TopicArn={}&Token={token}&Version=2010-03-31",
            url::encode(TOPIC)
        )
    );
    let fields = entries[0]["fields"].to_string();
    assert!(
        fields.contains("[\"x-amz-sns-message-type\",\"SubscriptionConfirmation\"]"),
        "{fields}"
    );
    let shown = subscribed(&State::new(), &[("ReturnSubscriptionArn", "true")]);
    assert!(shown.response.text().contains(ARN));
}

#[test]
fn the_backend_can_have_another_way_to_the_proxy_than_clients() {
    let answer = format!("<R><SubscriptionArn>{ARN}</SubscriptionArn></R>");
    let call = call(&State::new(), &subscribe(&[]))
        .scheme("https")
        .backend_response(Answer::new(200).body(answer));
    let outcome = run(call
        .setting("callback", "http://inside.example:4567/")
        .setting("public_url", "https://aws.example"));
    assert!(
        url::decode(outcome.request.text())
            .contains("Endpoint=http://inside.example:4567/_aws-extras/sns/")
    );
    let visit = body_of(&queued(&outcome.state)[0])["SubscribeURL"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        visit.starts_with("https://aws.example/?Action=ConfirmSubscription"),
        "{visit}"
    );
}

#[test]
fn the_same_endpoint_keeps_its_place_and_its_token() {
    let first = subscribed(&State::new(), &[]);
    let second = subscribed(&first.state, &[]);
    assert_eq!(place(&first), place(&second));
    let tokens: Vec<_> = queued(&second.state)
        .iter()
        .map(|entry| body_of(entry)["Token"].clone())
        .collect();
    assert!(tokens.len() == 2 && tokens[0] == tokens[1], "{tokens:?}");
    // Confirmed, it hears nothing more.
    let (state, _) = confirmed(&[]);
    let again = subscribed(&state, &[]);
    assert!(queued(&again.state).is_empty() && again.response.text().contains(ARN));
}

#[test]
fn only_the_token_confirms() {
    let outcome = subscribed(&State::new(), &[]);
    let token = confirmation(&outcome.state);
    for (token, topic) in [
        ("", TOPIC),
        ("nonsense", TOPIC),
        (token.as_str(), "arn:aws:sns:eu-west-1:123456789012:u"),
    ] {
        let refused = confirm(&outcome.state, token, topic);
        assert_eq!(
            (refused.response.status, refused.reached_backend),
            (400, false),
            "{token} {topic}"
        );
    }
    let good = confirm(&outcome.state, &token, TOPIC);
    assert!(
        good.response
            .text()
            .contains(&format!("<SubscriptionArn>{ARN}</SubscriptionArn>"))
    );
}

#[test]
fn a_notification_waits_for_the_confirmation() {
    let outcome = subscribed(&State::new(), &[]);
    let early = posted(&outcome.state, &place(&outcome), r#"{"Message":"m"}"#);
    assert_eq!(
        (early.response.status, queued(&early.state).len()),
        (200, 1)
    );
    let (state, place) = confirmed(&[]);
    let message = r#"{"Type":"Notification","MessageId":"1","TopicArn":"t","Message":"m","UnsubscribeURL":"x","Subject":"s"}"#;
    let outcome = posted(&state, &place, message);
    assert_eq!(
        (outcome.response.status, outcome.reached_backend),
        (200, false)
    );
    let entries = queued(&outcome.state);
    let body = body_of(&entries[0]);
    assert_eq!(
        (entries.len(), &body["Message"], &body["Subject"]),
        (1, &"m".into(), &"s".into())
    );
    assert_eq!(
        body["UnsubscribeURL"],
        format!(
            "http://front.example:4567/?Action=Unsubscribe&SubscriptionArn={}&Version=2010-03-31",
            url::encode(ARN)
        )
    );
    assert!(entries[0]["fields"].to_string().contains(ARN));
}

#[test]
fn attributes_of_a_message_come_back_with_it() {
    let (state, place) = confirmed(&[]);
    let attributes = [
        ("MessageAttributes.entry.1.Name", "kind"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "a b"),
        ("MessageAttributes.entry.2.Name", "raw"),
        ("MessageAttributes.entry.2.Value.DataType", "Binary"),
        ("MessageAttributes.entry.2.Value.BinaryValue", "AAE="),
    ];
    let batch: Vec<_> = attributes
        .iter()
        .map(|(name, value)| {
            (
                format!("PublishBatchRequestEntries.member.2.{name}"),
                *value,
            )
        })
        .collect();
    let batch: Vec<_> = batch
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let whole = [("Action", "Publish"), ("TopicArn", TOPIC), ("Message", "m")];
    let json = [
        ("Action", "Publish"),
        ("TopicArn", TOPIC),
        ("MessageStructure", "json"),
        ("Message", r#"{"default":"d","http":"m"}"#),
    ];
    let entries = [
        ("Action", "PublishBatch"),
        ("TopicArn", TOPIC),
        ("PublishBatchRequestEntries.member.2.Message", "m"),
    ];
    for call_of in [
        [&whole[..], &attributes].concat(),
        [&json[..], &attributes].concat(),
        [&entries[..], &batch].concat(),
    ] {
        let published = run(call(&state, &call_of));
        assert!(published.reached_backend);
        let outcome = posted(
            &published.state,
            &place,
            r#"{"MessageId":"1","Message":"m"}"#,
        );
        assert_eq!(
            body_of(&queued(&outcome.state)[0])["MessageAttributes"],
            serde_json::json!({ "kind": { "Type": "String", "Value": "a b" }, "raw": { "Type": "Binary", "Value": "AAE=" } })
        );
        let other = posted(
            &published.state,
            &place,
            r#"{"MessageId":"1","Message":"n"}"#,
        );
        assert_eq!(
            body_of(&queued(&other.state)[0]).get("MessageAttributes"),
            None
        );
    }
}

#[test]
fn raw_delivery_is_the_message_alone() {
    let raw = [
        ("Attributes.entry.2.key", "RawMessageDelivery"),
        ("Attributes.entry.2.value", "true"),
    ];
    let (state, place) = confirmed(&raw);
    let entry = |state: &State| {
        queued(&posted(state, &place, r#"{"MessageId":"1","Message":"m"}"#).state)[0].clone()
    };
    assert_eq!(entry(&state)["body"], "m");
    assert!(
        entry(&state)["fields"]
            .to_string()
            .contains("[\"x-amz-sns-rawdelivery\",\"true\"]")
    );
    let set = [
        ("Action", "SetSubscriptionAttributes"),
        ("SubscriptionArn", ARN),
        ("AttributeName", "RawMessageDelivery"),
        ("AttributeValue", "false"),
    ];
    let state = run(call(&state, &set)).state;
    assert_eq!(body_of(&entry(&state))["Message"], "m");
}

#[test]
fn who_unsubscribes_gets_nothing_more() {
    let (state, place) = confirmed(&[]);
    // As the endpoint asks for it, without a signature.
    let target = format!(
        "/?Action=Unsubscribe&SubscriptionArn={}&Version=2010-03-31",
        url::encode(ARN)
    );
    let outcome = run(with(&state).target(&target));
    assert!(
        outcome.reached_backend
            && outcome
                .request
                .field("authorization")
                .is_some_and(|field| field.contains("/eu-west-1/sns/"))
    );
    assert_eq!(
        posted(&outcome.state, &place, r#"{"Message":"m"}"#)
            .response
            .status,
        404
    );
    // If the backend refuses, it stays.
    let refused = run(with(&state)
        .target(&target)
        .backend_response(Answer::new(404)));
    assert_eq!(
        posted(&refused.state, &place, r#"{"Message":"m"}"#)
            .response
            .status,
        200
    );
    let deleted = run(call(
        &state,
        &[("Action", "DeleteTopic"), ("TopicArn", TOPIC)],
    ));
    assert_eq!(
        posted(&deleted.state, &place, r#"{"Message":"m"}"#)
            .response
            .status,
        404
    );
}

#[test]
fn clients_see_their_endpoint() {
    let outcome = subscribed(&State::new(), &[]);
    let list = format!(
        "<R><member><SubscriptionArn>{ARN}</SubscriptionArn><Endpoint>http://front.example:4567{}</Endpoint></member><member><SubscriptionArn>b</SubscriptionArn><Endpoint>arn:q</Endpoint></member></R>",
        place(&outcome)
    );
    let ask = |state: &State, action: &str, body: &str| {
        let answer = Answer::new(200).body(body);
        run(call(state, &[("Action", action)]).backend_response(answer))
            .response
            .text()
            .to_owned()
    };
    let shown = ask(&outcome.state, "ListSubscriptions", &list);
    assert_eq!(
        shown,
        "<R><member><SubscriptionArn>PendingConfirmation</SubscriptionArn><Endpoint>http://hook.example/in?a=1&amp;b=2</Endpoint></member><member><SubscriptionArn>b</SubscriptionArn><Endpoint>arn:q</Endpoint></member></R>"
    );
    let (state, place) = confirmed(&[]);
    assert!(ask(&state, "ListSubscriptionsByTopic", &list).contains(ARN));
    let attributes = format!(
        "<key>PendingConfirmation</key><value>false</value><value>http://front.example:4567{place}</value>"
    );
    assert!(
        ask(&state, "GetSubscriptionAttributes", &attributes)
            .starts_with("<key>PendingConfirmation</key><value>false</value><value>http://hook")
    );
    let pending = ask(&outcome.state, "GetSubscriptionAttributes", &attributes);
    assert!(
        pending.starts_with("<key>PendingConfirmation</key><value>true</value><value>http://hook"),
        "{pending}"
    );
}

#[test]
fn a_place_of_ours_is_no_endpoint_and_no_delivery_of_ours_is_a_message() {
    let (state, place) = confirmed(&[]);
    let own = format!("http://front.example:4567{place}");
    let loops = [
        ("Action", "Subscribe"),
        ("TopicArn", TOPIC),
        ("Protocol", "http"),
        ("Endpoint", own.as_str()),
    ];
    let outcome = run(call(&state, &loops));
    assert_eq!(
        (outcome.response.status, outcome.reached_backend),
        (400, false)
    );
    let delivery = with(&state)
        .method("POST")
        .target(&place)
        .field("user-agent", "Amazon Simple Notification Service Agent");
    assert_eq!(run(delivery.body("{}")).response.status, 404);
    for target in [
        "/_aws-extras/sns/",
        "/_aws-extras/sns/00",
        "/_aws-extras/sns/../x",
    ] {
        let outcome = run(with(&state).method("POST").target(target).body("{}"));
        assert_eq!(
            (outcome.response.status, outcome.reached_backend),
            (404, false),
            "{target}"
        );
    }
    let protocol = [
        ("Action", "Subscribe"),
        ("TopicArn", TOPIC),
        ("Protocol", "https"),
        ("Endpoint", ENDPOINT),
    ];
    assert_eq!(run(call(&state, &protocol)).response.status, 400);
}

#[test]
fn other_calls_are_not_read() {
    let unread = |exchange: Exchange| {
        let outcome = run(exchange.body_error(BodyError::TimedOut));
        assert!(outcome.reached_backend && !outcome.response.body_wanted);
    };
    let form = |service: &str| {
        let field = crate::call::authorization(service, "us-east-1");
        let form = "application/x-www-form-urlencoded";
        with(&State::new())
            .method("POST")
            .field("content-type", form)
            .field("authorization", field)
    };
    unread(form("sqs"));
    unread(form("ec2"));
    unread(with(&State::new()).method("PUT").target("/bucket/key"));
    let lambda = [
        ("Action", "Subscribe"),
        ("TopicArn", TOPIC),
        ("Protocol", "sqs"),
        ("Endpoint", "arn:aws:sqs:x"),
    ];
    let outcome = run(call(&State::new(), &lambda));
    assert!(
        outcome.reached_backend
            && outcome
                .request
                .text()
                .contains("Endpoint=arn%3Aaws%3Asqs%3Ax")
            && outcome.state.is_empty()
    );
}

fn tick(state: &State, second: u64, answer: Answer) -> Outcome {
    let exchange = with(state)
        .now(Duration::from_secs(second))
        .setting("retries", 2);
    let outcome = exchange.outbound(ENDPOINT, answer).tick::<AwsExtras>();
    assert_eq!(outcome.error, None);
    outcome
}

/// When the exchanges of these tests happen: 2026-01-01.
const NOW: u64 = 1_767_225_600;

#[test]
fn what_was_delivered_is_gone() {
    let outcome = tick(&subscribed(&State::new(), &[]).state, NOW, Answer::new(204));
    assert_eq!(
        (outcome.outbound.len(), queued(&outcome.state).len()),
        (1, 0)
    );
    assert_eq!(
        (
            outcome.outbound[0].method.as_str(),
            outcome.outbound[0].uri.as_str()
        ),
        ("POST", ENDPOINT)
    );
    assert_eq!(
        tick(&outcome.state, NOW, Answer::new(204)).outbound.len(),
        0
    );
}

#[test]
fn what_was_not_is_sent_again_later_and_then_given_up() {
    let mut state = subscribed(&State::new(), &[]).state;
    for (second, is_sent) in [
        (0, true),
        (0, false),
        (1, true),
        (2, false),
        (3, true),
        (100, false),
    ] {
        let outcome = tick(&state, NOW + second, Answer::new(503));
        assert_eq!(!outcome.outbound.is_empty(), is_sent, "after {second} s");
        state = outcome.state;
    }
    assert!(queued(&state).is_empty());
    // A receiver that does not want it is not asked again.
    let refused = tick(&subscribed(&State::new(), &[]).state, NOW, Answer::new(403));
    assert!(
        queued(&refused.state).is_empty()
            && refused.log.iter().any(|(_, text)| text.contains("gave up"))
    );
    // Neither is one that the plugin may not reach: the fake denies what it does not know.
    let denied = with(&subscribed(&State::new(), &[]).state)
        .now(Duration::from_secs(NOW))
        .tick::<AwsExtras>();
    assert!(denied.error.is_none() && queued(&denied.state).is_empty());
}

#[test]
fn the_queue_is_bounded() {
    let (state, place) = confirmed(&[]);
    let post = |state: &State| {
        run(with(state)
            .setting("queue", 2)
            .method("POST")
            .target(&place)
            .body(r#"{"Message":"m"}"#))
    };
    let mut state = state;
    for _ in 0..2 {
        // Each exchange of a test begins with the same random numbers.
        let renamed = |(key, value): (String, Vec<u8>)| (key.replace("q/", "q/0"), value);
        state = post(&state).state.into_iter().map(renamed).collect();
    }
    let dropped = post(&state);
    assert_eq!(
        (dropped.response.status, queued(&dropped.state).len()),
        (200, 2)
    );
    assert!(
        dropped
            .log
            .iter()
            .any(|(_, text)| text.starts_with("dropped 1 messages, first SNS Notification"))
    );
}

#[test]
fn what_another_host_is_sending_is_left_to_it() {
    let mut state = subscribed(&State::new(), &[]).state;
    let key = state
        .keys()
        .find(|key| key.starts_with("q/"))
        .unwrap()
        .clone();
    state.insert(format!("c/{key}"), b"1".to_vec());
    let outcome = tick(&state, NOW, Answer::new(200));
    assert_eq!(
        (outcome.outbound.len(), queued(&outcome.state).len()),
        (0, 1)
    );
    // Nobody holds what was sent.
    state.remove(&format!("c/{key}"));
    assert!(
        tick(&state, NOW, Answer::new(503))
            .state
            .keys()
            .all(|key| !key.starts_with("c/"))
    );
}

//! What an endpoint gets: confirmations and notifications, as AWS writes them.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tollgate_plugin::{Result, random, state, url};

use super::subscriptions::{Subscription, long_random};
use crate::form::Call;
use crate::queue::Entry;
use crate::signatures::hex;
use crate::time;

/// What AWS's own deliveries call themselves.
pub const AGENT: &str = "Amazon Simple Notification Service Agent";

/// How long the attributes of a message wait for it to come back from the backend.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// Asks the endpoint to confirm.
pub fn confirmation(subscription: &Subscription, now: u64) -> Entry {
    let Subscription {
        topic,
        confirmation,
        base,
        ..
    } = subscription;
    let confirm = format!(
        "{base}/?Action=ConfirmSubscription&TopicArn={}&Token={confirmation}&Version=2010-03-31",
        url::encode(topic)
    );
    let id = uuid();
    let body = json!({
        "Type": "SubscriptionConfirmation",
        "MessageId": id,
        "Token": confirmation,
        "TopicArn": topic,
        "Message": format!(
            "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
        ),
        "SubscribeURL": confirm,
        "Timestamp": time::millis(now),
        "SignatureVersion": "1",
        "Signature": looks_signed(),
        "SigningCertURL": format!("https://sns.{}.amazonaws.com/SimpleNotificationService-{}.pem", region(topic), &long_random()[..32]),
    });
    entry(
        subscription,
        "SubscriptionConfirmation",
        &id,
        &body.to_string(),
        false,
    )
}

/// Tells the endpoint what the backend posted for it: a notification as moto makes it.
pub fn notification(subscription: &Subscription, posted: &Value) -> Result<Entry> {
    let text = |name: &str| posted[name].as_str().unwrap_or_default();
    let id = text("MessageId");
    if subscription.is_raw {
        return Ok(entry(
            subscription,
            "Notification",
            id,
            text("Message"),
            true,
        ));
    }
    let mut body = posted.as_object().cloned().unwrap_or_default();
    let unsubscribe = format!(
        "{}/?Action=Unsubscribe&SubscriptionArn={}&Version=2010-03-31",
        subscription.base,
        url::encode(&subscription.arn)
    );
    body.insert("UnsubscribeURL".to_owned(), unsubscribe.into());
    if !body.contains_key("MessageAttributes") {
        let key = key(&subscription.topic, text("Subject"), text("Message"));
        let attributes =
            state::get(&key)?.and_then(|value| serde_json::from_slice::<Value>(&value).ok());
        if let Some(attributes) = attributes {
            body.insert("MessageAttributes".to_owned(), attributes);
        }
    }
    Ok(entry(
        subscription,
        "Notification",
        id,
        &Value::Object(body).to_string(),
        false,
    ))
}

fn entry(subscription: &Subscription, kind: &str, id: &str, body: &str, is_raw: bool) -> Entry {
    let what = format!("SNS {kind} {id}");
    let mut fields = vec![
        ("content-type", "text/plain; charset=UTF-8"),
        ("user-agent", AGENT),
        ("x-amz-sns-message-type", kind),
        ("x-amz-sns-message-id", id),
        ("x-amz-sns-topic-arn", subscription.topic.as_str()),
    ];
    if kind == "Notification" {
        fields.push(("x-amz-sns-subscription-arn", &subscription.arn));
    }
    if is_raw {
        fields.push(("x-amz-sns-rawdelivery", "true"));
    }
    Entry::new(&what, &subscription.endpoint, &fields, body.to_owned())
}

/// Keeps the attributes of messages that a client publishes, because the backend leaves them out of what it posts.
pub fn keep_attributes(call: &Call) -> Result<()> {
    let keep = |prefix: &str| -> Result<()> {
        let attributes = attributes(call, &format!("{prefix}MessageAttributes.entry."));
        if attributes.is_empty() {
            return Ok(());
        }
        let topic = call
            .get("TopicArn")
            .or_else(|| call.get("TargetArn"))
            .unwrap_or_default();
        let text = |name: &str| call.text(&format!("{prefix}{name}"));
        let is_structured = text("MessageStructure") == "json";
        for message in messages(text("Message"), is_structured) {
            let key = key(topic, text("Subject"), &message);
            state::set_for(&key, serde_json::to_vec(&attributes)?, UNDER_WAY)?;
        }
        Ok(())
    };
    match call.text("Action") {
        "Publish" => keep(""),
        "PublishBatch" => (1..=10)
            .try_for_each(|number| keep(&format!("PublishBatchRequestEntries.member.{number}."))),
        _ => Ok(()),
    }
}

/// What HTTP endpoints get of a message.
fn messages(message: &str, is_structured: bool) -> Vec<String> {
    if !is_structured {
        return vec![message.to_owned()];
    }
    let parts: Map<String, Value> = serde_json::from_str(message).unwrap_or_default();
    let part = |protocol: &str| {
        parts
            .get(protocol)
            .or_else(|| parts.get("default"))?
            .as_str()
            .map(str::to_owned)
    };
    ["http", "https"].into_iter().filter_map(part).collect()
}

fn key(topic: &str, subject: &str, message: &str) -> String {
    let hash = Sha256::new()
        .chain_update(topic)
        .chain_update([0])
        .chain_update(subject);
    format!(
        "sns/m/{}",
        hex(&hash.chain_update([0]).chain_update(message).finalize())
    )
}

fn attributes(call: &Call, prefix: &str) -> BTreeMap<String, Value> {
    let mut by_number: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (rest, value) in call.below(prefix) {
        if let Some((number, name)) = rest.split_once('.') {
            by_number.entry(number).or_default().insert(name, value);
        }
    }
    let attribute = |parts: BTreeMap<&str, &str>| {
        let value = parts
            .get("Value.StringValue")
            .or_else(|| parts.get("Value.BinaryValue"))?;
        let value = json!({ "Type": parts.get("Value.DataType")?, "Value": value });
        Some(((*parts.get("Name")?).to_owned(), value))
    };
    by_number.into_values().filter_map(attribute).collect()
}

/// 256 bytes as a signature of RSA has them, which nobody signed.
fn looks_signed() -> String {
    let bytes: Vec<u8> = (0..32).flat_map(|_| random::u64().to_be_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// A random UUID (RFC 9562, version 4).
pub fn uuid() -> String {
    let text = long_random();
    let (a, b, c, d, e) = (
        &text[..8],
        &text[8..12],
        &text[13..16],
        &text[17..20],
        &text[20..32],
    );
    format!("{a}-{b}-4{c}-a{d}-{e}")
}

pub fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or("us-east-1")
}

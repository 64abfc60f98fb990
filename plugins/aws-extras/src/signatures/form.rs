//! Forms that a browser sends to S3: the signature and the conditions of their policy.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha1::Sha1;
use tollgate_plugin::Request;

use super::multipart::Form;
use super::refusal::Refusal;
use super::v4;
use crate::time;

/// Fields that need no condition in the policy.
const FREE: [&str; 6] = [
    "policy",
    "x-amz-signature",
    "signature",
    "awsaccesskeyid",
    "file",
    "submit",
];

/// Whether this may be such a form.
pub fn is_form(request: &Request) -> bool {
    let media_type = request.field("content-type").map(|value| value.to_string());
    let is_form = |value: String| {
        value
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("multipart/form-data")
    };
    request.method() == "POST" && media_type.is_some_and(is_form)
}

/// The line that separates the parts; empty if the request names none.
pub fn boundary(request: &Request) -> String {
    let media_type = request
        .field("content-type")
        .map(|value| value.to_string())
        .unwrap_or_default();
    let mut parameters = media_type
        .split(';')
        .skip(1)
        .filter_map(|part| part.trim().split_once('='));
    let found = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
    found
        .map(|(_, value)| value.trim_matches('"').to_owned())
        .unwrap_or_default()
}

/// The key of the object that a form makes, if it names one.
pub fn key(body: &[u8], boundary: &str) -> Option<String> {
    let form = Form::read(body, boundary);
    let key = form.value("key")?.replace("${filename}", &form.file);
    (!key.is_empty()).then_some(key)
}

/// Checks a form that has this policy. `secret` gives the secret of an access key, or none if it passes unchecked.
pub fn check<'a>(
    form: &Form,
    policy: &str,
    now: u64,
    secret: impl Fn(&str) -> Result<Option<&'a str>, Refusal>,
) -> Result<(), Refusal> {
    if let Some(doubt) = &form.doubt {
        return Err(Refusal::Form(doubt.clone()));
    }
    match form.value("x-amz-signature") {
        Some(provided) => {
            let credential = form.value("x-amz-credential").unwrap_or_default();
            let words: Vec<&str> = credential.rsplitn(5, '/').collect();
            let ["aws4_request", service, region, day, key] = words[..] else {
                return Err(Refusal::Malformed(
                    "the field X-Amz-Credential of the form is not valid".to_owned(),
                ));
            };
            let Some(secret) = secret(key)? else {
                return Ok(());
            };
            let scope = [day, region, service].map(str::to_owned);
            if !v4::verifies(secret, &scope, policy, provided) {
                return Err(mismatch(key, policy, provided));
            }
        }
        None => {
            let key = form.value("awsaccesskeyid").unwrap_or_default();
            let Some(secret) = secret(key)? else {
                return Ok(());
            };
            let provided = form.value("signature").unwrap_or_default();
            if !verifies_v2(secret, policy, provided) {
                return Err(mismatch(key, policy, provided));
            }
        }
    }
    let policy = BASE64_STANDARD.decode(policy.trim()).ok();
    let policy = policy.and_then(|policy| serde_json::from_slice::<Value>(&policy).ok());
    let policy = policy.ok_or(Refusal::PolicyDocument)?;
    conditions_hold(form, &policy, now)
}

fn verifies_v2(secret: &str, policy: &str, provided: &str) -> bool {
    let provided = BASE64_STANDARD.decode(provided).unwrap_or_default();
    Hmac::<Sha1>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
        mac.update(policy.as_bytes());
        mac.verify_slice(&provided).is_ok()
    })
}

fn mismatch(key: &str, policy: &str, provided: &str) -> Refusal {
    Refusal::Mismatch {
        key: key.to_owned(),
        string_to_sign: policy.to_owned(),
        canonical_request: None,
        provided: provided.to_owned(),
    }
}

fn denied(why: &str) -> Refusal {
    Refusal::Policy(format!("Invalid according to Policy: {why}"))
}

fn conditions_hold(form: &Form, policy: &Value, now: u64) -> Result<(), Refusal> {
    let end = policy["expiration"].as_str().and_then(time::from_iso);
    if end.is_none_or(|end| end < now) {
        return Err(denied("Policy expired."));
    }
    let conditions = policy["conditions"].as_array().cloned().unwrap_or_default();
    let mut named: Vec<String> = Vec::new();
    for condition in &conditions {
        if let Some((least, most)) = length_range(condition) {
            check_length(form.length, least, most)?;
        } else if !holds(form, condition, &mut named) {
            return Err(denied(&format!("Policy Condition failed: {condition}")));
        }
    }
    let is_free = |name: &str| FREE.contains(&name) || name.starts_with("x-ignore-");
    let extra = form
        .fields
        .iter()
        .find(|(name, _)| !is_free(name) && !named.contains(name));
    match extra {
        Some((name, _)) => Err(denied(&format!("Extra input fields: {name}"))),
        None => Ok(()),
    }
}

/// Whether the form meets a condition; the field that it is about is added to `named`.
fn holds(form: &Form, condition: &Value, named: &mut Vec<String>) -> bool {
    let mut is = |name: &str, wanted: &str, exactly: bool| {
        let name = name.trim_start_matches('$').to_ascii_lowercase();
        let value = form.value(&name).unwrap_or_default();
        // The bucket is named by the URL, and the backend looks whether it is the right one.
        let absent = name == "bucket" && form.value(&name).is_none();
        named.push(name);
        absent
            || if exactly {
                value == wanted
            } else {
                value.starts_with(wanted)
            }
    };
    match condition {
        Value::Object(pairs) => pairs
            .iter()
            .all(|(name, wanted)| wanted.as_str().is_some_and(|wanted| is(name, wanted, true))),
        Value::Array(words) => match words.as_slice() {
            [
                Value::String(how),
                Value::String(name),
                Value::String(wanted),
            ] => match how.to_ascii_lowercase().as_str() {
                "eq" => is(name, wanted, true),
                "starts-with" => is(name, wanted, false),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}

/// The least and the most bytes that a condition allows, if it is about the length.
fn length_range(condition: &Value) -> Option<(u64, u64)> {
    let [how, least, most] = condition.as_array()?.as_slice() else {
        return None;
    };
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let is_range = how.as_str()?.eq_ignore_ascii_case("content-length-range");
    is_range.then_some((number(least)?, number(most)?))
}

fn check_length(length: u64, least: u64, most: u64) -> Result<(), Refusal> {
    if length > most {
        return Err(Refusal::TooLarge { length, most });
    }
    if length < least {
        return Err(Refusal::TooSmall { length, least });
    }
    Ok(())
}

//! Forms that a browser sends to S3: the signature and the conditions of their policy.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha1::Sha1;
use tollgate_plugin::Request;

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

/// Checks a form that has a policy. `secret` gives the secret of an access key, or none if it passes unchecked.
pub fn check<'a>(
    body: &[u8],
    boundary: &str,
    now: u64,
    secret: impl Fn(&str) -> Result<Option<&'a str>, Refusal>,
) -> Result<(), Refusal> {
    let form = Form::read(body, boundary);
    let Some(policy) = form.value("policy") else {
        return Ok(());
    };
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
    let policy = policy.ok_or_else(|| denied("Invalid Policy: Invalid JSON."))?;
    conditions_hold(&form, &policy, now)
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
        if !holds(form, condition, &mut named) {
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
            [Value::String(how), least, most]
                if how.eq_ignore_ascii_case("content-length-range") =>
            {
                let number =
                    |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
                let (Some(least), Some(most)) = (number(least), number(most)) else {
                    return false;
                };
                (least..=most).contains(&form.length)
            }
            _ => false,
        },
        _ => false,
    }
}

/// The fields of a form up to its file.
#[derive(Debug, Default)]
struct Form {
    /// Names in lower case.
    fields: Vec<(String, String)>,
    /// The file's name.
    file: String,
    /// Of the file, in bytes.
    length: u64,
}

impl Form {
    fn read(body: &[u8], boundary: &str) -> Self {
        let mut form = Self::default();
        let line = format!("--{boundary}");
        let mut rest = body;
        while let Some(at) = position(rest, line.as_bytes()) {
            rest = &rest[at + line.len()..];
            let end = position(rest, format!("\r\n{line}").as_bytes()).unwrap_or(rest.len());
            let Some(head_end) = position(&rest[..end], b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&rest[..head_end]).into_owned();
            let content = &rest[head_end + 4..end];
            let Some(name) = parameter(&head, "name") else {
                continue;
            };
            let name = name.to_ascii_lowercase();
            if name == "file" {
                form.file = parameter(&head, "filename").unwrap_or_default();
                form.length = u64::try_from(content.len()).unwrap_or(u64::MAX);
                form.fields.push((name, String::new()));
                break;
            }
            form.fields
                .push((name, String::from_utf8_lossy(content).into_owned()));
        }
        form
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(of, _)| of == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A parameter of a part's `content-disposition`.
fn parameter(head: &str, wanted: &str) -> Option<String> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let is_meant = |name: &str| name.trim().eq_ignore_ascii_case("content-disposition");
    let (_, value) = lines.find(|(name, _)| is_meant(name))?;
    let mut parameters = value
        .split(';')
        .filter_map(|part| part.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(value.trim_matches('"').to_owned())
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

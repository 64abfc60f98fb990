//! S3's signature version 2: in the query and in the field `authorization`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::refusal::Refusal;
use super::sent::Sent;
use crate::time;

/// Parameters that are a part of the resource that is signed.
const SUBRESOURCES: [&str; 38] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "delete",
    "defaultObjectAcl",
    "encryption",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "legal-hold",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "ownershipControls",
    "intelligent-tiering",
    "attributes",
    "acceleration",
    "storageClass",
];

/// How far the clocks of client and server may differ.
const SKEW: u64 = 900_000;

/// A signature with what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub key: String,
    provided: String,
    /// What stands in the place of the date.
    date: String,
}

/// The signature in a query, if there is one.
pub fn in_query(sent: &Sent, now: u64) -> Option<Result<Signature, Refusal>> {
    let (key, provided) = (
        sent.parameter("AWSAccessKeyId"),
        sent.parameter("Signature"),
    );
    // Other APIs have a parameter `Signature`, too, but not in S3's query.
    key?;
    let read = || {
        let (Some(key), Some(provided), Some(date)) = (key, provided, sent.parameter("Expires"))
        else {
            return Err(Refusal::Malformed(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters".to_owned(),
            ));
        };
        let Ok(end) = date.parse::<u64>() else {
            return Err(Refusal::Malformed(format!(
                "Invalid date (should be seconds since epoch): {date}"
            )));
        };
        let at = end.saturating_mul(1000);
        if at < now {
            return Err(Refusal::Expired {
                at,
                lasted: None,
                now,
            });
        }
        Ok(Signature {
            key: key.to_owned(),
            provided: provided.to_owned(),
            date: date.to_owned(),
        })
    };
    Some(read())
}

/// The signature in the field `authorization`, if there is one.
pub fn in_field(sent: &Sent, now: u64) -> Option<Result<Signature, Refusal>> {
    let signed = sent.field("authorization")?.strip_prefix("AWS ")?;
    let read = || {
        let Some((key, provided)) = signed.rsplit_once(':') else {
            return Err(Refusal::MalformedField(
                "Invalid Authorization header format".to_owned(),
            ));
        };
        let date = sent.field("x-amz-date").or_else(|| sent.field("date"));
        let Some(at) =
            date.and_then(|date| time::from_http(date).or_else(|| time::from_compact(date)))
        else {
            return Err(Refusal::MalformedField(
                "AWS authentication requires a valid Date or x-amz-date header".to_owned(),
            ));
        };
        if at.abs_diff(now) > SKEW {
            return Err(Refusal::Skewed { sent: at, now });
        }
        // With x-amz-date, which is signed among the fields, the place of the date is empty.
        let date = if sent.field("x-amz-date").is_some() {
            ""
        } else {
            date.unwrap_or_default()
        };
        Ok(Signature {
            key: key.trim().to_owned(),
            provided: provided.to_owned(),
            date: date.to_owned(),
        })
    };
    Some(read())
}

impl Signature {
    /// Whether the signature is that of the request. `bucket` is the one that the host names.
    pub fn check(&self, sent: &Sent, bucket: Option<&str>, secret: &str) -> Result<(), Refusal> {
        let text = self.string_to_sign(sent, bucket);
        let provided = BASE64_STANDARD.decode(&self.provided).unwrap_or_default();
        if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) {
            mac.update(text.as_bytes());
            if mac.verify_slice(&provided).is_ok() {
                return Ok(());
            }
        }
        Err(Refusal::Mismatch {
            key: self.key.clone(),
            string_to_sign: text,
            canonical_request: None,
            provided: self.provided.clone(),
        })
    }

    fn string_to_sign(&self, sent: &Sent, bucket: Option<&str>) -> String {
        let value = |name: &str| {
            sent.field(name)
                .or_else(|| sent.parameter(name))
                .unwrap_or_default()
        };
        // Clients put such fields into the query of a presigned URL.
        let parameters = sent
            .query
            .iter()
            .filter(|(name, _)| sent.field(&name.to_ascii_lowercase()).is_none());
        let mut names: Vec<String> = (sent.fields.iter().chain(parameters))
            .map(|(name, _)| name.to_ascii_lowercase())
            .filter(|name| name.starts_with("x-amz-"))
            .collect();
        names.sort();
        names.dedup();
        let fields: String = (names.iter())
            .map(|name| {
                let value = match sent.field(name) {
                    Some(_) => sent.signed_values(name),
                    None => sent.parameter(name).unwrap_or_default().to_owned(),
                };
                format!("{name}:{value}\n")
            })
            .collect();
        format!(
            "{}\n{}\n{}\n{}\n{fields}{}",
            sent.method,
            value("content-md5"),
            value("content-type"),
            self.date,
            resource(sent, bucket)
        )
    }
}

fn resource(sent: &Sent, bucket: Option<&str>) -> String {
    let is_signed = |name: &str| SUBRESOURCES.contains(&name) || name.starts_with("response-");
    let mut pairs: Vec<_> = sent
        .query
        .iter()
        .filter(|(name, _)| is_signed(name))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(name, value)| {
            if value.is_empty() {
                name.clone()
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    let bucket = bucket
        .map(|bucket| format!("/{bucket}"))
        .unwrap_or_default();
    let query = if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    };
    format!("{bucket}{}{query}", sent.path)
}

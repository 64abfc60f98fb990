//! Signature version 4: in the query (a presigned URL) and in the field `authorization`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tollgate_plugin::url;

use super::refusal::Refusal;
use super::sent::{Sent, encode_path};
use crate::time;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How far the clocks of client and server may differ.
const SKEW: u64 = 900_000;

/// The longest time that a URL may be good for, in seconds.
const WEEK: u64 = 604_800;

/// A signature with what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub key: String,
    /// `DATE/REGION/SERVICE/aws4_request`
    pub scope: [String; 3],
    /// As it was sent: `20260131T235959Z`.
    pub date: String,
    pub signed_fields: Vec<String>,
    pub provided: String,
}

/// The signature in a query, if there is one.
pub fn in_query(sent: &Sent, now: u64) -> Option<Result<Signature, Refusal>> {
    sent.has_v4_query().then(|| read_query(sent, now))
}

fn read_query(sent: &Sent, now: u64) -> Result<Signature, Refusal> {
    let malformed = |why: &str| Err(Refusal::Malformed(why.to_owned()));
    let names = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "X-Amz-Expires",
    ];
    let [
        Some(algorithm),
        Some(credential),
        Some(provided),
        Some(date),
        Some(fields),
        Some(lasts),
    ] = names.map(|name| sent.parameter(name))
    else {
        return malformed(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, \
             X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        );
    };
    if algorithm != ALGORITHM {
        return malformed(
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
        );
    }
    let Some(at) = time::from_compact(date) else {
        return malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
    };
    let lasts = match lasts.parse::<i64>().map(u64::try_from) {
        Err(_) => return malformed("X-Amz-Expires should be a number"),
        Ok(Err(_)) => return malformed("X-Amz-Expires must be non-negative"),
        Ok(Ok(lasts)) if lasts > WEEK => {
            return malformed(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
            );
        }
        Ok(Ok(lasts)) => lasts,
    };
    if at > now + SKEW {
        return Err(Refusal::TooEarly);
    }
    let end = at + lasts * 1000;
    if end < now {
        let (at, lasted) = (end, Some(lasts));
        return Err(Refusal::Expired { at, lasted, now });
    }
    signature(credential, date, fields, provided).map_err(|why| {
        Refusal::Malformed(format!(
            "Error parsing the X-Amz-Credential parameter; {why}"
        ))
    })
}

/// The signature in the field `authorization`, if there is one.
pub fn in_field(sent: &Sent, now: u64) -> Option<Result<Signature, Refusal>> {
    let field = sent.field("authorization")?;
    let rest = field.strip_prefix("AWS4-")?;
    Some(match rest.strip_prefix("HMAC-SHA256") {
        Some(rest) => read_field(sent, rest, now),
        None => Err(Refusal::MalformedField(format!(
            "Unsupported Authorization Type: {}",
            field.split(' ').next().unwrap_or_default()
        ))),
    })
}

fn read_field(sent: &Sent, rest: &str, now: u64) -> Result<Signature, Refusal> {
    let [Some(credential), Some(fields), Some(provided)] = members(rest)? else {
        return Err(Refusal::MalformedField(
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.".to_owned(),
        ));
    };
    let date = match (sent.field("x-amz-date"), sent.field("date")) {
        (Some(date), _) => time::from_compact(date).map(|at| (at, date.to_owned())),
        (None, Some(date)) => time::from_http(date).map(|at| (at, compact(at))),
        (None, None) => None,
    };
    let Some((at, date)) = date else {
        return Err(Refusal::MalformedField(
            "AWS authentication requires a valid Date or x-amz-date header".to_owned(),
        ));
    };
    if at.abs_diff(now) > SKEW {
        return Err(Refusal::Skewed { sent: at, now });
    }
    signature(credential, &date, fields, provided).map_err(|why| {
        Refusal::MalformedField(format!("The authorization header is malformed; {why}"))
    })
}

/// `Credential`, `SignedHeaders` and `Signature`. What else there is, or is there twice, another reader may take for one of them.
fn members(text: &str) -> Result<[Option<&str>; 3], Refusal> {
    let mut found = [None; 3];
    for member in text.split(',').map(str::trim).filter(|m| !m.is_empty()) {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        let place = match name {
            "Credential" => &mut found[0],
            "SignedHeaders" => &mut found[1],
            "Signature" => &mut found[2],
            _ => {
                return Err(Refusal::MalformedField(format!(
                    "The authorization header is malformed; {name} is unknown"
                )));
            }
        };
        if place.replace(value).is_some() {
            return Err(Refusal::MalformedField(format!(
                "The authorization header is malformed; {name} is repeated"
            )));
        }
    }
    Ok(found)
}

fn compact(at: u64) -> String {
    time::seconds(at)
        .chars()
        .filter(|c| !"-:".contains(*c))
        .collect()
}

fn signature(
    credential: &str,
    date: &str,
    fields: &str,
    provided: &str,
) -> Result<Signature, String> {
    // An access key may have slashes in it.
    let words: Vec<&str> = credential.rsplitn(5, '/').collect();
    let [end, service, region, day, key] = words[..] else {
        return Err(
            "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".".to_owned(),
        );
    };
    if end != "aws4_request" {
        return Err("incorrect terminal. This endpoint uses \"aws4_request\".".to_owned());
    }
    if !date.starts_with(day) || day.len() != 8 {
        return Err(format!(
            "incorrect date format \"{day}\". This date in the credential must be in the format \"yyyyMMdd\" and be that of the signature."
        ));
    }
    Ok(Signature {
        key: key.to_owned(),
        scope: [day, region, service].map(str::to_owned),
        date: date.to_owned(),
        signed_fields: fields.split(';').map(str::to_ascii_lowercase).collect(),
        provided: provided.to_owned(),
    })
}

/// What was signed, in each form that a client may have signed.
#[derive(Debug)]
pub struct Signed {
    canonical_requests: Vec<String>,
}

impl Signature {
    pub fn service(&self) -> &str {
        &self.scope[2]
    }

    /// Fields that have to be signed and are not: `host`, and of S3's all `x-amz-…`.
    pub fn unsigned(&self, sent: &Sent) -> Vec<String> {
        let is_s3 = self.service() == "s3";
        let names = sent.fields.iter().map(|(name, _)| name.as_str());
        let needed = names.filter(|name| is_s3 && name.starts_with("x-amz-"));
        let mut missing: Vec<String> = std::iter::once("host")
            .chain(needed)
            .filter(|name| !self.signed_fields.iter().any(|signed| signed == name))
            .map(str::to_owned)
            .collect();
        missing.dedup();
        missing
    }

    /// `payload`: what stands for the body, in hexadecimal or a word such as `UNSIGNED-PAYLOAD`.
    pub fn signed(&self, sent: &Sent, payload: &str) -> Signed {
        let mut pairs: Vec<(String, String)> = sent
            .query
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("X-Amz-Signature"))
            .map(|(name, value)| (url::encode(name), url::encode(value)))
            .collect();
        pairs.sort();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let fields: String = self
            .signed_fields
            .iter()
            .map(|name| format!("{name}:{}\n", sent.signed_values(name)))
            .collect();
        let request = |path: &str| {
            format!(
                "{}\n{path}\n{}\n{fields}\n{}\n{payload}",
                sent.method,
                pairs.join("&"),
                self.signed_fields.join(";")
            )
        };
        let paths = match self.service() {
            // S3 encodes once, the others once more. A client that escapes differently signs what it sends.
            "s3" => [encode_path(&url::decode(&sent.path)), sent.path.clone()],
            _ => [
                encode_path(&without_dots(&sent.path)),
                encode_path(&sent.path),
            ],
        };
        Signed {
            canonical_requests: paths.iter().map(|path| request(path)).collect(),
        }
    }

    fn string_to_sign(&self, canonical_request: &str) -> String {
        let [day, region, service] = &self.scope;
        let hash = hex(&Sha256::digest(canonical_request));
        format!(
            "{ALGORITHM}\n{}\n{day}/{region}/{service}/aws4_request\n{hash}",
            self.date
        )
    }

    /// Whether the signature is that of one of the forms.
    pub fn check(&self, signed: &Signed, secret: &str) -> Result<(), Refusal> {
        let forms = &signed.canonical_requests;
        let is_good = |form: &String| {
            verifies(
                secret,
                &self.scope,
                &self.string_to_sign(form),
                &self.provided,
            )
        };
        if forms.iter().any(is_good) {
            return Ok(());
        }
        let canonical = forms.first().cloned().unwrap_or_default();
        Err(Refusal::Mismatch {
            key: self.key.clone(),
            string_to_sign: self.string_to_sign(&canonical),
            canonical_request: Some(canonical),
            provided: self.provided.clone(),
        })
    }
}

/// Whether a signature in hexadecimal is that of a text. The time that this takes tells nothing of the right one.
pub fn verifies(secret: &str, scope: &[String; 3], text: &str, provided: &str) -> bool {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.iter().map(String::as_str).chain(["aws4_request"]) {
        let Some(mac) = mac(&key, part) else {
            return false;
        };
        key = mac.finalize().into_bytes().to_vec();
    }
    let Some(provided) = unhex(provided) else {
        return false;
    };
    mac(&key, text).is_some_and(|mac| mac.verify_slice(&provided).is_ok())
}

fn mac(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// A path without `.`, `..` and empty segments (RFC 3986, section 5.2.4), which all services but S3 sign.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."))
    {
        if segment == ".." {
            kept.pop();
        } else {
            kept.push(segment);
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", kept.join("/"))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] * 16 + pair[1])
            .collect(),
    )
}

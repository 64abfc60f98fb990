//! The settings as they are written, and as they are used.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use crate::events::{Events, Place, Target};
use crate::queue::Limits;
use crate::signatures::Signatures;
use crate::sns::Sns;
use crate::triggers::{Fixed, Triggers};

tollgate_plugin::settings_schema!("settings.schema.json", Written);

/// The settings as they are written.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Written {
    /// The URL by which clients reach the proxy, if that is not the one that they name in their requests.
    public_url: Option<String>,
    /// Whether URLs in answers get the scheme, host and port that the client used.
    #[serde(default)]
    urls: bool,
    /// Whether the tag _custom_id_ sets the id of a resource.
    #[serde(default)]
    ids: bool,
    /// The URL of the backend, for requests of the plugin's own.
    backend: Option<String>,
    /// Events of S3 for those that the backend sends none.
    events: Option<WrittenEvents>,
    /// Streams of DynamoDB that call functions.
    triggers: Option<WrittenTriggers>,
    /// Whether Kinesis's SubscribeToShard is answered.
    #[serde(default)]
    kinesis: bool,
    /// Whether SNS's messages are delivered to HTTP(S) endpoints, after they confirmed their subscription.
    #[serde(default)]
    sns: bool,
    /// The URL by which the backend reaches the proxy, if that is not the one that clients name in their requests.
    callback: Option<String>,
    /// The most messages that wait for their delivery.
    #[cfg_attr(test, schemars(range(min = 1, max = 1000)))]
    #[serde(default = "longest")]
    queue: u32,
    /// How often a message is sent again if its receiver does not take it.
    #[cfg_attr(test, schemars(range(max = 50)))]
    #[serde(default = "retries")]
    retries: u32,
    /// Which signatures are checked, with the secrets.
    signatures: Option<WrittenSignatures>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WrittenSignatures {
    /// The secret of each access key.
    keys: BTreeMap<String, String>,
    /// Presigned URLs and forms with a policy.
    #[serde(default = "yes")]
    presigned: bool,
    /// Requests that are signed in the field authorization.
    #[serde(default)]
    signed: bool,
    /// What becomes of requests with an access key that is not in `keys`.
    #[serde(default)]
    unknown_keys: UnknownKeys,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WrittenEvents {
    /// The URL of an endpoint that speaks Lambda's Invoke API, for functions in a bucket's configuration.
    lambda: Option<String>,
    /// HTTP endpoints.
    #[serde(default)]
    http: Vec<WrittenHttp>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WrittenHttp {
    url: String,
    /// The bucket, or `*`.
    #[serde(default = "any")]
    bucket: String,
    /// Such as `s3:ObjectCreated:*`.
    #[serde(default = "all_events")]
    events: Vec<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    suffix: String,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WrittenTriggers {
    /// The URL of an endpoint that speaks Lambda's Invoke API.
    lambda: String,
    /// Mappings that exist without a client's call.
    #[serde(default)]
    mappings: Vec<WrittenMapping>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WrittenMapping {
    table: String,
    function: String,
    #[serde(default = "region")]
    region: String,
    #[cfg_attr(test, schemars(range(min = 1, max = 10000)))]
    #[serde(default = "hundred")]
    batch_size: u32,
    #[cfg_attr(test, schemars(regex(pattern = "^(TRIM_HORIZON|LATEST)$")))]
    #[serde(default = "trim_horizon")]
    starting_position: String,
    /// How often a batch is tried again; without it, until the function takes it.
    maximum_retry_attempts: Option<u32>,
}

#[derive(Deserialize, Default, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum UnknownKeys {
    #[default]
    Refuse,
    Pass,
}

/// The settings as they are used.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct AwsExtras {
    pub public_url: Option<String>,
    pub urls: bool,
    pub ids: bool,
    pub sns: Option<Sns>,
    /// The backend, where `SubscribeToShard` is answered with its records.
    pub kinesis: Option<String>,
    pub limits: Limits,
    pub events: Option<Events>,
    pub triggers: Option<Triggers>,
    pub signatures: Option<Signatures>,
}

impl TryFrom<Written> for AwsExtras {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let signatures = written.signatures.map(signatures).transpose()?;
        let origin =
            |setting, url: Option<String>| url.map(|url| origin(setting, &url)).transpose();
        if !(1..=1000).contains(&written.queue) {
            return Err(format!(
                "setting queue is {}: expected 1 to 1000",
                written.queue
            ));
        }
        if written.retries > 50 {
            return Err(format!(
                "setting retries is {}: expected 0 to 50",
                written.retries
            ));
        }
        let limits = Limits {
            length: written.queue,
            retries: written.retries,
        };
        let backend = origin("backend", written.backend)?;
        let needed = |setting: &str| {
            backend.clone().ok_or_else(|| format!("setting {setting} needs setting backend: the URL of the backend, such as http://127.0.0.1:5000"))
        };
        let events = match written.events {
            Some(written) => Some(events(written, needed("events")?, limits)?),
            None => None,
        };
        let triggers = match written.triggers {
            Some(written) => Some(triggers(written, needed("triggers")?)?),
            None => None,
        };
        let callback = origin("callback", written.callback)?;
        Ok(Self {
            public_url: origin("public_url", written.public_url)?,
            urls: written.urls,
            ids: written.ids,
            sns: written.sns.then_some(Sns { callback, limits }),
            kinesis: written.kinesis.then(|| needed("kinesis")).transpose()?,
            limits,
            events,
            triggers,
            signatures,
        })
    }
}

fn signatures(written: WrittenSignatures) -> Result<Signatures, String> {
    if !written.presigned && !written.signed {
        return Err(
            "setting signatures checks nothing: set presigned or signed to true, or remove it"
                .to_owned(),
        );
    }
    if written.keys.is_empty() {
        return Err(
            "setting signatures.keys is empty: name the access keys with their secrets".to_owned(),
        );
    }
    Ok(Signatures {
        keys: written.keys,
        presigned: written.presigned,
        signed: written.signed,
        passes_unknown_keys: written.unknown_keys == UnknownKeys::Pass,
    })
}

fn events(written: WrittenEvents, backend: String, limits: Limits) -> Result<Events, String> {
    let mut http = Vec::new();
    for target in written.http {
        if !target.url.starts_with("http://") && !target.url.starts_with("https://") {
            return Err(format!(
                "setting events.http has the url {:?}: expected one such as http://127.0.0.1:9000/events",
                target.url
            ));
        }
        let is_kind = |event: &String| event.starts_with("s3:Object");
        if let Some(event) = target.events.iter().find(|event| !is_kind(event)) {
            return Err(format!(
                "setting events.http has the event {event:?}: expected one such as s3:ObjectCreated:*"
            ));
        }
        let (prefix, suffix) = (target.prefix, target.suffix);
        let id = format!("tollgate-{}", http.len() + 1);
        let place = Place::Http(target.url);
        http.push((
            target.bucket,
            Target {
                id,
                place,
                events: target.events,
                prefix,
                suffix,
            },
        ));
    }
    let lambda = written
        .lambda
        .map(|url| origin("events.lambda", &url))
        .transpose()?;
    Ok(Events {
        backend,
        lambda,
        http,
        limits,
    })
}

fn triggers(written: WrittenTriggers, backend: String) -> Result<Triggers, String> {
    let mut fixed = Vec::new();
    for mapping in written.mappings {
        if mapping.table.is_empty() || mapping.function.is_empty() {
            return Err("setting triggers.mappings has one without table or function".to_owned());
        }
        let position = mapping.starting_position;
        if !matches!(position.as_str(), "TRIM_HORIZON" | "LATEST") {
            return Err(format!(
                "setting triggers.mappings has the starting_position {position:?}: expected TRIM_HORIZON or LATEST"
            ));
        }
        if !(1..=10_000).contains(&mapping.batch_size) {
            return Err(format!(
                "setting triggers.mappings has the batch_size {}: expected 1 to 10000",
                mapping.batch_size
            ));
        }
        let asked = json!({
            "FunctionName": mapping.function,
            "BatchSize": mapping.batch_size,
            "StartingPosition": position,
            "MaximumRetryAttempts": mapping.maximum_retry_attempts,
        });
        fixed.push(Fixed {
            table: mapping.table,
            region: mapping.region,
            asked,
        });
    }
    let lambda = origin("triggers.lambda", &written.lambda)?;
    Ok(Triggers {
        backend,
        lambda,
        fixed,
    })
}

/// Scheme, host and port.
fn origin(setting: &str, url: &str) -> Result<String, String> {
    let url = url.trim_end_matches('/');
    let authority = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let is_authority = |text: &&str| !text.is_empty() && !text.contains(['/', '?', '#', '@', ' ']);
    match authority.filter(is_authority) {
        Some(_) => Ok(url.to_owned()),
        None => Err(format!(
            "setting {setting} is {url:?}: expected a URL without a path, such as http://127.0.0.1:4566"
        )),
    }
}

fn longest() -> u32 {
    1000
}

fn retries() -> u32 {
    3
}

fn any() -> String {
    "*".to_owned()
}

fn all_events() -> Vec<String> {
    ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
        .map(str::to_owned)
        .to_vec()
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn hundred() -> u32 {
    100
}

fn trim_horizon() -> String {
    "TRIM_HORIZON".to_owned()
}

fn yes() -> bool {
    true
}

//! Events of S3 where the backend sends none: deletions in buckets with versions, functions at a Lambda endpoint, and HTTP(S)
//! endpoints.

mod happened;
mod target;

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_plugin::{Request, Response, Result, clocks, exchange, state, url, warn};

use crate::call;
use crate::queue::{self, Entry, Limits};
use crate::time;
use crate::xml;
use happened::{Action, Asked, Event};
pub use target::{Place, Target};

const NOTE: &str = "aws-extras.events";

/// How long a bucket's configuration is believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// Questions about versions that one call can cause. Behind them an event may come twice, which S3 does not rule out either.
const MOST_QUESTIONS: usize = 30;

/// How it is set up.
#[derive(Clone, Debug)]
pub struct Events {
    pub backend: String,
    /// The endpoint for functions; none if the backend calls them.
    pub lambda: Option<String>,
    /// HTTP endpoints, each with the bucket that it is for; `*` is any.
    pub http: Vec<(String, Target)>,
    pub limits: Limits,
}

impl Events {
    pub fn forward_request(&self, request: &mut Request) -> Result<()> {
        let Some(asked) = happened::asked(request)? else {
            return Ok(());
        };
        if matches!(
            asked.action,
            Action::Copy | Action::Complete | Action::DeleteMany
        ) {
            request.accept_identity()?;
        }
        exchange::set_note(NOTE, serde_json::to_vec(&asked)?);
        Ok(())
    }

    pub fn return_response(&self, response: &mut Response) -> Result<()> {
        let Some(note) = exchange::note(NOTE) else {
            return Ok(());
        };
        if !(200..300).contains(&response.status()) {
            return Ok(());
        }
        let asked: Asked = serde_json::from_slice(&note)?;
        if asked.action == Action::Configure {
            state::delete(&configuration_key(&asked.bucket))?;
            return Ok(());
        }
        // The client's call went well. What is ours must not change that.
        if let Err(why) = self.send(&asked, response) {
            warn!("events of bucket {} are lost: {why}", asked.bucket);
        }
        Ok(())
    }

    fn send(&self, asked: &Asked, response: &Response) -> Result<()> {
        let is_creation = !matches!(asked.action, Action::Delete | Action::DeleteMany);
        let of_settings = self
            .http
            .iter()
            .filter(|(bucket, _)| bucket == "*" || *bucket == asked.bucket);
        let mut targets: Vec<Target> = of_settings.map(|(_, target)| target.clone()).collect();
        if !is_creation || self.lambda.is_some() {
            targets.extend(self.configuration(&asked.bucket, &asked.region)?);
        }
        if targets.is_empty() {
            return Ok(());
        }
        let mut entries = Vec::new();
        let mut questions = MOST_QUESTIONS;
        for event in happened::events(asked, response)? {
            let wanting = targets
                .iter()
                .filter(|target| target.wants(event.name, &event.key));
            let wanting: Vec<&Target> = wanting.collect();
            if wanting.is_empty() {
                continue;
            }
            let is_missed = self.is_missed(asked, &event, &wanting, &mut questions)?;
            let is_ours = |target: &&Target| match target.place {
                Place::Http(_) => true,
                Place::Function(_) => self.lambda.is_some(),
                Place::Queue(_) | Place::Topic(_) => is_missed,
            };
            let ours: Vec<&Target> = wanting.into_iter().filter(is_ours).collect();
            if ours.is_empty() {
                continue;
            }
            let size = is_creation.then(|| self.size(asked, &event)).transpose()?;
            for target in ours {
                let record = record(asked, &event, target, size);
                entries.push(self.entry(target, &record, &asked.bucket));
            }
        }
        queue::put(&entries, self.limits)
    }

    /// Whether the backend is silent about an event. moto tells of the deletion of a version only if it was the object's last one.
    fn is_missed(
        &self,
        asked: &Asked,
        event: &Event,
        wanting: &[&Target],
        questions: &mut usize,
    ) -> Result<bool> {
        if event.name == "ObjectRemoved:DeleteMarkerCreated" {
            return Ok(true);
        }
        let is_of_backend =
            |target: &&&Target| matches!(target.place, Place::Queue(_) | Place::Topic(_));
        let is_version = event.name == "ObjectRemoved:Delete"
            && (asked.version.is_some() || event.version.is_some());
        if !is_version || wanting.iter().find(is_of_backend).is_none() {
            return Ok(false);
        }
        if *questions == 0 {
            return Ok(true);
        }
        *questions -= 1;
        let place = format!(
            "/{}?versions&prefix={}",
            url::encode(&asked.bucket),
            url::encode(&event.key)
        );
        let answer = call::to_backend(&self.backend, "GET", &place, "s3", &asked.region).send()?;
        let document = answer.text()?;
        Ok(xml::all(document, "Key").any(|key| xml::unescape(key) == event.key))
    }

    /// What the bucket's configuration says.
    fn configuration(&self, bucket: &str, region: &str) -> Result<Vec<Target>> {
        let key = configuration_key(bucket);
        if let Some(kept) = state::get(&key)?.and_then(|kept| serde_json::from_slice(&kept).ok()) {
            return Ok(kept);
        }
        let place = format!("/{}?notification", url::encode(bucket));
        let answer = call::to_backend(&self.backend, "GET", &place, "s3", region).send()?;
        let targets = match answer.status {
            200 => target::read(answer.text()?),
            _ => Vec::new(),
        };
        state::set_for(&key, serde_json::to_vec(&targets)?, BELIEVED)?;
        Ok(targets)
    }

    /// The size of an object in bytes. Nothing if it is gone already.
    fn size(&self, asked: &Asked, event: &Event) -> Result<u64> {
        let key: Vec<_> = event.key.split('/').map(url::encode).collect();
        let version = event
            .version
            .as_ref()
            .map(|version| format!("?versionId={}", url::encode(version)));
        let place = format!(
            "/{}/{}{}",
            url::encode(&asked.bucket),
            key.join("/"),
            version.unwrap_or_default()
        );
        let answer = call::to_backend(&self.backend, "HEAD", &place, "s3", &asked.region).send()?;
        let length = answer
            .field("content-length")
            .and_then(|length| length.parse().ok());
        Ok(length.filter(|_| answer.status == 200).unwrap_or_default())
    }

    fn entry(&self, target: &Target, event: &Value, bucket: &str) -> Entry {
        let what = format!(
            "S3 {} of bucket {bucket}",
            event["Records"][0]["eventName"]
                .as_str()
                .unwrap_or_default()
        );
        let part =
            |arn: &str, number: usize| arn.split(':').nth(number).unwrap_or_default().to_owned();
        match &target.place {
            Place::Http(url) => Entry::new(
                &what,
                url,
                &[("content-type", "application/json")],
                event.to_string(),
            ),
            Place::Queue(arn) => {
                let authorization = call::authorization("sqs", &part(arn, 3));
                let queue = format!("{}/{}/{}", self.backend, part(arn, 4), part(arn, 5));
                let fields = [
                    ("authorization", authorization.as_str()),
                    ("x-amz-target", "AmazonSQS.SendMessage"),
                    ("content-type", "application/x-amz-json-1.0"),
                ];
                let body = json!({ "QueueUrl": queue, "MessageBody": event.to_string() });
                Entry::new(
                    &what,
                    &format!("{}/", self.backend),
                    &fields,
                    body.to_string(),
                )
            }
            Place::Topic(arn) => {
                let authorization = call::authorization("sns", &part(arn, 3));
                let fields = [
                    ("authorization", authorization.as_str()),
                    ("content-type", "application/x-www-form-urlencoded"),
                ];
                let body = format!(
                    "Action=Publish&Version=2010-03-31&TopicArn={}&Subject=Amazon%20S3%20Notification&Message={}",
                    url::encode(arn),
                    url::encode(&event.to_string())
                );
                Entry::new(&what, &format!("{}/", self.backend), &fields, body)
            }
            Place::Function(arn) => {
                let authorization = call::authorization("lambda", &part(arn, 3));
                let lambda = self.lambda.as_deref().unwrap_or_default();
                let url = format!(
                    "{lambda}/2015-03-31/functions/{}/invocations",
                    url::encode(&part(arn, 6))
                );
                let fields = [
                    ("authorization", authorization.as_str()),
                    ("content-type", "application/json"),
                    ("x-amz-invocation-type", "Event"),
                ];
                Entry::new(&what, &url, &fields, event.to_string())
            }
        }
    }
}

fn configuration_key(bucket: &str) -> String {
    format!("e/{bucket}")
}

/// An event as S3 writes it ("Event message structure" in its user guide).
fn record(asked: &Asked, event: &Event, target: &Target, size: Option<u64>) -> Value {
    let now = clocks::since_1970();
    let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let mut object = json!({
        "key": form_encoded(&event.key),
        "sequencer": format!("{:018X}", now.as_nanos()),
    });
    if let Some(size) = size {
        object["size"] = size.into();
    }
    for (name, value) in [("eTag", &event.etag), ("versionId", &event.version)] {
        if let Some(value) = value {
            object[name] = value.clone().into();
        }
    }
    let address = exchange::client_address();
    let address = address
        .rsplit_once(':')
        .map_or(address.as_str(), |(address, _)| address);
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": asked.region,
        "eventTime": time::millis(ms),
        "eventName": event.name,
        "userIdentity": { "principalId": "AWS:AIDATOLLGATE" },
        "requestParameters": { "sourceIPAddress": address.trim_matches(['[', ']']) },
        "responseElements": { "x-amz-request-id": exchange::id(), "x-amz-id-2": exchange::id() },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": target.id,
            "bucket": {
                "name": asked.bucket,
                "ownerIdentity": { "principalId": "AIDATOLLGATE" },
                "arn": format!("arn:aws:s3:::{}", asked.bucket),
            },
            "object": object,
        },
    }] })
}

/// A key as events have it: encoded as in a form, but with its slashes.
fn form_encoded(key: &str) -> String {
    let parts: Vec<_> = key
        .split('/')
        .map(|part| url::encode(part).replace("%20", "+"))
        .collect();
    parts.join("/")
}

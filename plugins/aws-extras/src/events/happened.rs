//! What a call changed in a bucket, seen from the request and the response.

use aws_requests::{Head, Recognised, s3};
use serde::{Deserialize, Serialize};
use tollgate_plugin::{BodyError, Request, Response, Result, url, warn};

use crate::signatures::{boundary, form_key, is_form};
use crate::xml;

/// A call that may change objects, as the request tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub bucket: String,
    /// Empty if the call names its objects in the body.
    pub key: String,
    pub action: Action,
    pub region: String,
    /// The version that is to be deleted.
    pub version: Option<String>,
}

/// Calls that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Put,
    Post,
    Copy,
    Complete,
    Delete,
    DeleteMany,
    /// The configuration of events changes, or the bucket goes.
    Configure,
}

/// An event: its name as in `eventName`, and the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub name: &'static str,
    pub key: String,
    pub version: Option<String>,
    pub etag: Option<String>,
}

/// What a request asks for, if it may change objects.
pub fn asked(request: &Request) -> Result<Option<Asked>> {
    let method = request.method();
    if !matches!(method.as_str(), "PUT" | "POST" | "DELETE")
        || request.field("x-amz-target").is_some()
    {
        return Ok(None);
    }
    let field = |name: &str| request.field(name).map(|value| value.to_string());
    let head = Head::new(method, request.authority(), request.target(), field);
    let (bucket, key) = place(&head);
    if bucket.is_empty() {
        return Ok(None);
    }
    let region = head
        .signature
        .as_ref()
        .and_then(|signature| signature.region.clone());
    let asked = |action: Action, key: String| Asked {
        bucket: bucket.clone(),
        key,
        action,
        region: region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
        version: request.query_param("versionId"),
    };
    if key.is_empty() && is_form(request) {
        let body = match request.body() {
            Ok(body) => body,
            Err(BodyError::TooLarge(limit)) => {
                warn!(
                    "a form for bucket {bucket} is longer than {limit} bytes, so there is no event for it: raise limits.body"
                );
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let key = form_key(&body, &boundary(request));
        return Ok(key.map(|key| asked(Action::Post, key)));
    }
    let Recognised::Call(call) = head.recognise() else {
        return Ok(None);
    };
    if call.service != "s3" {
        return Ok(None);
    }
    let action = match head.action(&call).as_deref() {
        Some("PutObject") => Action::Put,
        Some("CopyObject") => Action::Copy,
        Some("CompleteMultipartUpload") => Action::Complete,
        Some("DeleteObject") => Action::Delete,
        Some("DeleteObjects") => Action::DeleteMany,
        Some("PutBucketNotificationConfiguration" | "PutBucketNotification" | "DeleteBucket") => {
            Action::Configure
        }
        _ => return Ok(None),
    };
    Ok(Some(asked(action, key)))
}

/// Bucket and key, decoded.
fn place(head: &Head) -> (String, String) {
    let path = head.path().strip_prefix('/').unwrap_or_default();
    match s3::bucket_in_host(&head.authority).filter(|at| *at > 0) {
        Some(at) => (
            head.authority[..at].trim_end_matches('.').to_owned(),
            url::decode(path),
        ),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (url::decode(bucket), url::decode(key))
        }
    }
}

/// The events of a call that went well.
pub fn events(asked: &Asked, response: &Response) -> Result<Vec<Event>> {
    let field = |name: &str| response.field(name).map(|value| value.to_string());
    let etag = || field("etag").map(|etag| etag.trim_matches('"').to_owned());
    let one = |name: &'static str| {
        let (key, version) = (asked.key.clone(), field("x-amz-version-id"));
        vec![Event {
            name,
            key,
            version,
            etag: etag(),
        }]
    };
    Ok(match asked.action {
        Action::Put => one("ObjectCreated:Put"),
        Action::Post => one("ObjectCreated:Post"),
        Action::Copy | Action::Complete => {
            // Such an answer can be an error with the status 200.
            let document = response.text()?;
            let Some(etag) = xml::text(&document, "ETag") else {
                return Ok(Vec::new());
            };
            let name = if asked.action == Action::Copy {
                "ObjectCreated:Copy"
            } else {
                "ObjectCreated:CompleteMultipartUpload"
            };
            let mut events = one(name);
            events[0].etag = Some(etag.trim_matches('"').to_owned());
            events
        }
        Action::Delete => {
            let is_marker = asked.version.is_none()
                && field("x-amz-delete-marker").is_some_and(|value| value == "true");
            one(if is_marker {
                "ObjectRemoved:DeleteMarkerCreated"
            } else {
                "ObjectRemoved:Delete"
            })
        }
        Action::DeleteMany => {
            let document = response.text()?;
            let deleted = xml::all(&document, "Deleted").filter_map(|deleted| {
                let version = xml::text(deleted, "VersionId");
                let is_marker = version.is_none()
                    && xml::text(deleted, "DeleteMarker").is_some_and(|value| value == "true");
                Some(Event {
                    name: if is_marker {
                        "ObjectRemoved:DeleteMarkerCreated"
                    } else {
                        "ObjectRemoved:Delete"
                    },
                    key: xml::text(deleted, "Key")?,
                    version: version.or_else(|| xml::text(deleted, "DeleteMarkerVersionId")),
                    etag: None,
                })
            });
            deleted.collect()
        }
        Action::Configure => Vec::new(),
    })
}

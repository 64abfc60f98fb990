//! Which bodies are read, and how: those that are text made by or for an API. Stored objects, media and streams pass
//! without being held.

use tollgate_plugin::{FieldValue, Request};

/// How names stand in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Xml,
    Form,
    /// Anything else: a target, a field, prose.
    Plain,
}

/// What a message says of its body.
#[derive(Debug, Default)]
pub(crate) struct Head {
    media_type: Option<String>,
    pub(crate) coding: Option<FieldValue>,
    pub(crate) length: Option<u64>,
    is_stored: bool,
}

/// What a request says of what is stored: by whom, and under what name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Upload {
    /// The service of the credential scope (`s3`, `sqs`), if the request is signed.
    pub(crate) service: Option<String>,
    /// It names an object of S3, not a bucket.
    has_key: bool,
    /// It speaks of a part of a bucket's or object's description (`?policy`), not of content.
    is_subresource: bool,
}

/// Parameters that a request for an object's content may have.
const CONTENT_PARAMETERS: [&str; 4] = ["partNumber", "uploadId", "versionId", "x-id"];

impl Head {
    pub(crate) fn new(field: impl Fn(&str) -> Option<FieldValue>) -> Self {
        let text = |name: &str| field(name).map(|value| value.text().to_ascii_lowercase());
        Self {
            media_type: text("content-type"),
            coding: field("content-encoding")
                .filter(|coding| *coding != "" && *coding != "identity"),
            length: text("content-length").and_then(|length| length.parse().ok()),
            is_stored: field("etag").is_some() && field("last-modified").is_some(),
        }
    }

    /// Whether it is worth looking at. A body without a type may be.
    pub(crate) fn may_be_text(&self) -> bool {
        self.length != Some(0)
            && self
                .media_type
                .as_deref()
                .is_none_or(|media_type| syntax(media_type).is_some())
    }

    /// How to read the body; without a type, by how it begins.
    pub(crate) fn syntax_of(&self, body: &[u8]) -> Option<Syntax> {
        match &self.media_type {
            Some(media_type) => syntax(media_type),
            None => match body.trim_ascii_start().first() {
                Some(b'{' | b'[') => Some(Syntax::Json),
                Some(b'<') => Some(Syntax::Xml),
                _ => None,
            },
        }
    }
}

/// The syntax that a media type stands for, if it is text that comes to an end.
fn syntax(media_type: &str) -> Option<Syntax> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "text/event-stream" => None,
        "application/x-www-form-urlencoded" => Some(Syntax::Form),
        _ if essence.contains("json") => Some(Syntax::Json),
        _ if essence.contains("xml") => Some(Syntax::Xml),
        _ if essence.starts_with("text/") || essence.contains("yaml") => Some(Syntax::Plain),
        _ => None,
    }
}

/// Whether a response of this status has no body, or a piece of one.
pub(crate) fn has_no_whole_body(status: u16) -> bool {
    matches!(status, 204 | 206 | 304)
}

impl Upload {
    pub(crate) fn of(request: &Request) -> Self {
        let authorization = request
            .field("authorization")
            .map(|value| value.to_string());
        Self::new(
            authorization.as_deref(),
            &request.authority(),
            &request.target(),
        )
    }

    fn new(authorization: Option<&str>, authority: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let names: Vec<_> = query
            .split('&')
            .filter_map(|part| part.split('=').next())
            .collect();
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .count();
        // The bucket is in the path, or in front of the authority.
        let bucket_in_path = !authority.contains(".s3.") && !authority.contains(".s3-");
        Self {
            service: authorization
                .and_then(scope_service)
                .or_else(|| scope_service(query)),
            has_key: segments > usize::from(bucket_in_path),
            is_subresource: names
                .iter()
                .any(|name| !name.is_empty() && !is_content_parameter(name)),
        }
    }

    /// Whether the request's body is an object's content, or there is none.
    pub(crate) fn is_opaque(&self, method: &str) -> bool {
        let stores = method == "PUT" && self.has_key && !self.is_subresource;
        matches!(method, "GET" | "HEAD") || (self.is_s3() && stores)
    }

    /// Whether the response's body is an object's content. S3 dates and tags objects, not its own answers.
    pub(crate) fn is_object(&self, head: &Head) -> bool {
        head.is_stored && (self.is_s3() || self.service.is_none())
    }

    fn is_s3(&self) -> bool {
        matches!(
            self.service.as_deref(),
            Some("s3" | "s3express" | "s3-object-lambda")
        )
    }
}

fn is_content_parameter(name: &str) -> bool {
    CONTENT_PARAMETERS.contains(&name) || name.to_ascii_lowercase().starts_with("x-amz-")
}

/// The service in `Credential=KEY/DATE/REGION/SERVICE/aws4_request`, the slashes perhaps escaped.
fn scope_service(text: &str) -> Option<String> {
    let scope = text
        .split("Credential=")
        .nth(1)?
        .split([',', '&', ' '])
        .next()?;
    let scope = scope.replace("%2F", "/").replace("%2f", "/");
    scope.split('/').nth(3).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_other_bodies() {
        for (media_type, expected) in [
            ("application/json", Some(Syntax::Json)),
            ("application/x-amz-json-1.0", Some(Syntax::Json)),
            (
                "application/problem+json; charset=utf-8",
                Some(Syntax::Json),
            ),
            ("text/xml", Some(Syntax::Xml)),
            ("application/xml;charset=utf-8", Some(Syntax::Xml)),
            (
                "application/x-www-form-urlencoded; charset=utf-8",
                Some(Syntax::Form),
            ),
            ("text/html", Some(Syntax::Plain)),
            ("application/yaml", Some(Syntax::Plain)),
            ("text/event-stream", None),
            ("application/octet-stream", None),
            ("application/vnd.amazon.eventstream", None),
            ("application/x-amz-cbor-1.1", None),
            ("multipart/form-data; boundary=json", None),
            ("image/png", None),
        ] {
            assert_eq!(syntax(media_type), expected, "{media_type}");
        }
        let head = Head::default();
        assert_eq!(head.syntax_of(b" {}"), Some(Syntax::Json));
        assert_eq!(head.syntax_of(b"<a/>"), Some(Syntax::Xml));
        assert_eq!(head.syntax_of(b"PK\x03\x04"), None);
    }

    #[test]
    fn the_service_is_that_of_the_credential_scope() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host";
        assert_eq!(scope_service(header).as_deref(), Some("sqs"));
        let query = "X-Amz-Algorithm=A&X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=x";
        assert_eq!(scope_service(query).as_deref(), Some("s3"));
        assert_eq!(scope_service("Basic abc"), None);
    }

    #[test]
    fn an_objects_content_is_not_touched() {
        const S3: Option<&str> = Some("AWS4-HMAC-SHA256 Credential=A/d/us-east-1/s3/aws4_request");
        for (method, authority, target, opaque) in [
            ("PUT", "h:5000", "/bucket/key", true),
            (
                "PUT",
                "h:5000",
                "/bucket/key?partNumber=1&uploadId=x&x-id=UploadPart",
                true,
            ),
            ("PUT", "h:5000", "/bucket", false),
            ("PUT", "h:5000", "/bucket/", false),
            ("PUT", "h:5000", "/bucket?policy", false),
            ("PUT", "h:5000", "/bucket/key?tagging", false),
            ("PUT", "bucket.s3.localhost", "/key", true),
            ("PUT", "bucket.s3.localhost", "/", false),
            ("PUT", "bucket.s3.localhost", "/?notification", false),
            ("POST", "h:5000", "/bucket?delete", false),
            ("GET", "h:5000", "/bucket/key", true),
        ] {
            assert_eq!(
                Upload::new(S3, authority, target).is_opaque(method),
                opaque,
                "{method} {authority}{target}"
            );
        }
        assert!(!Upload::new(None, "h", "/bucket/key").is_opaque("PUT"));

        let stored = Head {
            is_stored: true,
            ..Head::default()
        };
        assert!(Upload::new(S3, "h", "/b/k").is_object(&stored));
        assert!(!Upload::new(S3, "h", "/b").is_object(&Head::default()));
        let other = Some("AWS4-HMAC-SHA256 Credential=A/d/us-east-1/apigateway/aws4_request");
        assert!(!Upload::new(other, "h", "/restapis").is_object(&stored));
    }
}

//! Which of S3's requests and answers are documents of the service. All others are objects, parts of them, or lists of
//! settings without names.

use aws_requests::s3::Place;
use aws_requests::{Head, parameters};

use crate::names::Pair;

/// What there is to be swapped in a request and in its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    No,
    /// A document with names in it.
    Yes,
    /// The region of a bucket, which `us-east-1` is by not being said.
    Location,
}

/// Parts of a bucket's description that have names in them.
const OF_BUCKET: [&str; 12] = [
    "acl",
    "analytics",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "logging",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "notification",
    "policy",
    "replication",
];

/// Lists of a bucket, which are only read.
const LISTS: [&str; 4] = ["list-type", "location", "uploads", "versions"];

/// Parameters that say nothing of what a request is about.
fn is_beside_the_point(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["x-amz-", "response-"]
        .iter()
        .any(|begin| lower.starts_with(begin))
        || matches!(
            name,
            "AWSAccessKeyId"
                | "Expires"
                | "Signature"
                | "bucket-region"
                | "max-buckets"
                | "max-directory-buckets"
                | "max-parts"
                | "part-number-marker"
                | "continuation-token"
                | "delimiter"
                | "encoding-type"
                | "fetch-owner"
                | "id"
                | "key-marker"
                | "marker"
                | "max-keys"
                | "max-uploads"
                | "prefix"
                | "start-after"
                | "upload-id-marker"
                | "version-id-marker"
                | "versionId"
                | "x-id"
        )
}

fn subresources(head: &Head) -> impl Iterator<Item = &str> {
    parameters(head.query()).filter(|name| !is_beside_the_point(name))
}

pub(crate) fn place(head: &Head) -> Place {
    aws_requests::s3::place(&head.authority, head.path())
}

/// What the request's body is.
pub(crate) fn request(head: &Head) -> Document {
    let place = place(head);
    let mut subresources = subresources(head);
    let (first, second) = (subresources.next(), subresources.next());
    let is_document = match (place, first, second) {
        (Place::Bucket, None, _) if head.method == "PUT" => return Document::Location,
        (Place::Bucket | Place::Unsure, Some(of), None) => OF_BUCKET.contains(&of),
        (Place::Object, Some("acl" | "encryption"), None) => true,
        _ => false,
    };
    if is_document && matches!(head.method.as_str(), "PUT" | "POST") {
        Document::Yes
    } else {
        Document::No
    }
}

/// What the answer's body is. `is_stored` says that it has the fields of an object.
pub(crate) fn answer(head: &Head, status: u16, is_stored: bool) -> Document {
    if status >= 300 {
        return Document::Yes;
    }
    let mut subresources = subresources(head);
    let (first, second) = (subresources.next(), subresources.next());
    let is_document = match (head.method.as_str(), place(head), first, second) {
        (_, _, _, Some(_)) => false,
        ("GET", Place::Bucket | Place::Unsure, Some("location"), _) => return Document::Location,
        ("GET", Place::Bucket | Place::Unsure, Some(of), _) => {
            OF_BUCKET.contains(&of) || LISTS.contains(&of)
        }
        ("GET", Place::Service | Place::Bucket | Place::Unsure, None, _) => !is_stored,
        ("GET", Place::Object, Some("acl" | "uploadId"), _) => !is_stored,
        ("POST", Place::Object, Some("uploads" | "uploadId"), _) => true,
        _ => false,
    };
    if is_document {
        Document::Yes
    } else {
        Document::No
    }
}

/// Whether a request without a signature asks for a part of a bucket's description.
pub(crate) fn is_unsigned_document(head: &Head) -> bool {
    let mut subresources = subresources(head);
    let of_bucket = subresources
        .next()
        // Anybody may write JSON; S3's XML has its own names.
        .is_some_and(|of| of != "policy" && (OF_BUCKET.contains(&of) || of == "location"));
    head.signature.is_none()
        && matches!(head.method.as_str(), "GET" | "PUT")
        && matches!(place(head), Place::Bucket | Place::Unsure)
        && of_bucket
        && subresources.next().is_none()
}

/// The region that S3 tells by saying none.
const UNSAID: &str = "us-east-1";

const EMPTY: &[u8] = b"<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></CreateBucketConfiguration>";

/// The body of a request that creates a bucket, for the other side's region; none if it stays as it is. `signed_in` is
/// the region of the signature.
pub(crate) fn create_in_other_region(
    pair: &Pair,
    body: &[u8],
    signed_in: Option<&str>,
) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let said = element(text, "LocationConstraint");
    let region = said.as_ref().map_or(UNSAID, |said| said.content.trim());
    let other = pair.other(region.as_bytes())?;
    let location = format!("<LocationConstraint>{other}</LocationConstraint>");
    match said {
        Some(said) if other == UNSAID => {
            let rest = format!("{}{}", &text[..said.start], &text[said.end..]);
            let is_empty = element(&rest, "CreateBucketConfiguration")
                .is_none_or(|root| root.content.trim().is_empty());
            Some(if is_empty {
                Vec::new()
            } else {
                rest.into_bytes()
            })
        }
        Some(said) => {
            Some(format!("{}{location}{}", &text[..said.start], &text[said.end..]).into_bytes())
        }
        // Whoever asks in another region for a bucket in none gets the service's error.
        None if signed_in.is_some_and(|region| region != UNSAID) => None,
        None => {
            let text = match element(text, "CreateBucketConfiguration") {
                Some(root) if !root.is_empty_tag => text,
                Some(_) => std::str::from_utf8(EMPTY).ok()?,
                None if text.trim().is_empty() => std::str::from_utf8(EMPTY).ok()?,
                None => return None,
            };
            let close = text.rfind("</")?;
            Some(format!("{}{location}{}", &text[..close], &text[close..]).into_bytes())
        }
    }
}

/// The answer that tells a bucket's region, for the other side; none if it stays as it is.
pub(crate) fn tell_other_region(pair: &Pair, body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let said = element(text, "LocationConstraint")?;
    let region = match said.content.trim() {
        "" => UNSAID,
        region => region,
    };
    let other = match pair.other(region.as_bytes())? {
        UNSAID => "",
        other => other,
    };
    let tag = said.tag.trim_end_matches('/');
    let (before, after) = (&text[..said.start], &text[said.end..]);
    Some(format!("{before}<{tag}>{other}</LocationConstraint>{after}").into_bytes())
}

/// An element without elements of the same name in it.
struct Element<'x> {
    start: usize,
    end: usize,
    /// Its name with its attributes.
    tag: &'x str,
    content: &'x str,
    is_empty_tag: bool,
}

fn element<'x>(text: &'x str, name: &str) -> Option<Element<'x>> {
    let open = format!("<{name}");
    let start = text.match_indices(&open).map(|(at, _)| at).find(|at| {
        let after = text[at + open.len()..].chars().next();
        after.is_some_and(|after| after.is_ascii_whitespace() || matches!(after, '>' | '/'))
    })?;
    let tag_end = start + text[start..].find('>')?;
    let tag = &text[start + 1..tag_end];
    if tag.ends_with('/') {
        return Some(Element {
            start,
            end: tag_end + 1,
            tag,
            content: "",
            is_empty_tag: true,
        });
    }
    let close = format!("</{name}>");
    let content_end = tag_end + text[tag_end..].find(&close)?;
    Some(Element {
        start,
        end: content_end + close.len(),
        tag,
        content: &text[tag_end + 1..content_end],
        is_empty_tag: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(client: &str, backend: &str) -> Pair {
        Pair {
            client: client.into(),
            backend: backend.into(),
        }
    }

    fn create(pair: &Pair, body: &str, signed_in: Option<&str>) -> Option<String> {
        let body = create_in_other_region(pair, body.as_bytes(), signed_in)?;
        Some(String::from_utf8(body).unwrap())
    }

    #[test]
    fn a_bucket_of_us_east_1_says_no_region() {
        let to_us = pair("eu-central-1", "us-east-1");
        let eu = "<CreateBucketConfiguration xmlns=\"x\"><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
        assert_eq!(
            create(&to_us, eu, Some("eu-central-1")).as_deref(),
            Some("")
        );
        let tags = eu.replace("</CreateB", "<Tags/></CreateB");
        assert_eq!(
            create(&to_us, &tags, None).as_deref(),
            Some("<CreateBucketConfiguration xmlns=\"x\"><Tags/></CreateBucketConfiguration>")
        );
        assert_eq!(create(&to_us, "", Some("eu-central-1")), None);
        assert_eq!(create(&to_us, &eu.replace("central", "west"), None), None);

        let from_us = pair("us-east-1", "eu-central-1");
        for nothing in ["", "<CreateBucketConfiguration/>"] {
            let body = create(&from_us, nothing, Some("us-east-1")).unwrap();
            assert!(
                body.contains("<LocationConstraint>eu-central-1</LocationConstraint></CreateB"),
                "{body}"
            );
        }
        assert_eq!(create(&from_us, "not XML", None), None);
        let between = pair("eu-west-1", "eu-central-1");
        assert_eq!(
            create(&between, &eu.replace("central", "west"), Some("eu-west-1")).as_deref(),
            Some(eu)
        );
    }

    #[test]
    fn a_bucket_without_a_region_is_one_of_us_east_1() {
        let tell = |pair: &Pair, body: &str| {
            tell_other_region(pair, body.as_bytes()).map(|body| String::from_utf8(body).unwrap())
        };
        let (none, empty, eu) = (
            "<?xml version=\"1.0\"?><LocationConstraint xmlns=\"x\"/>",
            "<?xml version=\"1.0\"?><LocationConstraint xmlns=\"x\"></LocationConstraint>",
            "<?xml version=\"1.0\"?><LocationConstraint xmlns=\"x\">eu-central-1</LocationConstraint>",
        );
        let shown = pair("eu-central-1", "us-east-1");
        assert_eq!(tell(&shown, none).as_deref(), Some(eu));
        assert_eq!(tell(&shown, empty).as_deref(), Some(eu));
        assert_eq!(
            tell(&pair("us-east-1", "eu-central-1"), eu).as_deref(),
            Some(empty)
        );
        assert_eq!(tell(&pair("eu-west-1", "eu-west-2"), none), None);
        assert_eq!(tell(&shown, "<Error/>"), None);
    }
}

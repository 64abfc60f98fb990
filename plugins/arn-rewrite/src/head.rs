//! Swapping names in a message's head: the target and the fields.

use aws_requests::s3::bucket_in_host;
use tollgate_plugin::FieldValue;

use crate::document::{self, swap_text, swap_url_text};
use crate::integrity;
use crate::keys::{Api, Class, class_of_head};
use crate::names::Names;

/// The target with its names swapped; none if it stays as it is. `service` is none where the request is not known to be
/// for an API.
pub(crate) fn target(
    names: &Names,
    service: Option<&str>,
    authority: &str,
    target: &str,
) -> Option<String> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let new_path = match service {
        Some("s3") if bucket_in_host(authority).is_some_and(|at| at > 0) => None,
        Some("s3") => bucket_in_path(names, path),
        Some(_) => segments(names, path),
        None => None,
    };
    let api = Api {
        service: service.unwrap_or_default(),
        is_answer: false,
    };
    let unless_aws = match service {
        Some("s3") | None => Class::Content,
        Some(_) => Class::Text,
    };
    let new_query =
        query.and_then(|query| document::swap_query(names, api, unless_aws, query.as_bytes()));
    if new_path.is_none() && new_query.is_none() {
        return None;
    }
    let path = new_path.unwrap_or_else(|| path.to_owned());
    let query = match (new_query, query) {
        (Some(new), _) => format!("?{}", String::from_utf8_lossy(&new)),
        (None, Some(query)) => format!("?{query}"),
        (None, None) => String::new(),
    };
    Some(path + &query)
}

/// The path of a request to S3: a bucket, and a key that stays.
fn bucket_in_path(names: &Names, path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?;
    let (bucket, key) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let bucket = swap_url_text(names, Class::Text, bucket.as_bytes())?;
    Some(format!("/{}{key}", String::from_utf8_lossy(&bucket)))
}

/// The path of a call: ARNs, names, and accounts that are a segment.
fn segments(names: &Names, path: &str) -> Option<String> {
    let mut changed = false;
    let segments: Vec<_> = path
        .split('/')
        .map(|segment| {
            let swapped = swap_url_text(names, Class::Account, segment.as_bytes());
            changed |= swapped.is_some();
            swapped.map_or(segment.into(), |text| {
                String::from_utf8_lossy(&text).into_owned()
            })
        })
        .collect();
    changed.then(|| segments.join("/"))
}

/// The fields that have a name to swap, with all of their values. `location` says what `location` holds.
pub(crate) fn fields(
    names: &Names,
    location: Class,
    fields: &[(String, FieldValue)],
) -> Vec<(String, Vec<u8>)> {
    let swapped = |name: &str, value: &FieldValue| field(names, location, name, value.as_bytes());
    let changed = |name: &str| {
        fields
            .iter()
            .any(|(of, value)| of == name && swapped(name, value).is_some())
    };
    let mut all = Vec::new();
    for (name, value) in fields {
        if !integrity::is_the_hosts(name) && changed(name) {
            let value = swapped(name, value).unwrap_or_else(|| value.as_bytes().to_vec());
            all.push((name.clone(), value));
        }
    }
    all
}

fn field(names: &Names, location: Class, name: &str, value: &[u8]) -> Option<Vec<u8>> {
    match name {
        "host" => swap_text(names, Class::Text, value),
        // The credential scope; other schemes hold secrets.
        "authorization" if value.starts_with(b"AWS4-") => swap_text(names, Class::Text, value),
        "location" => swap_text(names, location, value),
        _ => match class_of_head(name) {
            Class::Bucket => swap_url_text(names, Class::Bucket, value),
            class => swap_text(names, class, value),
        },
    }
}

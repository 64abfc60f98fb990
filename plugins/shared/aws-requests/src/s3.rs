//! S3: what a request is about, and by which operation.

use std::net::Ipv6Addr;

use crate::rest;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The account's buckets.
    Service,
    Bucket,
    Object,
    /// A bucket by its path, or an object of a bucket that the host names.
    Unsure,
}

/// Names by which requests to S3 are signed.
pub fn is_service(name: &str) -> bool {
    matches!(
        name,
        "s3" | "s3express" | "s3-object-lambda" | "s3-outposts"
    )
}

/// Where the bucket's name stands in an authority: `BUCKET.s3.…`. Zero if the host is S3's and names none, none if it
/// isn't S3's.
pub fn bucket_in_host(authority: &str) -> Option<usize> {
    let is_s3 = |rest: &str| rest.starts_with("s3.") || rest.starts_with("s3-");
    if is_s3(authority) {
        return Some(0);
    }
    let mut dots = authority.match_indices('.').map(|(at, _)| at);
    dots.rfind(|at| is_s3(&authority[at + 1..]))
}

/// Whether the host is S3's, with or without a bucket.
pub fn is_host(authority: &str) -> bool {
    bucket_in_host(authority).is_some()
}

/// Whether the bucket can only stand in the path: the host is an address, or a single name.
fn is_plain_host(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_address = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    !host.contains('.')
        || is_address
        || host.parse::<Ipv6Addr>().is_ok()
        || host.starts_with("localhost.")
        || host == "host.docker.internal"
}

/// What a request with this host and path is about.
pub fn place(authority: &str, path: &str) -> Place {
    let rest = path.strip_prefix('/').unwrap_or(path);
    let (first, key) = match rest.split_once('/') {
        Some((first, key)) => (first, Some(key).filter(|key| !key.is_empty())),
        None => (rest, None),
    };
    match bucket_in_host(authority) {
        Some(at) if at > 0 && rest.is_empty() => Place::Bucket,
        Some(at) if at > 0 => Place::Object,
        _ if first.is_empty() && key.is_none() => Place::Service,
        _ if key.is_some() => Place::Object,
        Some(_) => Place::Bucket,
        None if is_plain_host(authority) => Place::Bucket,
        None => Place::Unsure,
    }
}

/// The operation by its name, as in botocore's model. Of a request that may be about a bucket or an object, the bucket's.
pub(crate) fn operation(
    place: Place,
    method: &str,
    query: &str,
    copies: bool,
) -> Option<&'static str> {
    let path = match place {
        Place::Service => "/",
        Place::Bucket | Place::Unsure => "/b",
        Place::Object => "/b/k",
    };
    let copies = if copies {
        "&header:x-amz-copy-source"
    } else {
        ""
    };
    rest::operation("s3", method, path, &format!("{query}{copies}"))
}

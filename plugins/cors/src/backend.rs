//! CORS rules that the backend has itself: a bucket's in S3, an API's in API Gateway.

use tollgate_plugin::{Request, Response};

use crate::{ALLOW_ORIGIN, REQUEST_HEADERS};

/// Whether what a preflight asks about may have rules of its own. AWS's APIs that have none take all calls at the root, or
/// by `x-amz-target`.
pub(crate) fn may_have_rules(preflight: &Request) -> bool {
    let authority = preflight.authority();
    let names_bucket = authority.contains(".s3.") || authority.contains(".s3-");
    let asks_for_target = preflight
        .field_values(REQUEST_HEADERS)
        .iter()
        .any(|names| names.has_member("x-amz-target"));
    (names_bucket || preflight.path() != "/") && !asks_for_target
}

/// Whether the backend's answer to a preflight is that of rules: it allows an origin and is a success, without which
/// browsers take no permission, or S3 says that its rules don't allow it.
pub(crate) fn has_ruled(response: &Response) -> bool {
    let status = response.status();
    if status != 403 {
        let origin = response.field(ALLOW_ORIGIN);
        return status < 300 && origin.is_some_and(|value| value != "");
    }
    let says = response.body().unwrap_or_default();
    let contains = |words: &[u8]| says.windows(words.len()).any(|window| window == words);
    contains(b"CORSResponse") && !contains(b"CORS is not enabled")
}

/// Fields that no plugin may change.
pub(crate) fn is_of_connection(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

//! URLs in answers that name the backend become those that the client can use: with the scheme, host and port that it used.

use std::net::IpAddr;

use aws_requests::s3;
use tollgate_plugin::{Request, Response};

use crate::call;

/// Answers of SQS with URLs of queues. The other ones have messages, which are not for us.
const QUEUE_ACTIONS: [&str; 4] = [
    "CreateQueue",
    "GetQueueUrl",
    "ListQueues",
    "ListDeadLetterSourceQueues",
];

/// What the client calls the place that it sends requests to, without a slash at the end: `https://aws.example:8443`.
pub fn base(request: &Request, public: Option<&str>) -> String {
    match public {
        Some(url) => url.to_owned(),
        None => format!("{}://{}", request.scheme(), request.authority()),
    }
}

/// What is to be replaced in an answer.
pub fn in_answer(
    request: &Request,
    response: &Response,
    public: Option<&str>,
) -> Vec<(String, String)> {
    let pairs = pairs(request, response, public).unwrap_or_default();
    pairs.into_iter().filter(|(from, to)| from != to).collect()
}

/// Texts with what stands in their place.
fn pairs(
    request: &Request,
    response: &Response,
    public: Option<&str>,
) -> Option<Vec<(String, String)>> {
    if response.status() != 200 && response.status() != 201 {
        return None;
    }
    let target = request.target();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if path.starts_with("/v2/apis") {
        return endpoints(&base(request, public), &call::region(request));
    }
    if request.method() != "POST" {
        return None;
    }
    // moto takes the host of the request and always `http`.
    let backends = || format!("http://{}/", request.authority());
    let media_type = request
        .field("content-type")
        .map(|value| value.to_string())
        .unwrap_or_default();
    if let Some(action) = request.field("x-amz-target") {
        let action = action.to_string();
        let action = action.strip_prefix("AmazonSQS.")?;
        QUEUE_ACTIONS.contains(&action).then_some(())?;
        return Some(vec![(
            format!("\"{}", backends()),
            format!("\"{}/", base(request, public)),
        )]);
    }
    if media_type.starts_with("application/x-www-form-urlencoded") {
        // A message is escaped, so it has no such element.
        let element = |url: &str| format!("<QueueUrl>{url}");
        return Some(vec![(
            element(&backends()),
            element(&format!("{}/", base(request, public))),
        )]);
    }
    let is_completion = aws_requests::parameters(query).any(|name| name == "uploadId");
    is_completion.then(|| location(request, path, &base(request, public)))?
}

/// Where an object is that came in parts.
fn location(request: &Request, path: &str, base: &str) -> Option<Vec<(String, String)>> {
    let authority = request.authority();
    let element = |url: &str| format!("<Location>{url}");
    let (bucket, to) = match s3::bucket_in_host(&authority).filter(|at| *at > 0) {
        Some(at) => (authority[..at].trim_end_matches('.'), format!("{base}/")),
        None => {
            let bucket = path.trim_start_matches('/').split('/').next()?;
            (bucket, format!("{base}/{bucket}/"))
        }
    };
    Some(vec![(
        element(&format!("http://{bucket}.s3.amazonaws.com/")),
        element(&to),
    )])
}

/// Endpoints of APIs. They are names below the host, so there are none if the host is an address.
fn endpoints(base: &str, region: &str) -> Option<Vec<(String, String)>> {
    let (scheme, authority) = base.split_once("://")?;
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    if authority.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let mut pairs = Vec::new();
    for space in ["", " "] {
        let member = |scheme: &str| format!("\"apiEndpoint\":{space}\"{scheme}://");
        pairs.push((member("https"), member(scheme)));
    }
    let domain = format!(".execute-api.{region}.amazonaws.com\"");
    pairs.push((domain, format!(".execute-api.{authority}\"")));
    Some(pairs)
}

//! Requests that change nothing: by method, or by the operation that they name.

use crate::record::content;
use crate::record::{Message, StartLine};

/// Beginnings of operations that read, as AWS and others name them.
const READS: [&str; 9] = [
    "get", "list", "describe", "head", "query", "scan", "batchget", "search", "lookup",
];

/// Operations that begin like these and change something.
const CHANGES: [&str; 3] = ["GetSessionToken", "GetFederationToken", "QueryObjects"];

/// Whether a request changes nothing. One of which nothing is known does.
pub fn is_read(request: &Message) -> bool {
    let StartLine::Request { method, target, .. } = &request.line else {
        return false;
    };
    match &method[..] {
        "GET" | "HEAD" | "OPTIONS" | "TRACE" => true,
        "POST" => operation(request, target).is_some_and(|name| reads(&name)),
        _ => false,
    }
}

/// The operation that a request to an AWS service names: `x-amz-target: SERVICE.NAME`, or `Action=NAME` in query or form.
fn operation(request: &Message, target: &str) -> Option<String> {
    if let Some(target) = request.field("x-amz-target") {
        let name = target.rsplit(|byte| *byte == b'.').next()?;
        return Some(String::from_utf8_lossy(name).into_owned());
    }
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let body = content::decoded(request);
    let texts = [query.as_bytes(), &body];
    let mut pairs = texts
        .iter()
        .flat_map(|text| text.split(|byte| *byte == b'&'));
    let action = pairs.find_map(|pair| pair.strip_prefix(b"Action="))?;
    Some(String::from_utf8_lossy(action).into_owned())
}

fn reads(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    READS.iter().any(|read| lower.starts_with(read)) && !CHANGES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{self, content, field};

    fn request(method: &str, target: &str, fields: &[(&str, &str)], body: &str) -> Message {
        let mut request = sample::exchange().request;
        request.line = StartLine::Request {
            method: method.to_owned(),
            target: target.to_owned(),
            authority: "h".to_owned(),
        };
        request.fields = fields
            .iter()
            .map(|(name, value)| field(name, value))
            .collect();
        request.content = content(body.as_bytes());
        request
    }

    #[test]
    fn an_operation_says_more_than_a_method() {
        let target = |value| [("X-Amz-Target", value)];
        for (request, read) in [
            (request("GET", "/", &[], ""), true),
            (request("PUT", "/", &[], ""), false),
            (request("POST", "/", &[], "{}"), false),
            (
                request("POST", "/", &target("DynamoDB_20120810.ListTables"), ""),
                true,
            ),
            (
                request("POST", "/", &target("DynamoDB_20120810.PutItem"), ""),
                false,
            ),
            (
                request("POST", "/", &target("AmazonSQS.ReceiveMessage"), ""),
                false,
            ),
            (
                request("POST", "/", &[], "Action=DescribeInstances&Version=1"),
                true,
            ),
            (
                request("POST", "/", &[], "Version=1&Action=RunInstances"),
                false,
            ),
            (request("POST", "/?Action=GetUser", &[], ""), true),
            (request("POST", "/", &[], "Action=GetSessionToken"), false),
        ] {
            assert_eq!(is_read(&request), read, "{request:?}");
        }
    }
}

//! Requests that wait for something to happen: sent again they may wait for it for long, and take what they get from others.

use crate::record::content;
use crate::record::{Message, StartLine};

/// Microseconds until its answer began from which on a request counts as one.
const LONG: u64 = 10_000_000;

/// Names of values that say how long to wait, in seconds or otherwise.
const WAITS: [&[u8]; 3] = [b"WaitTimeSeconds", b"wait", b"timeoutSeconds"];

/// Whether it says that it waits, or did so for so many microseconds.
pub fn is_one(request: &Message, took: u64) -> bool {
    let StartLine::Request { target, .. } = &request.line else {
        return false;
    };
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let prefers = request.field("prefer").unwrap_or_default();
    took >= LONG
        || prefers.starts_with(b"wait=")
        || says(query.as_bytes())
        || says(&content::decoded(request))
}

/// Whether a text has such a name with a number above zero behind it: `name=5`, `"name": 5`.
fn says(text: &[u8]) -> bool {
    WAITS.iter().any(|name| {
        memchr::memmem::find_iter(text, name).any(|at| {
            let is_begin = at == 0 || matches!(text[at - 1], b'&' | b'"' | b'?');
            let rest = &text[at + name.len()..];
            let digits = rest
                .iter()
                .position(|byte| !matches!(byte, b'"' | b':' | b'=' | b' '));
            let value = digits.map_or(&[][..], |start| &rest[start..]);
            is_begin && digits != Some(0) && matches!(value, [b'1'..=b'9', ..])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{self, content};

    #[test]
    fn who_says_that_it_waits_does() {
        let mut request = sample::exchange().request;
        for (target, body, took, waits) in [
            ("/", "", 0, false),
            ("/", "", LONG, true),
            ("/", r#"{"QueueUrl":"u","WaitTimeSeconds": 20}"#, 0, true),
            ("/", r#"{"QueueUrl":"u","WaitTimeSeconds":0}"#, 0, false),
            ("/", "Action=ReceiveMessage&WaitTimeSeconds=5", 0, true),
            ("/v1/kv/a?index=7&wait=5m", "", 0, true),
            ("/?await=5", "", 0, false),
            ("/", "Attribute=ReceiveMessageWaitTimeSeconds=5", 0, false),
        ] {
            request.line = StartLine::Request {
                method: "POST".to_owned(),
                target: target.to_owned(),
                authority: "h".to_owned(),
            };
            request.content = content(body.as_bytes());
            assert_eq!(is_one(&request, took), waits, "{target} {body}");
        }
    }
}

//! How an error looks in each of AWS's protocols, so that an SDK raises the exception that it would for the real one.

use serde_json::{Value, json};
use tollgate_plugin::Answer;

use crate::chance::Chance;
use crate::subject::Subject;

/// What a request speaks, and so what its answer must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `x-amz-target` and JSON (DynamoDB, Kinesis, SQS, …); holds the media type.
    Json(String),
    /// The same in CBOR, which Kinesis's Java clients speak; holds the media type.
    Cbor(String),
    /// Smithy's rpc-v2-cbor (CloudWatch and others).
    RpcCbor,
    /// Parameters in a form, XML back (SNS, STS, IAM, CloudFormation, …).
    Query,
    Ec2,
    S3,
    /// Paths and JSON (Lambda, API Gateway, …).
    RestJson,
    /// Paths and XML (Route 53, CloudFront).
    RestXml,
    /// Not AWS.
    Plain,
}

impl Protocol {
    pub(crate) fn of(subject: &Subject<'_>) -> Self {
        let media_type = subject.media_type();
        let or = |default: &str| match media_type.as_str() {
            "" => default.to_owned(),
            media_type => media_type.to_owned(),
        };
        let Some(call) = subject.known_call() else {
            let is_form = media_type.starts_with("application/x-www-form-urlencoded");
            return match subject.signed_for() {
                Some("ec2") => Self::Ec2,
                Some(_) if is_form => Self::Query,
                Some(_) => Self::RestJson,
                None => Self::Plain,
            };
        };
        match call.protocol {
            aws_requests::Protocol::Json => Self::Json(or("application/x-amz-json-1.0")),
            aws_requests::Protocol::Cbor => Self::Cbor(or("application/x-amz-cbor-1.1")),
            aws_requests::Protocol::RpcCbor => Self::RpcCbor,
            aws_requests::Protocol::Query => Self::Query,
            aws_requests::Protocol::Ec2 => Self::Ec2,
            aws_requests::Protocol::S3 => Self::S3,
            aws_requests::Protocol::Rest => match call.service.as_str() {
                "cloudfront" | "route53" | "s3-control" => Self::RestXml,
                _ => Self::RestJson,
            },
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        matches!(self, Self::Json(_))
    }

    /// An answer of 200 with this JSON.
    pub(crate) fn success(&self, body: &Value, chance: &Chance) -> Answer {
        self.answer(200, body.to_string().into_bytes(), chance)
    }

    /// An error. A code may have the namespace of its service (`com.amazonaws…#Code`), which only JSON shows.
    pub(crate) fn error(&self, status: u16, code: &str, message: &str, chance: &Chance) -> Answer {
        let short = code.rsplit('#').next().unwrap_or(code);
        let (code_xml, message_xml) = (escaped(short), escaped(message));
        let id = request_id(chance);
        let fault = if status < 500 { "Sender" } else { "Receiver" };
        let body = match self {
            Self::Json(_) => json!({ "__type": code, "message": message }).to_string(),
            Self::RestJson => json!({ "message": message }).to_string(),
            Self::Query | Self::RestXml => format!(
                "<ErrorResponse><Error><Type>{fault}</Type><Code>{code_xml}</Code><Message>{message_xml}</Message></Error>\
                 <RequestId>{id}</RequestId></ErrorResponse>"
            ),
            Self::Ec2 => format!(
                "<Response><Errors><Error><Code>{code_xml}</Code><Message>{message_xml}</Message></Error></Errors>\
                 <RequestID>{id}</RequestID></Response>"
            ),
            Self::S3 => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code_xml}</Code>\
                 <Message>{message_xml}</Message><RequestId>{id}</RequestId></Error>"
            ),
            Self::Plain => format!("{short}: {message}\n"),
            Self::Cbor(_) | Self::RpcCbor => {
                return self.answer(
                    status,
                    cbor_map(&[("__type", code), ("message", message)]),
                    chance,
                );
            }
        };
        let answer = self.answer(status, body.into_bytes(), chance);
        if *self == Self::RestJson {
            answer.field("x-amzn-errortype", short)
        } else {
            answer
        }
    }

    fn answer(&self, status: u16, body: Vec<u8>, chance: &Chance) -> Answer {
        let (media_type, id_field) = match self {
            Self::Json(media_type) | Self::Cbor(media_type) => {
                (media_type.as_str(), "x-amzn-requestid")
            }
            Self::RpcCbor => ("application/cbor", "x-amzn-requestid"),
            Self::RestJson => ("application/json", "x-amzn-requestid"),
            Self::Query | Self::RestXml | Self::Ec2 => ("text/xml", "x-amzn-requestid"),
            Self::S3 => ("application/xml", "x-amz-request-id"),
            Self::Plain => {
                return Answer::new(status)
                    .field("content-type", "text/plain; charset=utf-8")
                    .body(body);
            }
        };
        let answer = Answer::new(status)
            .field("content-type", media_type)
            .field(id_field, request_id(chance));
        let crc = crc32fast::hash(&body).to_string();
        let answer = if self.is_json() {
            answer.field("x-amz-crc32", crc)
        } else {
            answer
        };
        // A client of this protocol refuses an answer that doesn't name it.
        let answer = match self {
            Self::RpcCbor => answer.field("smithy-protocol", "rpc-v2-cbor"),
            _ => answer,
        };
        answer.body(body)
    }
}

/// An id of the form that AWS's have.
fn request_id(chance: &Chance) -> String {
    let (high, low) = (chance.number("id high"), chance.number("id low"));
    let hex = format!("{high:016x}{low:016x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Text as it may stand in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A map of texts in CBOR (RFC 8949, section 3.1).
fn cbor_map(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor_head(&mut out, 5, entries.len());
    for text in entries.iter().flat_map(|(key, value)| [key, value]) {
        cbor_head(&mut out, 3, text.len());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// A major type with its argument. Texts of 64 KiB and more have no place in an error.
#[expect(
    clippy::cast_possible_truncation,
    reason = "each arm has room for its range"
)]
fn cbor_head(out: &mut Vec<u8>, major: u8, argument: usize) {
    match argument {
        0..=23 => out.push(major << 5 | argument as u8),
        24..=0xff => out.extend([major << 5 | 24, argument as u8]),
        _ => {
            out.push(major << 5 | 25);
            out.extend((argument.min(0xffff) as u16).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_plugin::testing::{self, Exchange};

    use super::*;
    use crate::tests::{call, run, signed};

    #[test]
    fn cbor_is_as_the_rfc_says() {
        // RFC 8949, appendix A: {"a": "A", "b": "B"}.
        assert_eq!(
            cbor_map(&[("a", "A"), ("b", "B")]),
            [0xa2, 0x61, 0x61, 0x61, 0x41, 0x61, 0x62, 0x61, 0x42]
        );
        let long = cbor_map(&[("a", &"x".repeat(300))]);
        assert_eq!(long[..6], [0xa1, 0x61, 0x61, 0x79, 0x01, 0x2c]);
        assert_eq!(cbor_map(&[("a", &"x".repeat(24))])[3..5], [0x78, 24]);
    }

    #[test]
    fn a_rule_answers_in_the_protocol_of_the_request() {
        let faults = json!([{ "code": "SlowDown", "message": "<less>", "status": 503, "fields": { "retry-after": "1" } }]);
        let fails = |exchange: Exchange| {
            let outcome = run(exchange.setting("faults", faults.clone()));
            assert!(!outcome.reached_backend);
            assert_eq!(
                (
                    outcome.response.status,
                    outcome.response.field("retry-after")
                ),
                (503, Some("1"))
            );
            outcome.response
        };
        let s3 = fails(signed("s3"));
        assert!(
            s3.text()
                .contains("<Error><Code>SlowDown</Code><Message>&lt;less&gt;</Message>"),
            "{}",
            s3.text()
        );
        let query = fails(signed("sns").field(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        ));
        assert!(
            query
                .text()
                .starts_with("<ErrorResponse><Error><Type>Receiver</Type><Code>SlowDown</Code>")
        );
        let ec2 = fails(signed("ec2").field("content-type", "application/x-www-form-urlencoded"));
        assert!(
            ec2.text()
                .starts_with("<Response><Errors><Error><Code>SlowDown</Code>")
        );
        let rest = fails(signed("lambda"));
        assert_eq!(
            (rest.text(), rest.field("x-amzn-errortype")),
            (r#"{"message":"<less>"}"#, Some("SlowDown"))
        );
        let xml = fails(signed("route53"));
        assert!(xml.text().starts_with("<ErrorResponse><Error><Type>"));
        let rpc = testing::exchange()
            .method("POST")
            .target("/service/GraniteServiceVersion20100801/operation/PutMetricData")
            .field("smithy-protocol", "rpc-v2-cbor");
        let rpc = fails(rpc);
        assert_eq!(rpc.field("smithy-protocol"), Some("rpc-v2-cbor"));
        assert_eq!(rpc.field("content-type"), Some("application/cbor"));
        assert!(rpc.body.starts_with(b"\xa2\x66__type\x68SlowDown"));
        let json = fails(call("AmazonSQS.SendMessage", &json!({})));
        assert_eq!(json.text(), r#"{"__type":"SlowDown","message":"<less>"}"#);
        assert_eq!(fails(testing::exchange()).text(), "SlowDown: <less>\n");
    }
}

//! A request as its signature sees it.

use tollgate_plugin::{Request, url};

use super::refusal::Refusal;

/// Parameters of the signature that count once: of version 4, and of S3's version 2.
const V4: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
];
const V2: [&str; 3] = ["AWSAccessKeyId", "Signature", "Expires"];

/// What of a request can be signed.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub method: String,
    /// The host and port that the client asked for.
    pub authority: String,
    /// As on the wire.
    pub path: String,
    /// Names and values as a server reads them.
    pub query: Vec<(String, String)>,
    /// Names in lower case, in the order of the message.
    pub fields: Vec<(String, String)>,
}

impl Sent {
    pub fn of(request: &Request) -> Self {
        let fields = request.fields().into_iter();
        Self {
            method: request.method(),
            authority: request.authority(),
            path: request.path(),
            query: request.query_params(),
            fields: fields
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
                .collect(),
        }
    }

    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(of, _)| of == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter. The case of its name does not count, so that another spelling is no way past the check.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let is_meant = |(of, _): &&(String, String)| of.eq_ignore_ascii_case(name);
        self.query
            .iter()
            .find(is_meant)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the query has a signature of version 4, or a part of one.
    pub fn has_v4_query(&self) -> bool {
        V4[..3].iter().any(|name| self.parameter(name).is_some())
    }

    /// Whether the query has a signature of version 2, or a part of one.
    fn has_v2_query(&self) -> bool {
        self.parameter(V2[0]).is_some()
    }

    /// The values of `authorization`, if one of them is AWS's.
    fn signed_fields(&self) -> usize {
        let all = self.fields.iter().filter(|(of, _)| of == "authorization");
        let is_aws = |value: &str| value.starts_with("AWS4-") || value.starts_with("AWS ");
        if all.clone().any(|(_, value)| is_aws(value)) {
            all.count()
        } else {
            0
        }
    }

    /// Whether the query or a field has a signature.
    pub fn is_signed(&self) -> bool {
        self.has_v4_query() || self.has_v2_query() || self.signed_fields() > 0
    }

    /// Refuses what has more than one signature: the backend may take another one than what is checked here.
    pub fn has_one_signature(&self) -> Result<(), Refusal> {
        let (v4, v2) = (self.has_v4_query(), self.has_v2_query());
        if usize::from(v4) + usize::from(v2) + self.signed_fields() > 1 {
            return Err(Refusal::Ambiguous);
        }
        let names: &[&str] = match (v4, v2) {
            (true, _) => &V4,
            (_, true) => &V2,
            _ => &[],
        };
        let count = |name: &str| {
            let of_name = |(of, _): &&(String, String)| of.eq_ignore_ascii_case(name);
            self.query.iter().filter(of_name).count()
        };
        match names.iter().find(|name| count(name) > 1) {
            Some(name) => Err(Refusal::Malformed(format!("{name} is repeated"))),
            None => Ok(()),
        }
    }

    /// All values of a field as they are signed: without spaces around them, one space between words, separated by commas.
    pub fn signed_values(&self, name: &str) -> String {
        if name == "host" {
            return self.authority.clone();
        }
        let values = self.fields.iter().filter(|(of, _)| of == name);
        let words = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
        let values: Vec<_> = values.map(|(_, value)| words(value)).collect();
        values.join(",")
    }
}

/// Percent-encodes all but letters, digits, `-._~`, and `/`.
pub fn encode_path(path: &str) -> String {
    let parts: Vec<_> = path.split('/').map(url::encode).collect();
    parts.join("/")
}

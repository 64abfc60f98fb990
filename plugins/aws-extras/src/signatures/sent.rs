//! A request as its signature sees it.

use tollgate_plugin::{Request, url};

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

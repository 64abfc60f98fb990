//! Sets a field on every request and every response: the smallest plugin that does something.

use tollgate_plugin::{Plugin, Request, Response, Result, Verdict};

/// The settings, ready for use.
#[derive(serde::Deserialize)]
#[serde(try_from = "Settings")]
struct AddHeader {
    name: String,
    value: String,
}

/// The settings as written.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    name: String,
    value: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "x-tollgate".into(),
            value: "hello".into(),
        }
    }
}

impl TryFrom<Settings> for AddHeader {
    type Error = String;

    /// What can't be sent is told when the settings are read, and not by each exchange.
    fn try_from(Settings { name, value }: Settings) -> Result<Self, String> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!(
                "setting name is {name:?}: expected the name of a field"
            ));
        }
        if value.bytes().any(|b| b != b'\t' && b.is_ascii_control()) {
            return Err(format!(
                "setting value is {value:?}: expected text without control characters"
            ));
        }
        Ok(Self { name, value })
    }
}

impl Plugin for AddHeader {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        request.set_field(&self.name, &self.value)?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        Ok(response.set_field(&self.name, &self.value)?)
    }
}

tollgate_plugin::export!(AddHeader);

#[cfg(test)]
mod tests;

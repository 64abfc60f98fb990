//! What the plugin can be told.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::rules;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub(crate) struct Chaos {
    pub(crate) seed: Option<u64>,
    pub(crate) key_fields: Vec<String>,
    pub(crate) dynamodb_error_probability: f64,
    pub(crate) dynamodb_read_error_probability: f64,
    pub(crate) dynamodb_write_error_probability: f64,
    pub(crate) kinesis_error_probability: f64,
    pub(crate) batch_partial: bool,
    pub(crate) faults: Vec<Fault>,
    /// What is said of rules that seem to be mistaken, and can be meant so.
    pub(crate) doubts: Vec<String>,
}

/// A rule: which requests it is about, how often it strikes, and what it does.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) method: Option<Pattern>,
    pub(crate) path: Option<Pattern>,
    pub(crate) service: Option<Pattern>,
    pub(crate) action: Option<Pattern>,
    pub(crate) probability: f64,
    /// The least and the most.
    pub(crate) latency_ms: (f64, f64),
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) fields: BTreeMap<String, String>,
}

/// A text in which `*` stands for any text.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Pattern(pub(crate) String);

/// The settings as written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    seed: Option<u64>,
    key_fields: Vec<String>,
    dynamodb_error_probability: f64,
    dynamodb_read_error_probability: f64,
    dynamodb_write_error_probability: f64,
    kinesis_error_probability: f64,
    batch_partial: bool,
    faults: Vec<FaultSettings>,
}

/// A rule as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultSettings {
    method: Option<Pattern>,
    path: Option<Pattern>,
    service: Option<Pattern>,
    action: Option<Pattern>,
    #[serde(default = "always")]
    probability: f64,
    latency_ms: Option<Latency>,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    body: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Latency {
    Fixed(f64),
    Range(f64, f64),
}

/// Longer than any client waits, and shorter than the host lets a call take.
const MOST_LATENCY_MS: f64 = 60_000.0;

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: None,
            key_fields: ["amz-sdk-request", "idempotency-key", "x-request-id"]
                .map(str::to_owned)
                .to_vec(),
            dynamodb_error_probability: 0.0,
            dynamodb_read_error_probability: 0.0,
            dynamodb_write_error_probability: 0.0,
            kinesis_error_probability: 0.0,
            batch_partial: true,
            faults: Vec::new(),
        }
    }
}

impl TryFrom<Settings> for Chaos {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        for (key, probability) in [
            (
                "dynamodb_error_probability",
                settings.dynamodb_error_probability,
            ),
            (
                "dynamodb_read_error_probability",
                settings.dynamodb_read_error_probability,
            ),
            (
                "dynamodb_write_error_probability",
                settings.dynamodb_write_error_probability,
            ),
            (
                "kinesis_error_probability",
                settings.kinesis_error_probability,
            ),
        ] {
            check_probability(key, probability)?;
        }
        for name in &settings.key_fields {
            rules::check_field_name("key_fields", name)?;
        }
        let faults = settings.faults.into_iter().enumerate();
        let faults: Vec<_> = faults
            .map(|(index, fault)| fault.checked(index))
            .collect::<Result<_, _>>()?;
        let doubts = rules::check(&faults)?;
        Ok(Self {
            seed: settings.seed,
            key_fields: settings
                .key_fields
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            dynamodb_error_probability: settings.dynamodb_error_probability,
            dynamodb_read_error_probability: settings.dynamodb_read_error_probability,
            dynamodb_write_error_probability: settings.dynamodb_write_error_probability,
            kinesis_error_probability: settings.kinesis_error_probability,
            batch_partial: settings.batch_partial,
            faults,
            doubts,
        })
    }
}

impl FaultSettings {
    fn checked(self, index: usize) -> Result<Fault, String> {
        let key = |name: &str| format!("faults[{index}].{name}");
        check_probability(&key("probability"), self.probability)?;
        let latency_ms = match self.latency_ms {
            None => (0.0, 0.0),
            Some(Latency::Fixed(all)) => (all, all),
            Some(Latency::Range(least, most)) => (least, most),
        };
        if !(0.0 <= latency_ms.0 && latency_ms.0 <= latency_ms.1 && latency_ms.1 <= MOST_LATENCY_MS)
        {
            let (least, most) = latency_ms;
            let key = key("latency_ms");
            return Err(format!(
                "setting {key} is {least} to {most}: expected a range within 0 to {MOST_LATENCY_MS}"
            ));
        }
        if let Some(status) = self.status.filter(|status| !(200..=599).contains(status)) {
            return Err(format!(
                "setting {} is {status}: expected 200 to 599",
                key("status")
            ));
        }
        let answers = self.status.is_some() || self.code.is_some();
        if !answers && latency_ms.1 == 0.0 {
            return Err(format!(
                "setting faults[{index}] does nothing: give it a status, a code or latency_ms"
            ));
        }
        if !answers && (self.message.is_some() || self.body.is_some() || !self.fields.is_empty()) {
            return Err(format!(
                "setting faults[{index}] has an answer without a status"
            ));
        }
        Ok(Fault {
            method: self.method,
            path: self.path,
            service: self.service,
            action: self.action,
            probability: self.probability,
            latency_ms,
            status: self.status,
            code: self.code,
            message: self.message,
            body: self.body,
            fields: self.fields,
        })
    }
}

impl Pattern {
    pub(crate) fn fits(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return self.0 == text;
        };
        let Some(mut text) = text.strip_prefix(first) else {
            return false;
        };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            match text.find(part) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        text.ends_with(last)
    }
}

fn always() -> f64 {
    1.0
}

fn check_probability(key: &str, probability: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&probability) {
        return Ok(());
    }
    Err(format!("setting {key} is {probability}: expected 0 to 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("*", "", true),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a", false),
            ("*/c", "/a/b/c", true),
            ("/a*c*e", "/abcde", true),
            ("/a*c*e", "/abde", false),
            ("a*a", "a", false),
            ("*b*", "abc", true),
        ] {
            assert_eq!(Pattern(pattern.into()).fits(text), fits, "{pattern} {text}");
        }
    }
}

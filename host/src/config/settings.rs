//! A plugin's settings: as it gets them, and as they were written.

use std::collections::BTreeMap;

use serde_json::Value;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// As the plugin gets it: a string as it is, any other TOML value as JSON text.
    pub text: String,
    /// The TOML value as JSON; dates and times are strings.
    pub value: Value,
}

/// The settings of a plugin, sorted by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Kept as a list, which is what guests get.
    texts: Vec<(String, String)>,
    values: serde_json::Map<String, Value>,
}

impl Settings {
    /// Settings from a JSON object, as they would be from TOML.
    ///
    /// # Errors
    /// The key of a value that has a `null` in it, which no file can say.
    pub fn from_values(values: serde_json::Map<String, Value>) -> Result<Self, String> {
        let setting = |(key, value): (String, Value)| match has_null(&value) {
            true => Err(key),
            false => {
                let text = match &value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Ok((key, Setting { text, value }))
            }
        };
        values.into_iter().map(setting).collect()
    }

    /// As the plugin gets them, sorted by key.
    pub fn texts(&self) -> &[(String, String)] {
        &self.texts
    }

    /// All of them as one JSON object.
    pub fn values(&self) -> &serde_json::Map<String, Value> {
        &self.values
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// These, and those of `weaker` whose keys are not here.
    #[must_use]
    pub fn over(&self, weaker: &Self) -> Self {
        weaker.entries().chain(self.entries()).collect()
    }

    fn entries(&self) -> impl Iterator<Item = (String, Setting)> {
        self.texts.iter().map(|(key, text)| {
            let (text, value) = (text.clone(), self.values.get(key).cloned());
            let value = value.unwrap_or_default();
            (key.clone(), Setting { text, value })
        })
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(entries) => entries.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Of several with one key the last one counts.
impl FromIterator<(String, Setting)> for Settings {
    fn from_iter<T: IntoIterator<Item = (String, Setting)>>(settings: T) -> Self {
        let sorted: BTreeMap<String, Setting> = settings.into_iter().collect();
        let values = sorted.iter().map(|(k, s)| (k.clone(), s.value.clone()));
        Self {
            values: values.collect(),
            texts: sorted.into_iter().map(|(k, s)| (k, s.text)).collect(),
        }
    }
}

/// Settings that are strings.
impl<const N: usize> From<[(&str, &str); N]> for Settings {
    fn from(settings: [(&str, &str); N]) -> Self {
        let setting = |(key, text): (&str, &str)| {
            let (text, value) = (text.to_owned(), text.into());
            (key.to_owned(), Setting { text, value })
        };
        settings.into_iter().map(setting).collect()
    }
}

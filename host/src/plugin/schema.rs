//! The schema of a plugin's settings: a JSON Schema that the plugin carries in a custom section, or that stands beside it in
//! `NAME.schema.json`, which goes before the section. Settings are held against it before the plugin is started.
//!
//! A schema is anybody's, as the plugin is, and nothing bounds the time that a validator takes. So it is bounded before it is
//! used ([`bounds`]): its size, what one value may be held against, and its patterns, which are for an engine whose time is
//! linear. It refers to nothing outside of itself.

mod bounds;
mod words;

use std::path::{Path, PathBuf};

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::config::{self, Settings};
use crate::text;

/// The custom section of a core module or of a component; its content is the schema as JSON text.
pub const SECTION: &str = "tollgate:settings-schema";

/// Bytes of a schema.
pub const LARGEST: usize = 1 << 20;

/// Bytes of memory of one compiled pattern.
const LARGEST_PATTERN: usize = 1 << 20;

/// A schema that settings can be held against.
#[derive(Debug)]
pub struct SettingsSchema {
    document: Value,
    validator: Validator,
}

/// Where a schema is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaPlace {
    Section,
    File(PathBuf),
}

impl std::fmt::Display for SchemaPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Section => write!(f, "the schema of its settings (section {SECTION})"),
            Self::File(path) => write!(f, "the schema of its settings ({})", text::path(path)),
        }
    }
}

/// Why a schema is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{place} can't be used: {}", text::lines(problem))]
pub struct SchemaError {
    pub place: SchemaPlace,
    pub problem: String,
}

/// What is wrong with settings, one to a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its settings are not what it expects:\n{}", text::lines(&.0.join("\n")))]
pub struct SettingsMistakes(pub Vec<String>);

impl SettingsSchema {
    /// A schema from its JSON text.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LARGEST {
            return Err(format!(
                "it has {} bytes; at most 1 MiB is allowed",
                bytes.len()
            ));
        }
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is not JSON (of at most 127 levels): {error}"))?;
        bounds::check(&document)?;
        let patterns = PatternOptions::regex()
            .size_limit(LARGEST_PATTERN)
            .dfa_size_limit(LARGEST_PATTERN);
        let options = jsonschema::options().with_pattern_options(patterns);
        let validator = options.build(&document).map_err(|error| {
            let place = error.instance_path.to_string();
            format!("it is not a JSON Schema: at #{place}: {error}")
        })?;
        Ok(Self {
            document,
            validator,
        })
    }

    /// The schema beside a plugin, else the one in its section, if there is any.
    ///
    /// # Errors
    /// When it can't be read or used.
    pub fn of(file: Option<&Path>, section: Option<&[u8]>) -> Result<Option<Self>, SchemaError> {
        let refused = |place: SchemaPlace| move |problem| SchemaError { place, problem };
        match (file, section) {
            (Some(path), _) => {
                let refused = refused(SchemaPlace::File(path.to_owned()));
                let text = config::read_file(path, LARGEST as u64, "JSON");
                let schema = text.and_then(|text| Self::parse(text.as_bytes()));
                schema.map(Some).map_err(refused)
            }
            (None, Some(bytes)) => {
                let schema = Self::parse(bytes);
                schema.map(Some).map_err(refused(SchemaPlace::Section))
            }
            (None, None) => Ok(None),
        }
    }

    /// What it is about, in a few words.
    pub fn summary(&self) -> String {
        let keys = self.document.get("properties").and_then(Value::as_object);
        let keys: Vec<&str> = keys
            .into_iter()
            .flatten()
            .map(|(key, _)| &key[..])
            .collect();
        match keys.is_empty() {
            true => "have a schema".to_owned(),
            false => format!("have a schema: {}", keys.join(", ")),
        }
    }

    /// The schema as it is written.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// # Errors
    /// What is wrong with these settings.
    pub fn check(&self, settings: &Settings) -> Result<(), SettingsMistakes> {
        let values = Value::Object(settings.values().clone());
        let mistakes = words::mistakes(&self.document, &values, &self.validator);
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(SettingsMistakes(mistakes)),
        }
    }
}

#[cfg(test)]
mod tests;

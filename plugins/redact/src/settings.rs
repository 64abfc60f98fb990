//! The settings as they are written, and as they are used.

use serde::Deserialize;

use crate::scanner::{Kind, Kinds};

tollgate_plugin::settings_schema!("settings.schema.json", Written);

/// Media types with text in them.
const TYPES: [&str; 12] = [
    "text/*",
    "application/json",
    "application/*+json",
    "application/x-amz-json-*",
    "application/x-ndjson",
    "application/jsonl",
    "application/xml",
    "application/*+xml",
    "application/yaml",
    "application/javascript",
    "application/graphql",
    "application/x-sh",
];

/// The settings as they are written.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "yes")]
    request: bool,
    #[serde(default = "yes")]
    response: bool,
    #[serde(default = "all")]
    kinds: Vec<String>,
    #[serde(default = "redacted")]
    replacement: String,
    types: Option<Vec<String>>,
    #[serde(default)]
    extra_types: Vec<String>,
    unreadable: Option<Unreadable>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum Unreadable {
    Refuse,
    Pass,
}

/// The settings as they are used.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
pub struct Redact {
    pub request: bool,
    pub response: bool,
    pub kinds: Kinds,
    /// For each kind, in the order of [`Kind::ALL`].
    pub replacements: [String; Kind::ALL.len()],
    pub types: Vec<String>,
    unreadable: Option<Unreadable>,
}

impl Redact {
    /// Whether bodies of other media types pass unread.
    pub fn passes_binary(&self) -> bool {
        self.unreadable != Some(Unreadable::Refuse)
    }

    /// Whether text passes that can't be read.
    pub fn passes_unreadable(&self) -> bool {
        self.unreadable == Some(Unreadable::Pass)
    }
}

impl TryFrom<Written> for Redact {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let mut kinds = Kinds::default();
        for name in &written.kinds {
            let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            kinds.insert(found.ok_or_else(|| unknown_kind(name))?);
        }
        if written.kinds.is_empty() || !(written.request || written.response) {
            return Err(
                "these settings replace nothing: name at least one of `kinds`, and set `request` or `response`"
                    .to_owned(),
            );
        }
        check_replacement(&written.replacement)?;
        let replacement = |kind: Kind| written.replacement.replace("{kind}", kind.name());
        let types = written
            .types
            .unwrap_or_else(|| TYPES.map(str::to_owned).to_vec());
        let types: Vec<String> = types.into_iter().chain(written.extra_types).collect();
        for pattern in &types {
            check_type(pattern)?;
        }
        Ok(Self {
            request: written.request,
            response: written.response,
            kinds,
            replacements: Kind::ALL.map(replacement),
            types: types
                .iter()
                .map(|pattern| pattern.to_ascii_lowercase())
                .collect(),
            unreadable: written.unreadable,
        })
    }
}

/// What stands in the place of a secret must fit into JSON, XML and an event stream.
fn check_replacement(text: &str) -> Result<(), String> {
    let bad = |character: &char| character.is_control() || "\"\\<>&'".contains(*character);
    match text.chars().find(bad) {
        Some(character) => Err(format!(
            "setting replacement has {character:?}, which could break JSON, XML or an event stream: leave it out"
        )),
        None => Ok(()),
    }
}

fn check_type(pattern: &str) -> Result<(), String> {
    let is_type = pattern
        .split_once('/')
        .is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty());
    let is_plain = !pattern.contains([';', ',', ' ']) && pattern.matches('*').count() <= 1;
    if is_type && is_plain {
        return Ok(());
    }
    Err(format!(
        "a media type in the settings is {pattern:?}: expected one such as application/json or text/*, with at most one star and without parameters"
    ))
}

fn unknown_kind(name: &str) -> String {
    let names = Kind::ALL.map(Kind::name).join(", ");
    format!("setting kinds has {name:?}: expected some of {names}")
}

fn yes() -> bool {
    true
}

fn all() -> Vec<String> {
    Kind::ALL.map(|kind| kind.name().to_owned()).to_vec()
}

fn redacted() -> String {
    "[redacted]".to_owned()
}

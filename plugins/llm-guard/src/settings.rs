//! What the plugin can be told.

use std::rc::Rc;

use serde::Deserialize;

use crate::api::Api;
use crate::budget::{self, Budget};
use crate::patterns::{Action, Patterns};
use crate::rewrite::Unreadable;

/// Models that can be told apart in metrics.
const MOST_MODELS: usize = 20;

/// The settings, ready for use.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct Guard {
    pub patterns: Rc<Patterns>,
    pub unreadable: Unreadable,
    pub prompts: bool,
    /// Ends of paths, and whose they are.
    pub paths: Vec<(String, Api)>,
    pub budget: Option<Rc<Budget>>,
    pub models: Rc<Models>,
}

/// Models that have a value of their own in metrics. `*` at the end of one stands for anything.
#[derive(Debug)]
pub struct Models(Vec<String>);

/// The settings as written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    keywords: Vec<String>,
    keywords_action: Action,
    patterns: Vec<Written>,
    secrets: Choice,
    cards: Choice,
    replacement: String,
    unreadable: Unreadable,
    prompts: bool,
    chat_paths: Vec<String>,
    responses_paths: Vec<String>,
    messages_paths: Vec<String>,
    budget: Option<budget::Written>,
    models: Vec<String>,
}

/// A pattern as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    regex: String,
    #[serde(default)]
    action: Action,
    max: Option<usize>,
}

/// What to do about ready-made patterns.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Off,
    Redact,
    Halt,
}

impl Choice {
    fn action(self) -> Option<Action> {
        match self {
            Self::Off => None,
            Self::Redact => Some(Action::Redact),
            Self::Halt => Some(Action::Halt),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keywords: Vec::new(),
            keywords_action: Action::Redact,
            patterns: Vec::new(),
            secrets: Choice::Redact,
            cards: Choice::Redact,
            replacement: "[redacted]".to_owned(),
            unreadable: Unreadable::Halt,
            prompts: false,
            chat_paths: vec!["/v1/chat/completions".to_owned()],
            responses_paths: vec!["/v1/responses".to_owned()],
            messages_paths: vec!["/v1/messages".to_owned()],
            budget: None,
            models: Vec::new(),
        }
    }
}

impl TryFrom<Settings> for Guard {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let replacement = &settings.replacement;
        if replacement.contains(|one: char| one.is_control() || one == '"' || one == '\\') {
            return Err(format!(
                "setting replacement is {replacement:?}: expected text without quotes, backslashes and control \
                 characters, since it may stand in JSON"
            ));
        }
        let mut patterns = Patterns::new(replacement);
        add_patterns(&mut patterns, &settings.patterns)?;
        for (number, keyword) in settings.keywords.iter().enumerate() {
            let keyword = keyword.trim();
            if keyword.is_empty() {
                return Err("setting keywords has \"\": expected a word".to_owned());
            }
            let added = patterns.add_keyword(
                keyword,
                &format!("keyword-{}", number + 1),
                settings.keywords_action,
            );
            added.map_err(|why| format!("setting keywords has {keyword:?}: {why}"))?;
        }
        if let Some(action) = settings.secrets.action() {
            patterns
                .add_secrets(action)
                .map_err(|why| format!("the patterns of secrets: {why}"))?;
        }
        if let Some(action) = settings.cards.action() {
            patterns
                .add_cards(action)
                .map_err(|why| format!("the pattern of cards: {why}"))?;
        }
        if patterns.rules.is_empty() {
            return Err(
                "there is nothing to look for: set keywords, patterns, secrets or cards".to_owned(),
            );
        }
        Ok(Self {
            patterns: Rc::new(patterns),
            unreadable: settings.unreadable,
            prompts: settings.prompts,
            budget: settings
                .budget
                .map(Budget::try_from)
                .transpose()?
                .map(Rc::new),
            models: Rc::new(models(settings.models)?),
            paths: paths(&[
                ("chat_paths", &settings.chat_paths, Api::OpenaiChat),
                (
                    "responses_paths",
                    &settings.responses_paths,
                    Api::OpenaiResponses,
                ),
                ("messages_paths", &settings.messages_paths, Api::Anthropic),
            ])?,
        })
    }
}

fn add_patterns(patterns: &mut Patterns, all: &[Written]) -> Result<(), String> {
    for written in all {
        let name = &written.name;
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        {
            return Err(format!(
                "setting patterns has the name {name:?}: expected letters, digits, \"-\", \"_\" and \".\""
            ));
        }
        let added = patterns.add_regex(name, &written.regex, written.max, written.action);
        added.map_err(|why| {
            format!(
                "setting patterns: the regex of {name}, {:?}: {why}",
                written.regex
            )
        })?;
    }
    Ok(())
}

fn models(models: Vec<String>) -> Result<Models, String> {
    if models.len() > MOST_MODELS {
        return Err(format!(
            "setting models has {} names: {MOST_MODELS} are the most",
            models.len()
        ));
    }
    Ok(Models(models))
}

impl Models {
    /// How metrics call a model: by the setting that fits, so that clients cannot make up values.
    pub fn label(&self, name: Option<&str>) -> &str {
        let fits = |pattern: &&String| match (pattern.strip_suffix('*'), name) {
            (_, None) => false,
            (Some(begin), Some(name)) => name.starts_with(begin),
            (None, Some(name)) => *pattern == name,
        };
        self.0.iter().find(fits).map_or("other", String::as_str)
    }
}

fn paths(settings: &[(&str, &Vec<String>, Api)]) -> Result<Vec<(String, Api)>, String> {
    let mut all: Vec<(String, Api)> = Vec::new();
    for (key, paths, api) in settings {
        for path in *paths {
            if path.len() < 2 || !path.starts_with('/') || path.ends_with('/') {
                return Err(format!(
                    "setting {key} has {path:?}: expected the end of a path, such as /v1/messages"
                ));
            }
            if let Some((_, other)) = all.iter().find(|(known, _)| known == path) {
                return Err(format!(
                    "setting {key} has {path:?}, which is already {}'s",
                    other.name()
                ));
            }
            all.push((path.clone(), *api));
        }
    }
    if all.is_empty() {
        return Err(
            "there is no path to look at: set chat_paths, responses_paths or messages_paths"
                .to_owned(),
        );
    }
    // The longest decides.
    all.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    Ok(all)
}

impl Guard {
    /// The API of a path, however it is written: escapes, repeated slashes, a slash at its end.
    pub fn api(&self, path: &str) -> Option<Api> {
        let path = tollgate_plugin::url::decode(path);
        let path: String = path
            .split('/')
            .filter(|part| !part.is_empty())
            .fold(String::new(), |all, part| all + "/" + part);
        self.paths
            .iter()
            .find(|(end, _)| path.ends_with(end.as_str()))
            .map(|(_, api)| *api)
    }
}

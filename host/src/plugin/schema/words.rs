//! What is wrong with settings, in words: key, value, and what was expected.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use crate::config::nearest_name;

/// Mistakes that are told at once; whoever corrects these sees the next.
const MOST: usize = 20;

/// Characters of a value that are shown.
const LONGEST: usize = 60;

/// What a schema finds wrong with settings, each as `settings.KEY: VALUE: expected …`; a value that the schema calls secret
/// (`writeOnly`, or the format `password`) is not shown.
pub(super) fn mistakes(document: &Value, settings: &Value, validator: &Validator) -> Vec<String> {
    let words = Words { document, settings };
    let mut mistakes: Vec<String> = Vec::new();
    for error in validator.iter_errors(settings) {
        for mistake in words.of(&error) {
            if !mistakes.contains(&mistake) {
                mistakes.push(mistake);
            }
        }
        if mistakes.len() >= MOST {
            mistakes.truncate(MOST);
            break;
        }
    }
    mistakes
}

struct Words<'a> {
    document: &'a Value,
    settings: &'a Value,
}

impl Words<'_> {
    /// The mistakes that an error is about, which may be none that is told yet.
    fn of(&self, error: &ValidationError<'_>) -> Vec<String> {
        let pointer = error.instance_path.as_str();
        match &error.kind {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                vec![format!(
                    "{}: missing; it is required",
                    self.key(pointer, Some(name))
                )]
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known_keys(error);
                let unknown = |name: &String| {
                    let key = self.key(pointer, Some(name));
                    let known = known.iter().map(|name| &name[..]);
                    match nearest_name(name, known.clone()) {
                        Some(near) => format!("{key}: unknown key; did you mean {near}?"),
                        None if known.len() == 0 => format!("{key}: unknown key"),
                        None => {
                            let known: Vec<_> = known.collect();
                            format!("{key}: unknown key; expected one of {}", known.join(", "))
                        }
                    }
                };
                unexpected.iter().map(unknown).collect()
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.of_branches(error, context)
            }
            kind => {
                let expected = expected(kind).unwrap_or_else(|| error.to_string());
                vec![self.line(error, &expected)]
            }
        }
    }

    fn line(&self, error: &ValidationError<'_>, expected: &str) -> String {
        let key = self.key(error.instance_path.as_str(), None);
        match self.is_secret(error) {
            true => format!("{key}: expected {expected}"),
            false => format!("{key}: {}: expected {expected}", shown(&error.instance)),
        }
    }

    /// Of alternatives none of which fits: what is wrong with the one that comes nearest, or what any of them expects.
    fn of_branches(
        &self,
        error: &ValidationError<'_>,
        branches: &[Vec<ValidationError<'static>>],
    ) -> Vec<String> {
        let depth = |error: &ValidationError<'_>| error.instance_path.as_str().matches('/').count();
        let own = depth(error);
        let reach = |branch: &Vec<ValidationError<'static>>| {
            // One that is of another type altogether has gone nowhere.
            let is_other = branch.iter().any(|inner| {
                let is_type = matches!(
                    &inner.kind,
                    Kind::Type { .. } | Kind::Enum { .. } | Kind::Constant { .. }
                );
                is_type && depth(inner) == own
            });
            match is_other {
                true => None,
                false => branch.iter().map(depth).max(),
            }
        };
        let furthest = branches
            .iter()
            .filter_map(|branch| Some((reach(branch)?, branch)));
        if let Some((_, branch)) = furthest.max_by_key(|(reach, _)| *reach) {
            return branch.iter().flat_map(|inner| self.of(inner)).collect();
        }
        let mut expectations: Vec<String> = Vec::new();
        // TOML has no null.
        let is_null = |inner: &ValidationError<'_>| {
            matches!(
                &inner.kind,
                Kind::Type {
                    kind: TypeKind::Single(JsonType::Null)
                }
            )
        };
        let inner = branches.iter().flatten();
        for inner in inner.filter(|inner| depth(inner) == own && !is_null(inner)) {
            let expected = expected(&inner.kind).unwrap_or_else(|| inner.to_string());
            if !expectations.contains(&expected) {
                expectations.push(expected);
            }
        }
        vec![self.line(error, &expectations.join(", or "))]
    }

    /// `settings.account.client`, `settings.rules[2].action`.
    fn key(&self, pointer: &str, name: Option<&str>) -> String {
        let mut key = "settings".to_owned();
        let mut at = Some(self.settings);
        let segments = pointer.split('/').skip(1);
        let segments = segments.map(|segment| segment.replace("~1", "/").replace("~0", "~"));
        for segment in segments.chain(name.map(str::to_owned)) {
            match at {
                Some(Value::Array(items)) => {
                    key += &format!("[{segment}]");
                    at = segment
                        .parse()
                        .ok()
                        .and_then(|number: usize| items.get(number));
                }
                around => {
                    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                    key += &match !segment.is_empty() && segment.chars().all(bare) {
                        true => format!(".{segment}"),
                        false => format!(".{segment:?}"),
                    };
                    at = around.and_then(|value| value.get(&segment));
                }
            }
        }
        key
    }

    /// The schema whose keyword an error is about. Its path leads through references by their name.
    fn schema(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let (schema, _keyword) = error.schema_path.as_str().rsplit_once('/')?;
        let mut at = self.document;
        for segment in schema.split('/').skip(1) {
            at = match (segment, at) {
                ("$ref", _) => {
                    let target = at.get("$ref")?.as_str()?;
                    self.document.pointer(target.strip_prefix('#')?)?
                }
                (number, Value::Array(items)) => items.get(number.parse::<usize>().ok()?)?,
                (name, _) => at.get(name.replace("~1", "/").replace("~0", "~"))?,
            };
        }
        Some(at)
    }

    fn known_keys(&self, error: &ValidationError<'_>) -> Vec<String> {
        let properties = self
            .schema(error)
            .and_then(|schema| schema.get("properties")?.as_object());
        properties
            .map(|all| all.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn is_secret(&self, error: &ValidationError<'_>) -> bool {
        self.schema(error).is_some_and(|schema| {
            schema.get("writeOnly") == Some(&Value::Bool(true))
                || schema.get("format").and_then(Value::as_str) == Some("password")
        })
    }
}

/// A value as JSON, cut to what a message can hold.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What was expected, behind that word; none where the validator's own words must do.
fn expected(kind: &Kind) -> Option<String> {
    let list = |values: &Value| {
        let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
        let values: Vec<_> = values.iter().map(shown).collect();
        values.join(", ")
    };
    Some(match kind {
        Kind::Type { kind } => of_type(kind),
        Kind::Enum { options } => match options.as_array().map(Vec::len) {
            Some(1) => list(options),
            _ => format!("one of {}", list(options)),
        },
        Kind::Constant { expected_value } => shown(expected_value),
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        Kind::MinLength { limit: 1 } => "a text that is not empty".to_owned(),
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::MinItems { limit: 1 } => "at least one item".to_owned(),
        Kind::MinItems { limit } => format!("at least {limit} items"),
        Kind::MaxItems { limit } => format!("at most {limit} items"),
        Kind::AdditionalItems { limit } => format!("at most {limit} items"),
        Kind::MinProperties { limit } => format!("at least {limit} keys"),
        Kind::MaxProperties { limit } => format!("at most {limit} keys"),
        Kind::UniqueItems => "items that differ from each other".to_owned(),
        Kind::Pattern { pattern } => format!("a text that matches the pattern {pattern}"),
        Kind::Format { format } => format!("a text in the format {format}"),
        Kind::FalseSchema => "no such key".to_owned(),
        _ => return None,
    })
}

fn of_type(kind: &TypeKind) -> String {
    let word = |kind: JsonType| match kind {
        JsonType::Array => "a list (array)",
        JsonType::Boolean => "true or false (boolean)",
        JsonType::Integer => "a number (integer)",
        JsonType::Null => "nothing (null)",
        JsonType::Number => "a number",
        JsonType::Object => "a table (object)",
        JsonType::String => "a text (string)",
    };
    match kind {
        TypeKind::Single(kind) => word(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            // TOML has no null.
            let kinds = kinds.iter().filter(|kind| *kind != JsonType::Null);
            let words: Vec<_> = kinds.map(word).collect();
            words.join(", or ")
        }
    }
}

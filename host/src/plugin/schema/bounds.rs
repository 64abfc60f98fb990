//! What a schema may ask of a validator.
//!
//! A schema says of one value what others say of it too (`allOf`, `$ref`). References can double that with each step, so a few
//! lines can stand for more work than anybody has time for. So the schemas that one value is held against are counted first, and
//! must be few.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Schemas that one value is held against at the most.
const MOST_AT_ONCE: u64 = 10_000;

/// Schemas that refer to each other for the same value, one after the other.
const DEEPEST: usize = 200;

/// Patterns of a schema.
const MOST_PATTERNS: usize = 100;

/// Where schemas stand in a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// One schema, or a list of schemas.
    Schemas,
    /// Schemas by name.
    Named,
}

/// A keyword that holds schemas.
struct Keyword {
    name: &'static str,
    holds: Holds,
    /// Whether they are about the same value as the schema around them.
    same_value: bool,
}

const fn keyword(name: &'static str, holds: Holds, same_value: bool) -> Keyword {
    Keyword {
        name,
        holds,
        same_value,
    }
}

const KEYWORDS: [Keyword; 22] = [
    keyword("allOf", Holds::Schemas, true),
    keyword("anyOf", Holds::Schemas, true),
    keyword("oneOf", Holds::Schemas, true),
    keyword("not", Holds::Schemas, true),
    keyword("if", Holds::Schemas, true),
    keyword("then", Holds::Schemas, true),
    keyword("else", Holds::Schemas, true),
    keyword("dependentSchemas", Holds::Named, true),
    keyword("dependencies", Holds::Named, true),
    keyword("properties", Holds::Named, false),
    keyword("patternProperties", Holds::Named, false),
    keyword("additionalProperties", Holds::Schemas, false),
    keyword("unevaluatedProperties", Holds::Schemas, false),
    keyword("propertyNames", Holds::Schemas, false),
    keyword("prefixItems", Holds::Schemas, false),
    keyword("items", Holds::Schemas, false),
    keyword("additionalItems", Holds::Schemas, false),
    keyword("unevaluatedItems", Holds::Schemas, false),
    keyword("contains", Holds::Schemas, false),
    keyword("contentSchema", Holds::Schemas, false),
    keyword("$defs", Holds::Named, false),
    keyword("definitions", Holds::Named, false),
];

/// Words by which a schema refers to others in ways that can't be followed here.
const NOT_FOLLOWED: [&str; 2] = ["$dynamicRef", "$recursiveRef"];

/// # Errors
/// Says what of it is too much, or what it refers to that is not in it.
pub(super) fn check(document: &Value) -> Result<(), String> {
    let mut walk = Walk {
        document,
        patterns: 0,
        schemas: Vec::new(),
    };
    walk.schema(document, String::new())?;
    if walk.patterns > MOST_PATTERNS {
        return Err(format!(
            "it has {} patterns; at most {MOST_PATTERNS} are allowed",
            walk.patterns
        ));
    }
    let mut costs = Costs {
        document,
        known: BTreeMap::new(),
        under_way: BTreeSet::new(),
    };
    for pointer in &walk.schemas {
        if costs.of(pointer)? > MOST_AT_ONCE {
            return Err(format!(
                "one value would be held against more than {MOST_AT_ONCE} schemas at #{pointer}"
            ));
        }
    }
    Ok(())
}

/// The schemas directly in a schema, with their pointers.
fn inner<'s>(schema: &'s Value, pointer: &str, only_same_value: bool) -> Vec<(String, &'s Value)> {
    let mut found = Vec::new();
    for keyword in &KEYWORDS {
        let Some(value) = schema.get(keyword.name) else {
            continue;
        };
        if only_same_value && !keyword.same_value {
            continue;
        }
        let at = format!("{pointer}/{}", keyword.name);
        match (keyword.holds, value) {
            (Holds::Schemas, Value::Array(items)) => {
                for (number, item) in items.iter().enumerate() {
                    found.push((format!("{at}/{number}"), item));
                }
            }
            (Holds::Schemas, schema) => found.push((at, schema)),
            (Holds::Named, Value::Object(named)) => {
                for (name, item) in named {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    found.push((format!("{at}/{name}"), item));
                }
            }
            // No schema; the validator says so.
            (Holds::Named, _) => {}
        }
    }
    found
}

/// What a schema refers to, as a pointer into the document.
fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix('#')
}

/// A look at every schema in a document.
struct Walk<'s> {
    document: &'s Value,
    patterns: usize,
    /// Pointers of all schemas.
    schemas: Vec<String>,
}

impl Walk<'_> {
    /// As deep as the document, which has a bound.
    fn schema(&mut self, schema: &Value, pointer: String) -> Result<(), String> {
        let Some(keys) = schema.as_object() else {
            return Ok(());
        };
        if let Some(word) = NOT_FOLLOWED.iter().find(|word| keys.contains_key(**word)) {
            return Err(format!(
                "it has {word} at #{pointer}, which is not supported; use $ref"
            ));
        }
        // It would change what the references below are about.
        if !pointer.is_empty() && keys.contains_key("$id") {
            return Err(format!(
                "it has an $id at #{pointer}; only the whole schema may have one"
            ));
        }
        if let Some(target) = keys.get("$ref") {
            let target = target.as_str().unwrap_or_default();
            let own = target.strip_prefix('#');
            let own = own.filter(|own| own.is_empty() || own.starts_with('/'));
            let own = own.filter(|own| !own.contains('%'));
            match own.map(|own| self.document.pointer(own).is_some()) {
                Some(true) => {}
                Some(false) => return Err(format!("it refers to {target}, which is not in it")),
                None => {
                    return Err(format!(
                        "it refers to {target:?}; a reference must lead to a place in the same schema (#/$defs/NAME)"
                    ));
                }
            }
        }
        self.patterns += usize::from(keys.contains_key("pattern"));
        let named = keys.get("patternProperties").and_then(Value::as_object);
        self.patterns += named.map_or(0, serde_json::Map::len);
        for (pointer, schema) in inner(schema, &pointer, false) {
            self.schema(schema, pointer)?;
        }
        self.schemas.push(pointer);
        Ok(())
    }
}

/// How many schemas one value is held against.
struct Costs<'s> {
    document: &'s Value,
    known: BTreeMap<String, u64>,
    under_way: BTreeSet<String>,
}

impl Costs<'_> {
    /// # Errors
    /// When the schema there is about itself, or about too long a row of others.
    fn of(&mut self, pointer: &str) -> Result<u64, String> {
        if let Some(cost) = self.known.get(pointer) {
            return Ok(*cost);
        }
        let Some(schema) = self.document.pointer(pointer) else {
            return Ok(0);
        };
        if !self.under_way.insert(pointer.to_owned()) {
            return Err(format!("the schema at #{pointer} refers to itself"));
        }
        if self.under_way.len() > DEEPEST {
            return Err(format!(
                "more than {DEEPEST} schemas at #{pointer} refer to each other in a row"
            ));
        }
        let mut cost = 1_u64;
        for (pointer, _) in inner(schema, pointer, true) {
            cost = cost.saturating_add(self.of(&pointer)?);
        }
        if let Some(target) = reference(schema) {
            cost = cost.saturating_add(self.of(target)?);
        }
        self.under_way.remove(pointer);
        self.known.insert(pointer.to_owned(), cost);
        Ok(cost)
    }
}

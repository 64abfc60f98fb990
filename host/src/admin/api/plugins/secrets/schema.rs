//! Which parts of a schema a value is held against. All branches count: what may be a secret is one.

use serde_json::Value;

/// References and branches that are followed one after the other.
const DEEPEST: usize = 32;

/// Parts of one place that are looked at.
const MOST_PARTS: usize = 256;

/// The schemas of one place in the settings.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    document: Option<&'a Value>,
    parts: Vec<&'a Value>,
}

impl<'a> Place<'a> {
    pub fn root(document: Option<&'a Value>) -> Self {
        Self::of(document, document)
    }

    fn of(document: Option<&'a Value>, schemas: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut place = Self {
            document,
            parts: Vec::new(),
        };
        for schema in schemas {
            place.add(schema, 0);
        }
        place
    }

    /// Takes a schema with all that it refers to and branches into.
    fn add(&mut self, schema: &'a Value, depth: usize) {
        if depth > DEEPEST || self.parts.len() >= MOST_PARTS {
            return;
        }
        self.parts.push(schema);
        let reference = schema.get("$ref").and_then(Value::as_str);
        let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
        let referred = self.document.zip(pointer);
        if let Some(referred) = referred.and_then(|(document, at)| document.pointer(at)) {
            self.add(referred, depth + 1);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let branches = schema.get(keyword).and_then(Value::as_array);
            for branch in branches.into_iter().flatten() {
                self.add(branch, depth + 1);
            }
        }
        for keyword in ["if", "then", "else", "not"] {
            if let Some(branch) = schema.get(keyword) {
                self.add(branch, depth + 1);
            }
        }
    }

    /// Where the value of this key is. Which pattern a key has is not asked: any of them may say that it is a secret.
    pub fn property(&self, key: &str) -> Self {
        let of = |part: &&'a Value| {
            let part = *part;
            let named = part.get("properties").and_then(|all| all.get(key));
            let patterns = part.get("patternProperties").and_then(Value::as_object);
            let others = part.get("additionalProperties").filter(|_| named.is_none());
            let patterns = patterns.into_iter().flat_map(serde_json::Map::values);
            named
                .into_iter()
                .chain(patterns)
                .chain(others)
                .collect::<Vec<_>>()
        };
        Self::of(self.document, self.parts.iter().flat_map(of))
    }

    /// Where the item with this number is.
    pub fn item(&self, index: usize) -> Self {
        let of = |part: &&'a Value| {
            let part = *part;
            let own = part.get("prefixItems").and_then(|all| all.get(index));
            own.into_iter().chain(part.get("items")).collect::<Vec<_>>()
        };
        Self::of(self.document, self.parts.iter().flat_map(of))
    }

    /// Whether a schema says so.
    pub fn is_secret(&self) -> bool {
        self.parts.iter().any(|part| {
            part.get("writeOnly") == Some(&Value::Bool(true))
                || part.get("format").and_then(Value::as_str) == Some("password")
        })
    }
}

//! What of a JSON text is open, and where a string ends.

use crate::keys::Field;

/// Tables whose keys are the names of DynamoDB's tables, which may be ARNs.
pub(super) const BY_TABLE: [&str; 5] = [
    "RequestItems",
    "Responses",
    "UnprocessedItems",
    "UnprocessedKeys",
    "ItemCollectionMetrics",
];

/// A list or an object that is open.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) is_object: bool,
    /// The field that it stands in.
    pub(super) field: Owned,
    /// Whether what is in it is looked at.
    pub(super) look: bool,
    /// The key of the value at hand.
    pub(super) key: String,
    /// In an object that is a name and a value: the name.
    pub(super) name: Option<String>,
    /// The first value of a pair whose name is still to come: its key, and where it stands.
    pub(super) waiting: Option<(String, usize)>,
    /// There is no sense in waiting for a name.
    pub(super) is_decided: bool,
}

/// A field whose names are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Owned {
    pub(super) name: String,
    pub(super) parent: String,
    pub(super) beside: Option<String>,
}

impl Owned {
    pub(super) fn field(&self) -> Field<'_> {
        Field {
            name: &self.name,
            parent: &self.parent,
            beside: self.beside.as_deref(),
        }
    }
}

/// What a string is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    Key,
    Value,
}

/// What a step came to.
pub(super) enum Step {
    Again,
    /// More of the text must come first.
    Waiting,
}

/// Behind the closing quote of a string, which is looked for from here on; else where to go on when there is more.
pub(super) fn string_end(text: &[u8], from: usize) -> Result<usize, usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        at += found.ok_or(at.max(text.len()))?;
        match text[at] {
            b'"' => return Ok(at + 1),
            _ if at + 1 == text.len() => return Err(at),
            _ => at += 2,
        }
    }
}

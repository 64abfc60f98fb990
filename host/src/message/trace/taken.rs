//! Values of the few header fields that observers have asked for.

use crate::message::Fields;

/// Names in lower case with their values; several lines of a name are joined by commas (RFC 9110, section 5.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenFields(Vec<(Box<str>, Box<[u8]>)>);

impl TakenFields {
    /// Those of these names that are there.
    pub fn of(fields: &Fields, names: &[Box<str>]) -> Self {
        let take = |name: &str| {
            let values: Vec<_> = fields.get_all(name).collect();
            let is_there = !values.is_empty();
            is_there.then(|| (name.into(), values.join(&b", "[..]).into_boxed_slice()))
        };
        Self(names.iter().filter_map(|name| take(name)).collect())
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| &**value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_taken() {
        let mut fields = Fields::new();
        for (name, value) in [("Accept", "a"), ("x-b", "1"), ("accept", "b")] {
            fields.append(name, value);
        }
        let taken = TakenFields::of(&fields, &["accept".into(), "x-c".into()]);
        assert_eq!(taken.get("accept"), Some(&b"a, b"[..]));
        assert_eq!((taken.get("x-b"), taken.get("x-c")), (None, None));
    }
}

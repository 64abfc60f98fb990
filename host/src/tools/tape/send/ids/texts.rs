//! Old names that are no words, found wherever they stand by themselves, in one pass over a text.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Old names with their new ones.
#[derive(Debug, Default)]
pub struct Texts {
    /// As they are, and as they are in a query. None is empty.
    known: BTreeMap<Vec<u8>, String>,
    /// How many were added.
    count: usize,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.count
    }

    /// Adds one, unless it has a new name already. Whether it was added.
    pub fn add(&mut self, old: &str, new: &str) -> bool {
        if old.is_empty() || self.known.contains_key(old.as_bytes()) {
            return false;
        }
        self.known.insert(old.as_bytes().to_vec(), new.to_owned());
        let in_query = self.known.entry(encoded(old).into_bytes());
        in_query.or_insert_with(|| encoded(new));
        self.count += 1;
        true
    }

    /// The longest that stands at this place by itself: its length, and its new name.
    pub fn longest(&self, text: &str, at: usize) -> Option<(usize, &str)> {
        let bytes = text.as_bytes();
        if !begins_alone(bytes, at) {
            return None;
        }
        let rest = &bytes[at..];
        // Those that the text can begin with come no later than this in their order.
        let mut last = rest;
        loop {
            let range: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Included(last));
            let (old, new) = self.known.range::<[u8], _>(range).next_back()?;
            let alike = alike(old, last);
            if alike < old.len() {
                // All others that the text begins with are no longer than what is alike.
                last = &rest[..alike];
            } else if ends_alone(bytes, at + alike) {
                return Some((alike, new.as_str()));
            } else {
                last = &rest[..alike.checked_sub(1)?];
            }
        }
    }
}

/// How many bytes both begin with.
fn alike(one: &[u8], other: &[u8]) -> usize {
    let both = one.iter().zip(other);
    both.take_while(|(one, other)| one == other).count()
}

/// Whether what begins at this place is not the rest of a longer word.
fn begins_alone(text: &[u8], at: usize) -> bool {
    let is_escaped = at >= 3 && is_escape(&text[at - 3..at]);
    let before = at.checked_sub(1).map(|at| text[at]);
    is_escaped || before.is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// Whether what ends at this place is not the beginning of a longer word.
fn ends_alone(text: &[u8], end: usize) -> bool {
    let behind = text.get(end);
    behind.is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// As in a query: all but unreserved characters is escaped (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Whether they begin with a byte of a URL that is written as `%2F` is.
pub fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', one, other, ..] if one.is_ascii_hexdigit() && other.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> Texts {
        let mut texts = Texts::default();
        for (old, new) in pairs {
            assert!(texts.add(old, new), "{old}");
        }
        texts
    }

    #[test]
    fn the_longest_that_stands_alone_is_found() {
        let all = texts(&[("a:1", "b:1"), ("a:1/x", "b:2"), ("a:1/xy", "b:3")]);
        assert_eq!(all.longest("a:1/xy", 0), Some((6, "b:3")));
        assert_eq!(all.longest("a:1/x?", 0), Some((5, "b:2")));
        assert_eq!(all.longest("a:1/xyz", 0), Some((3, "b:1")));
        assert_eq!(all.longest("a:1/", 0), Some((3, "b:1")));
        assert_eq!(all.longest("=a:1", 1), Some((3, "b:1")));
        assert_eq!(all.longest("%2Fa%3A1", 3), Some((5, "b%3A1")));
        for none in ["a:12", "a:", "b:1", "", "~", "é"] {
            assert_eq!(all.longest(none, 0), None, "{none}");
        }
        assert_eq!(all.longest("xa:1", 1), None);
    }

    #[test]
    fn the_first_new_name_stays() {
        let mut all = texts(&[("a:1", "b:1")]);
        assert!(!all.add("a:1", "c:1") && !all.add("", "c:1"));
        assert_eq!((all.len(), all.longest("a:1", 0)), (1, Some((3, "b:1"))));
    }
}

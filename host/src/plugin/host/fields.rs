//! Reading and changing the fields of a message under the contract's rules.

use std::collections::HashSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::message::hygiene;

/// Why a part of a message could not be changed. Nothing was changed. A plugin is told in the words of its contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldError {
    /// Holds the name as given.
    InvalidName(String),
    /// Holds what is wrong with the value.
    InvalidValue(String),
    /// Holds the name as given.
    OwnedByHost(String),
    TooMany,
}

pub type FieldResult = Result<(), FieldError>;

/// More fields than any real message has; a bound for a plugin that loops.
const MOST: usize = 1000;

pub fn get(map: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    map.get(name).map(|value| value.as_bytes().to_vec())
}

pub fn get_all(map: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    map.get_all(name)
        .iter()
        .map(|value| value.as_bytes().to_vec())
        .collect()
}

pub fn list(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    map.iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

pub fn set(map: &mut HeaderMap, growth: &mut Growth, name: &str, value: Vec<u8>) -> FieldResult {
    let (name, value) = (settable(name)?, valid(value)?);
    room(map, 1)?;
    let replaced = growth.without(lines(map, name.as_str()));
    *growth = replaced.with(line(name.as_str().len(), value.len()))?;
    map.insert(name, value);
    Ok(())
}

pub fn append(map: &mut HeaderMap, growth: &mut Growth, name: &str, value: Vec<u8>) -> FieldResult {
    let (name, value) = (settable(name)?, valid(value)?);
    room(map, 1)?;
    *growth = growth.with(line(name.as_str().len(), value.len()))?;
    map.append(name, value);
    Ok(())
}

pub fn delete(map: &mut HeaderMap, growth: &mut Growth, name: &str) -> FieldResult {
    let name = settable(name)?;
    *growth = growth.without(lines(map, name.as_str()));
    map.remove(name);
    Ok(())
}

/// All or nothing: every field is checked before the first is changed.
pub fn set_all(
    map: &mut HeaderMap,
    growth: &mut Growth,
    list: Vec<(String, Vec<u8>)>,
) -> FieldResult {
    room(map, list.len())?;
    let list: Vec<(HeaderName, HeaderValue)> = list
        .into_iter()
        .map(|(name, value)| Ok((settable(&name)?, valid(value)?)))
        .collect::<Result<_, FieldError>>()?;
    let names: HashSet<&str> = list.iter().map(|(name, _)| name.as_str()).collect();
    let replaced: usize = names.iter().map(|name| lines(map, name)).sum();
    let lengths = list
        .iter()
        .map(|(name, value)| (name.as_str().len(), value.len()));
    let added: usize = lengths.map(|(name, value)| line(name, value)).sum();
    *growth = growth.without(replaced).with(added)?;
    for (name, _) in &list {
        map.remove(name);
    }
    for (name, value) in list {
        map.append(name, value);
    }
    Ok(())
}

/// What one call has added to a head, and how much it may.
///
/// Counted is what a call adds and not what the head has: one that came large must not fail a plugin that adds a line to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Bytes; less than 0 when it has taken away more.
    bytes: i64,
    most: usize,
}

impl Growth {
    /// None yet, and at most so many bytes.
    pub fn new(most: usize) -> Self {
        Self { bytes: 0, most }
    }

    /// A call begins.
    pub fn restart(&mut self) {
        self.bytes = 0;
    }

    /// With so many bytes more.
    ///
    /// # Errors
    /// When that is too much.
    pub fn with(self, bytes: usize) -> Result<Self, FieldError> {
        let after = self.bytes.saturating_add_unsigned(bytes as u64);
        if after > i64::try_from(self.most).unwrap_or(i64::MAX) {
            return Err(FieldError::InvalidValue(format!(
                "the head would grow by {after} bytes in this call; server.max-head allows {}",
                self.most
            )));
        }
        Ok(Self {
            bytes: after,
            ..self
        })
    }

    /// With so many bytes less.
    #[must_use]
    pub fn without(self, bytes: usize) -> Self {
        Self {
            bytes: self.bytes.saturating_sub_unsigned(bytes as u64),
            ..self
        }
    }
}

/// The bytes of a field on the wire: name, colon, space, value, line end.
fn line(name: usize, value: usize) -> usize {
    name + value + 4
}

/// The bytes of all fields of this name.
fn lines(map: &HeaderMap, name: &str) -> usize {
    let values = map.get_all(name).iter();
    values.map(|value| line(name.len(), value.len())).sum()
}

fn settable(name: &str) -> Result<HeaderName, FieldError> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| FieldError::InvalidName(name.to_owned()))?;
    if hygiene::is_owned_by_host(&parsed) {
        return Err(FieldError::OwnedByHost(name.to_owned()));
    }
    Ok(parsed)
}

fn valid(value: Vec<u8>) -> Result<HeaderValue, FieldError> {
    HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(|_| {
        FieldError::InvalidValue("a field value holds no control characters but tab".to_owned())
    })
}

fn room(map: &HeaderMap, more: usize) -> FieldResult {
    if map.len() + more > MOST {
        Err(FieldError::TooMany)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_checked() {
        let (mut map, mut growth) = (HeaderMap::new(), Growth::new(1 << 16));
        assert!(set(&mut map, &mut growth, "X-A", b"\xff\x80 \t~".to_vec()).is_ok());
        assert_eq!(get(&map, "x-a"), Some(b"\xff\x80 \t~".to_vec()));
        for bad in ["", "a b", "ü", "a:"] {
            assert!(
                matches!(set(&mut map, &mut growth, bad, vec![]), Err(FieldError::InvalidName(n)) if n == bad)
            );
        }
        for bad in [&b"a\rb"[..], b"a\nb", b"a\0b"] {
            assert!(matches!(
                append(&mut map, &mut growth, "x", bad.to_vec()),
                Err(FieldError::InvalidValue(_))
            ));
        }
        for owned in [
            "Content-Length",
            "transfer-encoding",
            "connection",
            "te",
            "trailer",
            "upgrade",
        ] {
            assert!(
                matches!(
                    set(&mut map, &mut growth, owned, vec![]),
                    Err(FieldError::OwnedByHost(_))
                ),
                "{owned}"
            );
            assert!(
                matches!(
                    delete(&mut map, &mut growth, owned),
                    Err(FieldError::OwnedByHost(_))
                ),
                "{owned}"
            );
        }
        assert_eq!(map.len(), 1);
    }

    #[test]
    fn several_fields_are_set_together_or_not_at_all() {
        let (mut map, mut growth) = (HeaderMap::new(), Growth::new(1 << 16));
        map.append("a", HeaderValue::from_static("old"));
        map.append("b", HeaderValue::from_static("kept"));
        let field = |n: &str, v: &str| (n.to_owned(), v.as_bytes().to_vec());
        assert!(
            set_all(
                &mut map,
                &mut growth,
                vec![field("a", "1"), field("A", "2"), field("te", "x")]
            )
            .is_err()
        );
        assert_eq!(get_all(&map, "a"), [b"old"]);
        set_all(
            &mut map,
            &mut growth,
            vec![field("a", "1"), field("A", "2")],
        )
        .unwrap();
        assert_eq!(get_all(&map, "a"), [b"1", b"2"]);
        assert_eq!(get(&map, "b").unwrap(), b"kept");
    }

    #[test]
    fn a_message_has_a_most_of_fields() {
        let (mut map, mut growth) = (HeaderMap::new(), Growth::new(1 << 16));
        for _ in 0..MOST {
            append(&mut map, &mut growth, "a", vec![]).unwrap();
        }
        assert!(matches!(
            append(&mut map, &mut growth, "a", vec![]),
            Err(FieldError::TooMany)
        ));
    }

    #[test]
    fn a_head_grows_by_no_more_than_it_may() {
        let mut map = HeaderMap::new();
        map.append("old", HeaderValue::from_static("0123456789"));
        let mut growth = Growth::new(20);
        let refused = |result: FieldResult| matches!(result, Err(FieldError::InvalidValue(why)) if why.contains("max-head allows 20"));
        assert!(refused(set(&mut map, &mut growth, "a", vec![b'x'; 16])));
        set(&mut map, &mut growth, "a", vec![b'x'; 15]).unwrap();
        assert!(refused(append(&mut map, &mut growth, "a", vec![])));
        let more = vec![("b".to_owned(), vec![])];
        assert!(refused(set_all(&mut map, &mut growth, more)));
        assert_eq!(map.len(), 2, "what is refused changes nothing");
        delete(&mut map, &mut growth, "old").unwrap();
        let more = vec![("b".to_owned(), vec![b'x'; 12])];
        set_all(&mut map, &mut growth, more).unwrap();
        assert!(refused(append(&mut map, &mut growth, "b", vec![])));
        growth.restart();
        append(&mut map, &mut growth, "b", vec![]).unwrap();
        for _ in 0..100 {
            set(&mut map, &mut growth, "c", vec![b'x'; 10]).unwrap();
        }
    }
}

//! Reading and changing the fields of a message under the contract's rules.

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

pub fn set(map: &mut HeaderMap, name: &str, value: Vec<u8>) -> FieldResult {
    let (name, value) = (settable(name)?, valid(value)?);
    room(map, 1)?;
    map.insert(name, value);
    Ok(())
}

pub fn append(map: &mut HeaderMap, name: &str, value: Vec<u8>) -> FieldResult {
    let (name, value) = (settable(name)?, valid(value)?);
    room(map, 1)?;
    map.append(name, value);
    Ok(())
}

pub fn delete(map: &mut HeaderMap, name: &str) -> FieldResult {
    map.remove(settable(name)?);
    Ok(())
}

/// All or nothing: every field is checked before the first is changed.
pub fn set_all(map: &mut HeaderMap, list: Vec<(String, Vec<u8>)>) -> FieldResult {
    room(map, list.len())?;
    let list: Vec<(HeaderName, HeaderValue)> = list
        .into_iter()
        .map(|(name, value)| Ok((settable(&name)?, valid(value)?)))
        .collect::<Result<_, FieldError>>()?;
    for (name, _) in &list {
        map.remove(name);
    }
    for (name, value) in list {
        map.append(name, value);
    }
    Ok(())
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
        let mut map = HeaderMap::new();
        assert!(set(&mut map, "X-A", b"\xff\x80 \t~".to_vec()).is_ok());
        assert_eq!(get(&map, "x-a"), Some(b"\xff\x80 \t~".to_vec()));
        for bad in ["", "a b", "ü", "a:"] {
            assert!(
                matches!(set(&mut map, bad, vec![]), Err(FieldError::InvalidName(n)) if n == bad)
            );
        }
        for bad in [&b"a\rb"[..], b"a\nb", b"a\0b"] {
            assert!(matches!(
                append(&mut map, "x", bad.to_vec()),
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
                    set(&mut map, owned, vec![]),
                    Err(FieldError::OwnedByHost(_))
                ),
                "{owned}"
            );
            assert!(
                matches!(delete(&mut map, owned), Err(FieldError::OwnedByHost(_))),
                "{owned}"
            );
        }
        assert_eq!(map.len(), 1);
    }

    #[test]
    fn several_fields_are_set_together_or_not_at_all() {
        let mut map = HeaderMap::new();
        map.append("a", HeaderValue::from_static("old"));
        map.append("b", HeaderValue::from_static("kept"));
        let field = |n: &str, v: &str| (n.to_owned(), v.as_bytes().to_vec());
        assert!(
            set_all(
                &mut map,
                vec![field("a", "1"), field("A", "2"), field("te", "x")]
            )
            .is_err()
        );
        assert_eq!(get_all(&map, "a"), [b"old"]);
        set_all(&mut map, vec![field("a", "1"), field("A", "2")]).unwrap();
        assert_eq!(get_all(&map, "a"), [b"1", b"2"]);
        assert_eq!(get(&map, "b").unwrap(), b"kept");
    }

    #[test]
    fn a_message_has_a_most_of_fields() {
        let mut map = HeaderMap::new();
        for _ in 0..MOST {
            append(&mut map, "a", vec![]).unwrap();
        }
        assert!(matches!(
            append(&mut map, "a", vec![]),
            Err(FieldError::TooMany)
        ));
    }
}

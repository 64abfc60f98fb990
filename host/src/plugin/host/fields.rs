//! Reading and changing the fields of a message under the contract's rules.

use crate::message::{AsName, Checked, Fields, GivenName, Known, hygiene};

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

/// Bytes of the longest name.
const LONGEST_NAME: usize = u16::MAX as usize;

pub fn get<'n>(fields: &Fields, name: impl Into<GivenName<'n>>) -> Option<Vec<u8>> {
    let name = Token::of(name.into())?;
    fields.get(name).map(<[u8]>::to_vec)
}

pub fn get_all<'n>(fields: &Fields, name: impl Into<GivenName<'n>>) -> Vec<Vec<u8>> {
    let Some(name) = Token::of(name.into()) else {
        return Vec::new();
    };
    fields.get_all(name).map(<[u8]>::to_vec).collect()
}

/// Names in lower case, whatever case they came in.
pub fn list(fields: &Fields) -> Vec<(String, Vec<u8>)> {
    fields
        .iter()
        .map(|(name, value)| (name.to_lower(), value.to_vec()))
        .collect()
}

/// Puts one field in the place of the first of this name. It is sent with the letters that the plugin gave. Tells which name
/// it is.
#[inline]
pub fn set<'n>(
    fields: &mut Fields,
    growth: &mut Growth,
    name: impl Into<GivenName<'n>>,
    value: &[u8],
) -> Result<Known, FieldError> {
    let (name, value) = checked(name.into(), value)?;
    room(fields, 1)?;
    fields.insert_if(name, value, |old| {
        let replaced = growth.without(old.values + old.lines * line(name.text.len(), 0));
        *growth = replaced.with(line(name.text.len(), value.len()))?;
        Ok(())
    })?;
    Ok(name.known)
}

/// Adds one behind all others. Tells which name it is.
pub fn append<'n>(
    fields: &mut Fields,
    growth: &mut Growth,
    name: impl Into<GivenName<'n>>,
    value: &[u8],
) -> Result<Known, FieldError> {
    let (name, value) = checked(name.into(), value)?;
    room(fields, 1)?;
    *growth = growth.with(line(name.text.len(), value.len()))?;
    fields.append(name, value);
    Ok(name.known)
}

pub fn delete<'n>(
    fields: &mut Fields,
    growth: &mut Growth,
    name: impl Into<GivenName<'n>>,
) -> FieldResult {
    let name = settable(name.into())?;
    *growth = growth.without(lines(fields, name));
    fields.remove(name);
    Ok(())
}

/// All or nothing: every field is checked before the first is changed.
pub fn set_all(
    fields: &mut Fields,
    growth: &mut Growth,
    list: &[(impl AsRef<str>, impl AsRef<[u8]>)],
) -> FieldResult {
    room(fields, list.len())?;
    let list = || {
        list.iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    };
    let mut added = 0;
    for (name, value) in list() {
        added += line(name.len(), checked(name.into(), value)?.1.len());
    }
    let is_first = |at, name: &str| {
        let mut before = list().take(at);
        !before.any(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    let first = list()
        .enumerate()
        .filter(|(at, (name, _))| is_first(*at, name));
    let replaced: usize = first
        .map(|(_, (name, _))| lines(fields, Token::new(name.as_bytes())))
        .sum();
    *growth = growth.without(replaced).with(added)?;
    for (at, (name, value)) in list().enumerate() {
        let (settable, value) = checked(name.into(), value)?;
        if is_first(at, name) {
            fields.insert(settable, value);
        } else {
            fields.append(settable, value);
        }
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
fn lines(fields: &Fields, name: Token<'_>) -> usize {
    let values = fields.get_all(name);
    values.map(|value| line(name.text.len(), value.len())).sum()
}

/// A name that a field can have, with which one it is: asked once and not by each step of a change.
#[derive(Debug, Clone, Copy)]
struct Token<'n> {
    text: &'n [u8],
    known: Known,
}

impl<'n> Token<'n> {
    /// `text` is a token.
    #[inline]
    fn new(text: &'n [u8]) -> Self {
        let known = Known::of(text);
        Self { text, known }
    }

    fn of(name: GivenName<'n>) -> Option<Self> {
        match name {
            GivenName::Token(text) => Some(Self::new(text)),
            GivenName::Other(_) => None,
        }
    }
}

impl AsName for Token<'_> {
    fn bytes(&self) -> &[u8] {
        self.text
    }

    fn known(&self) -> Known {
        self.known
    }
}

#[inline]
fn checked<'n, 'v>(
    name: GivenName<'n>,
    value: &'v [u8],
) -> Result<(Token<'n>, Checked<'v>), FieldError> {
    let name = settable(name)?;
    let value = Checked::new(value).ok_or_else(|| {
        FieldError::InvalidValue("a field value holds no control characters but tab".to_owned())
    })?;
    Ok((name, value))
}

#[inline]
fn settable(name: GivenName<'_>) -> Result<Token<'_>, FieldError> {
    match name {
        GivenName::Token(text) if text.len() <= LONGEST_NAME => {
            let token = Token::new(text);
            if hygiene::is_owned_by_host(token.known) {
                return Err(FieldError::OwnedByHost(name.as_str().to_owned()));
            }
            Ok(token)
        }
        _ => Err(FieldError::InvalidName(name.as_str().to_owned())),
    }
}

fn room(fields: &Fields, more: usize) -> FieldResult {
    if fields.len() + more > MOST {
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
        let (mut fields, mut growth) = (Fields::new(), Growth::new(1 << 16));
        assert!(set(&mut fields, &mut growth, "X-A", b"\xff\x80 \t~").is_ok());
        assert_eq!(get(&fields, "x-a"), Some(b"\xff\x80 \t~".to_vec()));
        for bad in ["", "a b", "ü", "a:"] {
            assert!(
                matches!(set(&mut fields, &mut growth, bad, b""), Err(FieldError::InvalidName(n)) if n == bad)
            );
        }
        for bad in [&b"a\rb"[..], b"a\nb", b"a\0b"] {
            assert!(matches!(
                append(&mut fields, &mut growth, "x", bad),
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
                    set(&mut fields, &mut growth, owned, b""),
                    Err(FieldError::OwnedByHost(_))
                ),
                "{owned}"
            );
            assert!(
                matches!(
                    delete(&mut fields, &mut growth, owned),
                    Err(FieldError::OwnedByHost(_))
                ),
                "{owned}"
            );
        }
        assert_eq!(fields.len(), 1);
    }

    #[test]
    fn several_fields_are_set_together_or_not_at_all() {
        let (mut fields, mut growth) = (Fields::new(), Growth::new(1 << 16));
        fields.append("a", "old");
        fields.append("b", "kept");
        let field = |n: &str, v: &str| (n.to_owned(), v.as_bytes().to_vec());
        assert!(
            set_all(
                &mut fields,
                &mut growth,
                &[field("a", "1"), field("A", "2"), field("te", "x")]
            )
            .is_err()
        );
        assert_eq!(get_all(&fields, "a"), [b"old"]);
        set_all(
            &mut fields,
            &mut growth,
            &[field("a", "1"), field("A", "2")],
        )
        .unwrap();
        assert_eq!(get_all(&fields, "a"), [b"1", b"2"]);
        assert_eq!(get(&fields, "b").unwrap(), b"kept");
    }

    #[test]
    fn a_message_has_a_most_of_fields() {
        let (mut fields, mut growth) = (Fields::new(), Growth::new(1 << 16));
        for _ in 0..MOST {
            append(&mut fields, &mut growth, "a", b"").unwrap();
        }
        assert!(matches!(
            append(&mut fields, &mut growth, "a", b""),
            Err(FieldError::TooMany)
        ));
    }

    #[test]
    fn a_head_grows_by_no_more_than_it_may() {
        let mut fields = Fields::new();
        fields.append("old", "0123456789");
        let mut growth = Growth::new(20);
        let refused = |result: FieldResult| matches!(result, Err(FieldError::InvalidValue(why)) if why.contains("max-head allows 20"));
        assert!(refused(
            set(&mut fields, &mut growth, "a", &[b'x'; 16]).map(drop)
        ));
        set(&mut fields, &mut growth, "a", &[b'x'; 15]).unwrap();
        assert!(refused(
            append(&mut fields, &mut growth, "a", b"").map(drop)
        ));
        let more = vec![("b".to_owned(), vec![])];
        assert!(refused(set_all(&mut fields, &mut growth, &more)));
        assert_eq!(fields.len(), 2, "what is refused changes nothing");
        delete(&mut fields, &mut growth, "old").unwrap();
        let more = vec![("b".to_owned(), vec![b'x'; 12])];
        set_all(&mut fields, &mut growth, &more).unwrap();
        assert!(refused(
            append(&mut fields, &mut growth, "b", b"").map(drop)
        ));
        growth.restart();
        append(&mut fields, &mut growth, "b", b"").unwrap();
        for _ in 0..100 {
            set(&mut fields, &mut growth, "c", &[b'x'; 10]).unwrap();
        }
    }
}

//! Field lines of HTTP/1.1, byte by byte as RFC 9112, section 5 writes them.
//!
//! Heads and trailer sections are both made of these. A line ends with CR LF and nothing else ends a line: where one
//! recipient takes a bare LF for an end and the next one does not, a request can hide behind another.

use crate::message::syntax::{self, TOKEN};
use crate::message::{Fields, Known, Lines};
use crate::proxy::bad_head::BadField;

/// The most bytes of a field's name.
const MAX_NAME: usize = u16::MAX as usize;

/// One line of a section of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Field {
        name_len: usize,
        known: Known,
        /// Where the value begins and ends, without the white space around it.
        value: (usize, usize),
        /// Bytes of the line, its end included.
        len: usize,
    },
    /// The empty line that ends the section: two bytes.
    End,
}

/// The line at the start of `bytes`, or none if its end is not there yet.
///
/// # Errors
/// At the first byte that can't be part of a field line. More bytes don't change that.
pub fn line(bytes: &[u8]) -> Result<Option<Line>, BadField> {
    match plain_line(bytes) {
        None => other_line(bytes),
        plain => Ok(plain),
    }
}

/// A whole and valid field line of the usual form: one space before the value, none behind it, no tab. Nearly all are; what
/// is not gets a closer look.
#[inline]
fn plain_line(bytes: &[u8]) -> Option<Line> {
    let colon = syntax::find(bytes, |word| syntax::zeros(word ^ syntax::each(b':')))?;
    let known = match Known::of_any(&bytes[..colon]) {
        Known::Other if !syntax::is_token(&bytes[..colon]) || colon >= MAX_NAME => return None,
        known => known,
    };
    let value = bytes[colon + 1..].strip_prefix(b" ")?;
    let len = syntax::find(value, syntax::controls)?;
    let is_spaced = value.first() == Some(&b' ') || (len > 0 && value[len - 1] == b' ');
    if is_spaced || !value[len..].starts_with(b"\r\n") {
        return None;
    }
    let start = colon + 2;
    Some(Line::Field {
        name_len: colon,
        known,
        value: (start, start + len),
        len: start + len + 2,
    })
}

/// Any other line, byte by byte.
fn other_line(bytes: &[u8]) -> Result<Option<Line>, BadField> {
    let colon = syntax::run_of(TOKEN, bytes);
    match bytes.get(colon) {
        None => return Ok(None),
        Some(b':') if (1..MAX_NAME).contains(&colon) => {}
        Some(b'\r') if colon == 0 => return Ok(line_feed(bytes, 0)?.map(|_| Line::End)),
        Some(b'\n') => return Err(BadField::LineEnd),
        Some(b' ' | b'\t') if colon == 0 => return Err(BadField::Fold),
        Some(_) => return Err(BadField::Name),
    }
    let start = colon + 1;
    let end = start + syntax::text(&bytes[start..]);
    match bytes.get(end) {
        None => Ok(None),
        Some(b'\r') => Ok(line_feed(bytes, end)?.map(|len| Line::Field {
            name_len: colon,
            known: Known::of(&bytes[..colon]),
            value: trimmed(bytes, start, end),
            len,
        })),
        Some(b'\n') => Err(BadField::LineEnd),
        Some(_) => Err(BadField::Value),
    }
}

/// Reads the fields at the start of `bytes` up to the empty line that ends them: the fields, and how many bytes they take with
/// that line; none while it is not there. `see` is told of each one's name and value.
///
/// # Errors
/// At the first line that is no field, the first that `see` refuses, and the first above `most`.
pub fn section<E: From<BadField>>(
    bytes: &[u8],
    most: usize,
    too_many: impl FnOnce(usize) -> E,
    mut see: impl FnMut(&[u8], Known, &[u8]) -> Result<(), E>,
) -> Result<Option<(Fields, usize)>, E> {
    let mut lines = Lines::new();
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        if rest.starts_with(b"\r\n") {
            let fields = Fields::of_head(&bytes[..at], lines);
            return Ok(Some((fields, at + 2)));
        }
        let Some(Line::Field {
            name_len,
            known,
            value: (start, end),
            len,
        }) = line(rest)?
        else {
            return Ok(None);
        };
        if lines.len() == most {
            return Err(too_many(most));
        }
        see(&rest[..name_len], known, &rest[start..end])?;
        lines.push((at, at + len), name_len, (at + start, at + end), known);
        at += len;
    }
}

/// The value of a field in a head that was refused, as far as it can be read: of the first line with this name (lower
/// case) whose end is there.
pub fn value_of<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = head.split_inclusive(|&b| b == b'\n').skip(1);
    lines.find_map(|text| match line(text) {
        Ok(Some(Line::Field {
            name_len, value, ..
        })) if text[..name_len].eq_ignore_ascii_case(name) => Some(&text[value.0..value.1]),
        _ => None,
    })
}

/// Where the value between two places is, without the spaces and tabs around it.
fn trimmed(bytes: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    let is_space = |at: usize| matches!(bytes[at], b' ' | b'\t');
    while start < end && is_space(start) {
        start += 1;
    }
    while start < end && is_space(end - 1) {
        end -= 1;
    }
    (start, end)
}

/// Where the next line begins, when there is a CR at `cr`.
fn line_feed(bytes: &[u8], cr: usize) -> Result<Option<usize>, BadField> {
    match bytes.get(cr + 1) {
        None => Ok(None),
        Some(b'\n') => Ok(Some(cr + 2)),
        Some(_) => Err(BadField::LineEnd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        type Case<'a> = (&'a [u8], Result<Option<Line>, BadField>);
        let field = |name_len, value, len| {
            Ok(Some(Line::Field {
                name_len,
                known: Known::Other,
                value,
                len,
            }))
        };
        let cases: &[Case<'_>] = &[
            (b"", Ok(None)),
            (b"a", Ok(None)),
            (b"a:", Ok(None)),
            (b"a: b\r", Ok(None)),
            (b"\r", Ok(None)),
            (b"\r\n", Ok(Some(Line::End))),
            (b"a:\r\n", field(1, (2, 2), 4)),
            (b"a: \r\n", field(1, (3, 3), 5)),
            (b"a: b\r\nc", field(1, (3, 4), 6)),
            (b"a:\t b \tc\t \r\n", field(1, (4, 8), 12)),
            (b"a: \x80\xff\r\n", field(1, (3, 5), 7)),
            (b"a: b:c\r\n", field(1, (3, 6), 8)),
            (b"a b", Err(BadField::Name)),
            (b"a :b", Err(BadField::Name)),
            (b":b", Err(BadField::Name)),
            (b"\0", Err(BadField::Name)),
            (b"\x80", Err(BadField::Name)),
            (b"a\r", Err(BadField::Name)),
            (b" a: b", Err(BadField::Fold)),
            (b"\ta: b", Err(BadField::Fold)),
            (b"\n", Err(BadField::LineEnd)),
            (b"a\n", Err(BadField::LineEnd)),
            (b"a: b\n", Err(BadField::LineEnd)),
            (b"a: b\rc", Err(BadField::LineEnd)),
            (b"\ra", Err(BadField::LineEnd)),
            (b"a: \0", Err(BadField::Value)),
            (b"a: \x7f", Err(BadField::Value)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(line(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }
}

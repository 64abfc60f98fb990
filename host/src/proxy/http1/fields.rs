//! Field lines of HTTP/1.1, byte by byte as RFC 9112, section 5 writes them.
//!
//! Heads and trailer sections are both made of these. A line ends with CR LF and nothing else ends a line: where one
//! recipient takes a bare LF for an end and the next one does not, a request can hide behind another.

/// The most bytes of a field's name that hyper takes.
const MAX_NAME: usize = u16::MAX as usize;

/// What is wrong with a field line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadField {
    #[error("a field's name is not a token that a colon follows at once")]
    Name,
    #[error("a field's value holds a control character")]
    Value,
    #[error("a line does not end with CR LF")]
    LineEnd,
    #[error("a field is continued on a second line")]
    Fold,
}

/// One line of a section of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    Field {
        name: &'a [u8],
        /// Without the white space around it.
        value: &'a [u8],
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
pub fn line(bytes: &[u8]) -> Result<Option<Line<'_>>, BadField> {
    let colon = run_of(TOKEN, bytes);
    match bytes.get(colon) {
        None => return Ok(None),
        Some(b':') if (1..MAX_NAME).contains(&colon) => {}
        Some(b'\r') if colon == 0 => return Ok(line_feed(bytes, 0)?.map(|_| Line::End)),
        Some(b'\n') => return Err(BadField::LineEnd),
        Some(b' ' | b'\t') if colon == 0 => return Err(BadField::Fold),
        Some(_) => return Err(BadField::Name),
    }
    let start = colon + 1;
    let end = start + text(&bytes[start..]);
    match bytes.get(end) {
        None => Ok(None),
        Some(b'\r') => Ok(line_feed(bytes, end)?.map(|len| Line::Field {
            name: &bytes[..colon],
            value: trim(&bytes[start..end]),
            len,
        })),
        Some(b'\n') => Err(BadField::LineEnd),
        Some(_) => Err(BadField::Value),
    }
}

/// Where the next line begins, when there is a CR at `cr`.
fn line_feed(bytes: &[u8], cr: usize) -> Result<Option<usize>, BadField> {
    match bytes.get(cr + 1) {
        None => Ok(None),
        Some(b'\n') => Ok(Some(cr + 2)),
        Some(_) => Err(BadField::LineEnd),
    }
}

/// Whether `name` is one that a recipient may take for `field` (lower case): the case doesn't count, nor does `_` for
/// `-`, because CGI and its heirs (WSGI, Rack) make the same variable of both.
pub fn resembles(name: &[u8], field: &[u8]) -> bool {
    let plain = |b: u8| {
        if b == b'_' {
            b'-'
        } else {
            b.to_ascii_lowercase()
        }
    };
    name.len() == field.len() && name.iter().zip(field).all(|(&a, &b)| plain(a) == b)
}

/// The value of a field in a head that was refused, as far as it can be read: of the first line with this name (lower
/// case) whose end is there.
pub fn value_of<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = head.split_inclusive(|&b| b == b'\n').skip(1);
    lines.find_map(|line| match self::line(line) {
        Ok(Some(Line::Field {
            name: of, value, ..
        })) => of.eq_ignore_ascii_case(name).then_some(value),
        _ => None,
    })
}

/// `value` without the spaces and tabs around it (RFC 9110, section 5.6.3).
pub fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Bytes of a method or a field's name: `tchar` of RFC 9110, section 5.6.2.
pub const TOKEN: u8 = 1;
/// Bytes of a target before its `?`: those that `http::Uri` takes in a path.
pub const PATH: u8 = 2;
/// Bytes of a target after its `?`: those that `http::Uri` takes in a query.
pub const QUERY: u8 = 4;
/// Visible ASCII.
pub const VISIBLE: u8 = 8;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0x21;
    while b < 0x7f {
        let byte = b as u8;
        let token = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        let target = !matches!(byte, b'#' | b'<' | b'>');
        table[b] = VISIBLE
            | if token { TOKEN } else { 0 }
            | if target && byte != b'?' && byte != b'`' {
                PATH
            } else {
                0
            }
            | if target && byte != b'"' { QUERY } else { 0 };
        b += 1;
    }
    table
}

/// How many bytes at the start of `bytes` are of a class.
pub fn run_of(class: u8, bytes: &[u8]) -> usize {
    let other = bytes
        .iter()
        .position(|&b| CLASSES[usize::from(b)] & class == 0);
    other.unwrap_or(bytes.len())
}

/// How many bytes at the start of `bytes` may stand in a value: all but control characters, of which the tab may.
pub fn text(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += plain_text(&bytes[at..]);
        if bytes.get(at) != Some(&b'\t') {
            return at;
        }
        at += 1;
    }
}

/// How many bytes at the start of `bytes` are no control characters. Eight bytes are looked at as one number.
fn plain_text(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The lowest high bit that is set marks the first byte that is below 0x20, or 0x7f.
        let below = word.wrapping_sub(ONES * 0x20) & !word;
        let delete = word ^ (ONES * 0x7f);
        let delete = delete.wrapping_sub(ONES) & !delete;
        let found = (below | delete) & (ONES * 0x80);
        if found != 0 {
            return i * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let other = rest.iter().position(u8::is_ascii_control);
    words.len() * 8 + other.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        type Case<'a> = (&'a [u8], Result<Option<Line<'a>>, BadField>);
        let field = |name, value, len| Ok(Some(Line::Field { name, value, len }));
        let cases: &[Case<'_>] = &[
            (b"", Ok(None)),
            (b"a", Ok(None)),
            (b"a:", Ok(None)),
            (b"a: b\r", Ok(None)),
            (b"\r", Ok(None)),
            (b"\r\n", Ok(Some(Line::End))),
            (b"a:\r\n", field(b"a", b"", 4)),
            (b"a: b\r\nc", field(b"a", b"b", 6)),
            (b"a:\t b \tc\t \r\n", field(b"a", b"b \tc", 12)),
            (b"a: \x80\xff\r\n", field(b"a", b"\x80\xff", 7)),
            (b"a: b:c\r\n", field(b"a", b"b:c", 8)),
            (b"a b", Err(BadField::Name)),
            (b"a :b", Err(BadField::Name)),
            (b":b", Err(BadField::Name)),
            (b"\0", Err(BadField::Name)),
            (b"\x80", Err(BadField::Name)),
            (b"a\r", Err(BadField::Name)),
            (b" b", Err(BadField::Fold)),
            (b"\tb", Err(BadField::Fold)),
            (b"\n", Err(BadField::LineEnd)),
            (b"a\n", Err(BadField::LineEnd)),
            (b"\ra", Err(BadField::LineEnd)),
            (b"a: b\n", Err(BadField::LineEnd)),
            (b"a: b\rc", Err(BadField::LineEnd)),
            (b"a: b\0", Err(BadField::Value)),
            (b"a: b\x7f", Err(BadField::Value)),
            (b"a: b\x1f", Err(BadField::Value)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                line(bytes),
                *expected,
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn text_ends_at_any_control_character_wherever_it_stands() {
        for before in 0..40 {
            for byte in 0..=255u8 {
                for after in [0, 1, 9] {
                    let bytes = [vec![b'x'; before], vec![byte], vec![b'y'; after]].concat();
                    let ends = byte.is_ascii_control() && byte != b'\t';
                    let expected = if ends { before } else { bytes.len() };
                    assert_eq!(text(&bytes), expected, "{byte:#x} after {before} bytes");
                }
            }
        }
    }

    #[test]
    fn targets_are_what_the_uri_type_takes_and_keeps() {
        for byte in 0..=255u8 {
            for (prefix, class) in [("/a", PATH), ("/a?b", QUERY)] {
                let target = [prefix.as_bytes(), &[byte], b"c"].concat();
                let kept = http::Uri::try_from(&target[..])
                    .is_ok_and(|uri| uri.to_string().as_bytes() == target);
                let ours = run_of(class, &[byte]) == 1 || (class == PATH && byte == b'?');
                // A byte of UTF-8 is never taken; a single one is none for the type either.
                assert_eq!(ours, kept, "{byte:#x} after {prefix}");
            }
        }
    }

    #[test]
    fn names_that_look_alike() {
        assert!(resembles(b"Content_LENGTH", b"content-length"));
        assert!(resembles(b"content-length", b"content-length"));
        assert!(!resembles(b"content-lengths", b"content-length"));
        assert!(!resembles(b"content.length", b"content-length"));
    }
}

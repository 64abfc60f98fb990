//! Text with its escapes undone, and where each of its bytes stands in the document.
//!
//! Names are of letters, digits and `-`, which no syntax needs to escape. So a name that was found in the decoded text is
//! replaced in the document itself, and every other byte of the document stays as it was.

use std::borrow::Cow;

/// The length of the escape that a text begins with, and what it stands for; none if it is no escape.
type Escape = fn(&[u8]) -> Option<(usize, Vec<u8>)>;

/// Decoded text.
#[derive(Debug)]
pub(crate) struct Decoded<'a> {
    pub(crate) text: Cow<'a, [u8]>,
    /// Where the bytes stand, and where the text ends; empty if they follow one another from `base`.
    places: Vec<usize>,
    base: usize,
}

/// How a text is escaped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Escapes {
    None,
    Json,
    Xml,
}

impl Escapes {
    /// The text that begins at `base`, decoded.
    pub(crate) fn undone(self, raw: &[u8], base: usize) -> Decoded<'_> {
        match self {
            Self::None => Decoded::plain(raw, base),
            Self::Json => Decoded::json(raw, base),
            Self::Xml => Decoded::xml(raw, base),
        }
    }
}

impl<'a> Decoded<'a> {
    /// Text without escapes that begins at `base`.
    pub(crate) fn plain(text: &'a [u8], base: usize) -> Self {
        Self {
            text: Cow::Borrowed(text),
            places: Vec::new(),
            base,
        }
    }

    /// Where the byte at `at` stands.
    pub(crate) fn place(&self, at: usize) -> usize {
        match self.places.get(at) {
            Some(place) => *place,
            None => self.base + at,
        }
    }

    /// The inside of a JSON string.
    pub(crate) fn json(raw: &'a [u8], base: usize) -> Self {
        Self::unescaped(raw, base, b"\\", json_escape)
    }

    /// Character data of XML.
    pub(crate) fn xml(raw: &'a [u8], base: usize) -> Self {
        Self::unescaped(raw, base, b"&", xml_escape)
    }

    /// A part of a URL.
    pub(crate) fn url(raw: &'a [u8], base: usize) -> Self {
        Self::unescaped(raw, base, b"%", percent_escape)
    }

    /// A name or value of a form.
    pub(crate) fn form(raw: &'a [u8], base: usize) -> Self {
        Self::unescaped(raw, base, b"%+", percent_escape)
    }

    /// Undoes escapes that begin with one of `marks`.
    fn unescaped(raw: &'a [u8], base: usize, marks: &[u8], escape: Escape) -> Self {
        if !raw.iter().any(|byte| marks.contains(byte)) {
            return Self::plain(raw, base);
        }
        let mut text = Vec::with_capacity(raw.len());
        let mut places = Vec::with_capacity(raw.len() + 1);
        let mut at = 0;
        while let Some(&byte) = raw.get(at) {
            let escaped = marks.contains(&byte).then(|| escape(&raw[at..])).flatten();
            let (len, bytes) = escaped.unwrap_or_else(|| (1, vec![byte]));
            places.extend(std::iter::repeat_n(base + at, bytes.len()));
            text.extend(bytes);
            at += len;
        }
        places.push(base + at);
        Self {
            text: Cow::Owned(text),
            places,
            base,
        }
    }
}

fn json_escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let byte = match text.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'u' => return unicode_escape(text),
        other => *other,
    };
    Some((2, vec![byte]))
}

fn unicode_escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let unit = |from: usize| {
        let escape = text.get(from..from + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
    };
    let high = unit(0)?;
    let (len, code) = match (high, unit(6)) {
        (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
            (12, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
        }
        _ => (6, high),
    };
    let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((len, char.to_string().into_bytes()))
}

fn xml_escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let end = text.iter().take(12).position(|byte| *byte == b';')?;
    let entity = std::str::from_utf8(&text[1..end]).ok()?;
    let char = match entity {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((end + 1, char.to_string().into_bytes()))
}

fn percent_escape(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    if text.first() == Some(&b'+') {
        return Some((1, vec![b' ']));
    }
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let byte = u8::try_from(digit(1)? * 16 + digit(2)?).ok()?;
    Some((3, vec![byte]))
}

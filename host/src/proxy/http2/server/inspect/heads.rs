//! Reads field sections as HPACK writes them (RFC 7541), to find what no message may hold.
//!
//! Of the table only the lengths and the kinds of its entries are kept: what was checked when it came in needs no second look.

use std::collections::VecDeque;

use http::{HeaderName, Method, StatusCode};

use super::huffman;

/// Bytes of the table: the default, which we don't change.
const TABLE: usize = 4096;
/// What an entry counts beside its name and value (RFC 7541, section 4.1).
const ENTRY: usize = 32;

/// Lengths of the names in the static table (RFC 7541, appendix A).
const STATIC_NAMES: [usize; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14,
    16, 13, 12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10,
    25, 17, 10, 4, 3, 16,
];

/// What a field is to `h2`, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Field,
    /// A pseudo-header field that may hold any text.
    Text,
    Method,
    Status,
    /// None that a message may have.
    Bad,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: Kind,
    name: usize,
    size: usize,
    /// Its value is not what the client sent.
    is_replaced: bool,
}

/// A section, as far as it concerns `h2`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Section {
    Fine,
    /// `h2` resets the stream of this section, which stands for the one that came.
    Malformed(Vec<u8>),
    /// Not HPACK.
    Undecodable,
}

/// The table that the sections of a connection share.
#[derive(Debug)]
pub(super) struct Heads {
    entries: VecDeque<Entry>,
    size: usize,
    max: usize,
    /// Decoded strings.
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            max: TABLE,
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

/// A string, coded by Huffman's method or not.
#[derive(Debug, Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    is_coded: bool,
}

impl Heads {
    /// Reads the next section of the connection.
    pub(super) fn read(&mut self, section: &[u8]) -> Section {
        let mut reader = Reader(section);
        // The section in another form, and up to where it holds what came; none while nothing has to be replaced.
        let mut other: Option<(Vec<u8>, usize)> = None;
        let mut is_malformed = false;
        while !reader.0.is_empty() {
            let start = section.len() - reader.0.len();
            let Some(step) = self.step(&mut reader) else {
                return Section::Undecodable;
            };
            match step {
                Step::Fine => {}
                Step::Malformed => is_malformed = true,
                Step::Replaced(by) => {
                    is_malformed = true;
                    let (out, at) = other.get_or_insert_default();
                    out.extend_from_slice(&section[*at..start]);
                    out.extend_from_slice(&by);
                    *at = section.len() - reader.0.len();
                }
            }
        }
        if !is_malformed {
            return Section::Fine;
        }
        let (mut out, at) = other.unwrap_or_default();
        out.extend_from_slice(&section[at..]);
        // Not to be indexed: a field that no section may hold (RFC 9113, section 8.2.2).
        out.extend_from_slice(b"\x00\x0aconnection\x00");
        Section::Malformed(out)
    }

    /// One field, or a change of the table's size; none if it can't be decoded.
    fn step(&mut self, reader: &mut Reader<'_>) -> Option<Step> {
        let first = *reader.0.first()?;
        if first & 0x80 != 0 {
            let entry = self.entry(reader.number(7)?)?;
            let is_fine = entry.kind != Kind::Bad && !entry.is_replaced;
            return Some(if is_fine { Step::Fine } else { Step::Malformed });
        }
        if first & 0xe0 == 0x20 {
            self.max = reader.number(5).filter(|size| *size <= TABLE)?;
            self.evict(0);
            return Some(Step::Fine);
        }
        let is_indexed = first & 0x40 != 0;
        let whole = reader.0;
        let index = reader.number(if is_indexed { 6 } else { 4 })?;
        let (kind, name) = if index == 0 {
            reader.text()?.decode(&mut self.name)?;
            (kind_of(&self.name), self.name.len())
        } else {
            let entry = self.entry(index)?;
            (entry.kind, entry.name)
        };
        let head = &whole[..whole.len() - reader.0.len()];
        reader.text()?.decode(&mut self.value)?;
        let value = self.value.len();
        // An entry of no bytes at all has no other of its length.
        let other = match kind {
            Kind::Bad => Some(unnamed(first, name, value)?),
            _ if is_valid(kind, &self.value) => None,
            _ => Some(replacement(kind, head, first, name, value)?),
        };
        let is_replaced = other.is_some();
        if is_indexed {
            let kind = match &other {
                Some(other) if !other.keeps_name => Kind::Bad,
                _ => kind,
            };
            self.insert(Entry {
                kind,
                name,
                size: name + value + ENTRY,
                is_replaced,
            });
        }
        Some(match other {
            Some(other) => Step::Replaced(other.bytes),
            None => Step::Fine,
        })
    }

    fn entry(&self, index: usize) -> Option<Entry> {
        let position = index.checked_sub(1)?;
        match STATIC_NAMES.get(position) {
            Some(name) => Some(Entry {
                kind: match index {
                    2 | 3 => Kind::Method,
                    1..=7 => Kind::Text,
                    8..=14 => Kind::Status,
                    _ => Kind::Field,
                },
                name: *name,
                size: 0,
                is_replaced: false,
            }),
            None => self.entries.get(position - STATIC_NAMES.len()).copied(),
        }
    }

    fn insert(&mut self, entry: Entry) {
        self.evict(entry.size);
        if entry.size <= self.max {
            self.size += entry.size;
            self.entries.push_front(entry);
        }
    }

    /// Makes room for so many bytes.
    fn evict(&mut self, room: usize) {
        while self.size + room > self.max
            && let Some(entry) = self.entries.pop_back()
        {
            self.size -= entry.size;
        }
    }
}

enum Step {
    Fine,
    /// It refers to an entry that was replaced.
    Malformed,
    Replaced(Vec<u8>),
}

/// What stands for a literal.
struct Other {
    bytes: Vec<u8>,
    keeps_name: bool,
}

/// The literal with a value that `h2` takes; both are of the same length.
fn replacement(kind: Kind, head: &[u8], first: u8, name: usize, value: usize) -> Option<Other> {
    if kind == Kind::Status || (kind == Kind::Method && value == 0) {
        return unnamed(first, name, value);
    }
    let mut bytes = head.to_vec();
    filler(&mut bytes, value);
    Some(Other {
        bytes,
        keeps_name: true,
    })
}

/// A literal of the same length with another name. None if there is no byte for a name.
fn unnamed(first: u8, name: usize, value: usize) -> Option<Other> {
    let (name, value) = match name {
        0 => (1, value.checked_sub(1)?),
        _ => (name, value),
    };
    // How the literal is to be indexed, and that its name follows.
    let mut bytes = vec![if first & 0x40 != 0 {
        0x40
    } else {
        first & 0xf0
    }];
    filler(&mut bytes, name);
    filler(&mut bytes, value);
    Some(Other {
        bytes,
        keeps_name: false,
    })
}

/// A string of so many letters (RFC 7541, section 5.1 and 5.2).
fn filler(out: &mut Vec<u8>, length: usize) {
    if length < 0x7f {
        out.extend(u8::try_from(length));
    } else {
        out.push(0x7f);
        let mut rest = length - 0x7f;
        while rest >= 0x80 {
            out.extend(u8::try_from(rest & 0x7f | 0x80));
            rest >>= 7;
        }
        out.extend(u8::try_from(rest));
    }
    out.resize(out.len() + length, b'x');
}

fn kind_of(name: &[u8]) -> Kind {
    match name {
        b":method" => Kind::Method,
        b":status" => Kind::Status,
        b":scheme" | b":authority" | b":path" | b":protocol" => Kind::Text,
        [b':', ..] => Kind::Bad,
        _ if HeaderName::from_lowercase(name).is_ok() => Kind::Field,
        _ => Kind::Bad,
    }
}

/// Whether `h2` takes this value: its own rules, by the same functions.
fn is_valid(kind: Kind, value: &[u8]) -> bool {
    match kind {
        Kind::Field => value
            .iter()
            .all(|&byte| byte >= 0x20 && byte != 0x7f || byte == b'\t'),
        Kind::Text => std::str::from_utf8(value).is_ok(),
        Kind::Method => Method::from_bytes(value).is_ok(),
        Kind::Status => StatusCode::from_bytes(value).is_ok(),
        Kind::Bad => false,
    }
}

impl Text<'_> {
    fn decode(self, out: &mut Vec<u8>) -> Option<()> {
        out.clear();
        if self.is_coded {
            return huffman::decode(self.bytes, out);
        }
        out.extend_from_slice(self.bytes);
        Some(())
    }
}

/// What is left of a section.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// An integer that begins with the last `bits` of a byte (RFC 7541, section 5.1). As `h2` has it, no more than five bytes
    /// long.
    fn number(&mut self, bits: u32) -> Option<usize> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        let mask = (1usize << bits) - 1;
        let mut number = usize::from(*first) & mask;
        if number < mask {
            return Some(number);
        }
        for shift in [0, 7, 14, 21] {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number += (usize::from(*byte) & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<Text<'a>> {
        let is_coded = self.0.first()? & 0x80 != 0;
        let length = self.number(7)?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Text { bytes, is_coded })
    }
}

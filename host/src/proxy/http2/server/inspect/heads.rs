//! Reads field sections as HPACK writes them (RFC 7541), to find what no message may hold.
//!
//! Of the table only the lengths and the kinds of its entries are kept: what was checked when it came in needs no second look.

use std::collections::VecDeque;

use bytes::Bytes;

use super::huffman;
use super::literal::{TABLE, literal, replacement, rooted, unnamed};
use super::rules::{Fate, FieldKind, fate, kind_of};
use crate::proxy::http2::fields::PATH_AS_SENT;

/// What an entry counts beside its name and value (RFC 7541, section 4.1).
const ENTRY: usize = 32;

/// Lengths of the names in the static table (RFC 7541, appendix A).
const STATIC_NAMES: [usize; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14,
    16, 13, 12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10,
    25, 17, 10, 4, 3, 16,
];

#[derive(Debug, Clone)]
struct Entry {
    kind: FieldKind,
    name: usize,
    size: usize,
    /// Its value is not what the client sent, and malformed.
    is_replaced: bool,
    /// The path that the client sent, if its value is another one.
    path: Option<Bytes>,
}

/// A section, as far as it concerns `h2`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Section {
    Fine,
    /// What goes on in its place: `h2` resets its stream, or it has the path that came in a field of its own.
    Instead(Vec<u8>),
    /// Not HPACK.
    Undecodable,
}

/// What a section is to its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Head,
    Trailers,
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
    pub(super) fn read(&mut self, place: Place, section: &[u8]) -> Section {
        let mut reader = Reader(section);
        // The section in another form, and up to where it holds what came; none while nothing has to be replaced.
        let mut other: Option<(Vec<u8>, usize)> = None;
        let mut is_malformed = false;
        let mut path = None;
        while !reader.0.is_empty() {
            let start = section.len() - reader.0.len();
            let Some(step) = self.step(&mut reader) else {
                return Section::Undecodable;
            };
            // Trailers have none (RFC 9113, section 8.1); `h2` would drop them.
            is_malformed |= step.is_malformed || (step.is_pseudo && place == Place::Trailers);
            path = step.path.or(path);
            if let Some(by) = step.by {
                let (out, at) = other.get_or_insert_default();
                out.extend_from_slice(&section[*at..start]);
                out.extend_from_slice(&by);
                *at = section.len() - reader.0.len();
            }
        }
        if !is_malformed && path.is_none() {
            return Section::Fine;
        }
        let (mut out, at) = other.unwrap_or_default();
        out.extend_from_slice(&section[at..]);
        match path.filter(|_| !is_malformed) {
            Some(path) => literal(&mut out, PATH_AS_SENT.as_bytes(), &path),
            // A field that no section may hold (RFC 9113, section 8.2.2).
            None => literal(&mut out, b"connection", b""),
        }
        Section::Instead(out)
    }

    /// One field, or a change of the table's size; none if it can't be decoded.
    fn step(&mut self, reader: &mut Reader<'_>) -> Option<Outcome> {
        let first = *reader.0.first()?;
        if first & 0x80 != 0 {
            let entry = self.entry(reader.number(7)?)?;
            return Some(Outcome {
                is_pseudo: entry.kind.is_pseudo(),
                is_malformed: entry.kind == FieldKind::Bad || entry.is_replaced,
                path: entry.path,
                by: None,
            });
        }
        if first & 0xe0 == 0x20 {
            self.max = reader.number(5).filter(|size| *size <= TABLE)?;
            self.evict(0);
            return Some(Outcome::default());
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
        let (fate, other) = match fate(kind, &self.value) {
            Fate::Bad if kind == FieldKind::Bad => (Fate::Bad, Some(unnamed(first, name, value)?)),
            Fate::Bad => (
                Fate::Bad,
                Some(replacement(kind, head, first, name, value)?),
            ),
            Fate::Beside => (Fate::Beside, Some(rooted(head, value))),
            Fate::Fine => (Fate::Fine, None),
        };
        let path = (fate == Fate::Beside).then(|| Bytes::copy_from_slice(&self.value));
        if is_indexed {
            let kind = match &other {
                Some(other) if !other.keeps_name => FieldKind::Bad,
                _ => kind,
            };
            self.insert(Entry {
                kind,
                name,
                size: name + value + ENTRY,
                is_replaced: fate == Fate::Bad,
                path: path.clone(),
            });
        }
        Some(Outcome {
            is_pseudo: kind.is_pseudo(),
            is_malformed: fate == Fate::Bad,
            path,
            by: other.map(|other| other.bytes),
        })
    }

    fn entry(&self, index: usize) -> Option<Entry> {
        let position = index.checked_sub(1)?;
        match STATIC_NAMES.get(position) {
            Some(name) => Some(Entry {
                kind: match index {
                    2 | 3 => FieldKind::Method,
                    4 | 5 => FieldKind::Path,
                    1..=7 => FieldKind::Text,
                    8..=14 => FieldKind::Status,
                    _ => FieldKind::Field,
                },
                name: *name,
                size: 0,
                is_replaced: false,
                path: None,
            }),
            None => self.entries.get(position - STATIC_NAMES.len()).cloned(),
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

/// What one field, or a change of the table's size, does.
#[derive(Default)]
struct Outcome {
    is_pseudo: bool,
    is_malformed: bool,
    /// The path that the client sent, if `h2` gets another one.
    path: Option<Bytes>,
    /// What goes on in its place.
    by: Option<Vec<u8>>,
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

//! Follows the frames of a client and finds its field sections.

use std::borrow::Cow;

use super::heads::{Heads, Place, Section};

const PREFACE: usize = 24;
const HEAD: usize = 9;
/// The largest frame that `h2` takes, as we don't set another size.
const MAX_FRAME: usize = 16 << 10;

/// CONTINUATION frames of one section that are looked at. `h2` takes fewer with the sizes that we allow.
const MAX_CONTINUATIONS: usize = 128;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// Frames without content that each request, and each frame with content, earns.
const EARNED_BY_REQUEST: u64 = 10;
const EARNED_BY_DATA: u64 = 2;

#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes of the preface or of a frame that pass as they are.
    left: usize,
    heads: Heads,
    /// The newest stream that has a head. What comes on it, or on an older one, is a trailer section.
    newest: [u8; 4],
    /// The client has left the protocol, or its section is larger than any may be: `h2` will end the connection, and sections
    /// are not looked at any more.
    is_blind: bool,
    max_held: usize,
}

/// What of some bytes may go on.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Bytes that go on as they are. What comes after them waits until there are `wanted` bytes of it.
    pub(super) pass: usize,
    pub(super) wanted: usize,
    /// What stands behind these goes on in another form.
    pub(super) replaced: Option<Replaced>,
    /// Frames without content.
    pub(super) spent: u64,
    /// Frames without content that others have earned.
    pub(super) earned: u64,
    /// Bytes that have to be sent in answer: to PING and SETTINGS.
    pub(super) answers: u64,
}

#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) length: usize,
    pub(super) by: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    length: usize,
    kind: u8,
    flags: u8,
    stream: [u8; 4],
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, s0, s1, s2, s3, ..] = *bytes else {
            return None;
        };
        Some(Self {
            length: usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c),
            kind,
            flags,
            stream: [s0 & 0x7f, s1, s2, s3],
        })
    }

    fn write(self, out: &mut Vec<u8>, payload: &[u8]) {
        let length = payload.len().to_be_bytes();
        out.extend_from_slice(&length[length.len() - 3..]);
        out.extend_from_slice(&[self.kind, self.flags]);
        out.extend_from_slice(&self.stream);
        out.extend_from_slice(payload);
    }

    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Bytes of the frame that answers this one.
    fn answer(self) -> u64 {
        match self.kind {
            SETTINGS | PING if self.has(ACK) => 0,
            SETTINGS => HEAD as u64,
            PING => (HEAD + 8) as u64,
            _ => 0,
        }
    }

    /// Whether the frame costs its receiver work and brings nothing by itself.
    fn carries_nothing(self) -> bool {
        match self.kind {
            DATA => self.length == 0 && !self.has(END_STREAM),
            // These have bounds of their own.
            HEADERS | CONTINUATION | RST_STREAM => false,
            _ => true,
        }
    }
}

/// A field section in the bytes at hand.
enum Block<'a> {
    /// So many bytes are needed to know more.
    Incomplete(usize),
    /// Not what a field section may be.
    Wrong,
    /// `h2` resets the stream without a look at the fields.
    Unread,
    Whole {
        length: usize,
        fields: Cow<'a, [u8]>,
    },
}

impl Frames {
    pub(super) fn new(max_head: usize) -> Self {
        Self {
            left: PREFACE,
            heads: Heads::default(),
            newest: [0; 4],
            is_blind: false,
            max_held: (1 + continuations(max_head)) * (HEAD + MAX_FRAME),
        }
    }

    /// Follows bytes that come after those that have passed.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Found {
        let mut found = Found::default();
        loop {
            let rest = &bytes[found.pass..];
            if self.left > 0 {
                let n = self.left.min(rest.len());
                self.left -= n;
                found.pass += n;
                if self.left > 0 {
                    return found;
                }
                continue;
            }
            let Some(head) = Head::read(rest) else {
                found.wanted = HEAD;
                return found;
            };
            found.spent += u64::from(head.carries_nothing());
            found.answers += head.answer();
            if head.kind == DATA && head.length > 0 {
                found.earned += EARNED_BY_DATA;
            }
            if head.kind != HEADERS || self.is_blind {
                self.left = HEAD + head.length;
                continue;
            }
            match block(rest, head) {
                Block::Incomplete(wanted) if wanted <= self.max_held => {
                    found.wanted = wanted;
                    return found;
                }
                Block::Unread => self.left = HEAD + head.length,
                Block::Incomplete(_) | Block::Wrong => {
                    self.is_blind = true;
                    self.left = HEAD + head.length;
                }
                Block::Whole { length, fields } => {
                    found.earned += EARNED_BY_REQUEST;
                    let place = self.place(head.stream);
                    match self.heads.read(place, &fields) {
                        Section::Fine => found.pass += length,
                        Section::Undecodable => {
                            self.is_blind = true;
                            found.pass += length;
                        }
                        Section::Instead(fields) => {
                            let by = frames_of(head, &fields);
                            found.replaced = Some(Replaced { length, by });
                            return found;
                        }
                    }
                }
            }
        }
    }
}

impl Frames {
    fn place(&mut self, stream: [u8; 4]) -> Place {
        if stream <= self.newest {
            return Place::Trailers;
        }
        self.newest = stream;
        Place::Head
    }
}

/// The section that begins with this HEADERS frame.
fn block(bytes: &[u8], head: Head) -> Block<'_> {
    if head.length > MAX_FRAME {
        return Block::Wrong;
    }
    let mut at = HEAD + head.length;
    let Some(payload) = bytes.get(HEAD..at) else {
        return Block::Incomplete(at);
    };
    if depends_on_itself(payload, head) {
        return Block::Unread;
    }
    let Some(first) = without_padding(payload, head) else {
        return Block::Wrong;
    };
    let mut fields = Cow::Borrowed(first);
    let (mut is_end, mut count) = (head.has(END_HEADERS), 0);
    while !is_end {
        let Some(next) = Head::read(&bytes[at..]) else {
            return Block::Incomplete(at + HEAD);
        };
        count += 1;
        let belongs = next.kind == CONTINUATION && next.stream == head.stream;
        if !belongs || next.length > MAX_FRAME || count > MAX_CONTINUATIONS {
            return Block::Wrong;
        }
        let end = at + HEAD + next.length;
        let Some(payload) = bytes.get(at + HEAD..end) else {
            return Block::Incomplete(end);
        };
        fields.to_mut().extend_from_slice(payload);
        (at, is_end) = (end, next.has(END_HEADERS));
    }
    Block::Whole { length: at, fields }
}

/// An error of its stream (RFC 7540, section 5.3.1).
fn depends_on_itself(payload: &[u8], head: Head) -> bool {
    let start = usize::from(head.has(PADDED));
    match payload.get(start..) {
        Some(&[s0, s1, s2, s3, _, ..]) if head.has(PRIORITY) => {
            [s0 & 0x7f, s1, s2, s3] == head.stream
        }
        _ => false,
    }
}

/// CONTINUATION frames that `h2` takes of one section.
fn continuations(max_head: usize) -> usize {
    let least = (max_head / MAX_FRAME).max(1);
    (least + least / 4).max(5)
}

fn without_padding(mut payload: &[u8], head: Head) -> Option<&[u8]> {
    let mut padding = 0;
    if head.has(PADDED) {
        let (first, rest) = payload.split_first()?;
        (padding, payload) = (usize::from(*first), rest);
    }
    if head.has(PRIORITY) {
        (_, payload) = payload.split_at_checked(5)?;
    }
    payload.get(..payload.len().checked_sub(padding)?)
}

/// The same section in frames without padding and priority.
fn frames_of(head: Head, fields: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(fields.len() + 2 * HEAD);
    let mut pieces = fields.chunks(MAX_FRAME).peekable();
    let mut kind = HEADERS;
    while let Some(piece) = pieces.next() {
        let end = if pieces.peek().is_none() {
            END_HEADERS
        } else {
            0
        };
        let stream_end = if kind == HEADERS {
            head.flags & END_STREAM
        } else {
            0
        };
        let flags = end | stream_end;
        Head {
            kind,
            flags,
            ..head
        }
        .write(&mut out, piece);
        kind = CONTINUATION;
    }
    out
}

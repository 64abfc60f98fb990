//! Where an event of an event stream ends (WHATWG HTML, section 9.2.5): behind the first blank line.
//!
//! A CR ends a line, and an LF behind it belongs to the same line end. When a chunk ends with the CR of a blank line nobody knows
//! yet whether an LF follows, and if none does, nothing may follow for a long time. So the event ends with that CR, at once. If an LF comes
//! after all, it stands before the next event, as a part that is not for the guest. Whether the LF is sent or not, and whether the events
//! around it are kept, replaced or left out, a reader sees the same events: to it the LF is a part of that line end, or an empty line
//! between two events, which means nothing.

use memchr::memchr2;

const BOM: [u8; 3] = *b"\xef\xbb\xbf";

/// What is known of the event stream up to where it was looked at.
#[derive(Debug)]
pub(super) struct Events {
    /// How many bytes of a BOM the stream began with; none when its beginning has passed.
    bom: Option<usize>,
    /// No byte of the present event has come.
    at_start: bool,
    /// No byte of the present line has come.
    line_is_empty: bool,
    /// The byte before was the CR of a line end: an LF belongs to it.
    after_cr: bool,
    /// Bytes at the start of the event that aren't for a guest.
    lead: usize,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            bom: Some(0),
            at_start: true,
            line_is_empty: true,
            after_cr: false,
            lead: 0,
        }
    }

    /// How many bytes at the start of the event that was looked at last aren't for a guest: a BOM, or an LF of the line end before.
    pub(super) fn lead(&self) -> usize {
        self.lead
    }

    /// Looks at the bytes that follow those it has seen. Tells after how many of them the event ends; none when it goes on. The bytes
    /// behind its end have not been looked at.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        if bytes.is_empty() {
            return None;
        }
        if self.at_start {
            self.at_start = false;
            self.lead = 0;
            if self.after_cr && bytes[0] == b'\n' {
                self.lead = 1;
            }
        }
        let mut at = self.pass_bom(bytes);
        while at < bytes.len() {
            let belongs = self.after_cr && bytes[at] == b'\n';
            self.after_cr = false;
            if belongs {
                at += 1;
                continue;
            }
            let Some(length) = memchr2(b'\n', b'\r', &bytes[at..]) else {
                self.line_is_empty = false;
                break;
            };
            let is_blank = self.line_is_empty && length == 0;
            at += length + 1;
            self.after_cr = bytes[at - 1] == b'\r';
            self.line_is_empty = true;
            if is_blank {
                if self.after_cr && bytes.get(at) == Some(&b'\n') {
                    self.after_cr = false;
                    at += 1;
                }
                self.at_start = true;
                return Some(at);
            }
        }
        None
    }

    /// Passes a BOM at the beginning of the stream, which is no part of its first line.
    fn pass_bom(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let (Some(seen), Some(&byte)) = (self.bom, bytes.get(at)) {
            if byte == BOM[seen] {
                at += 1;
                self.bom = (seen + 1 < BOM.len()).then_some(seen + 1);
                if self.bom.is_none() {
                    self.lead = BOM.len();
                }
            } else {
                // What looked like one belongs to the line.
                self.line_is_empty &= seen == 0;
                self.bom = None;
            }
        }
        at
    }
}

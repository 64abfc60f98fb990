//! Texts that are too long to be looked at in one piece, or have no end yet: they are looked at in windows.
//!
//! A window ends behind a byte that is in no name and tells nothing of what follows it: white space, a comma, a quote. So the same is
//! found as in one piece. A text without such a byte for 64 KiB (base64, a line of a blob) is cut anywhere, and both sides see
//! enough of the other one to find an ARN.

use super::{Editor, LONGEST_TEXT, Place, scan};
use crate::decoded::Escapes;
use crate::keys::Class;

/// What of a text was looked at. Places are those in the text that is around it.
#[derive(Debug)]
pub(super) struct Window {
    class: Class,
    /// Where the next window begins, which shows what stands before `done`.
    pub(super) from: usize,
    /// Everything before was looked at.
    pub(super) done: usize,
    /// There is no byte between `done` and here to cut behind.
    seen: usize,
}

/// What an ARN may be long, up to its resource, and what must be known of the text before a name.
const CONTEXT: usize = 256;

impl Window {
    /// A text that begins at a place.
    pub(super) fn new(class: Class, start: usize) -> Self {
        Self {
            class,
            from: start,
            done: start,
            seen: start,
        }
    }

    /// Looks at what is there up to `end`.
    pub(super) fn go(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        end: usize,
        is_all: bool,
        escapes: Escapes,
        root: Place<'_>,
    ) {
        if self.class == Class::Content {
            (self.from, self.done, self.seen) = (end, end, end);
            return;
        }
        let is_border = |byte: &u8| byte.is_ascii_whitespace() || b",\"".contains(byte);
        let border = text[self.seen..end].iter().rposition(is_border);
        let (shown, mut cut) = match border.map(|at| self.seen + at + 1) {
            _ if is_all => (end, end),
            Some(cut) => (cut, cut),
            None if end - self.from > LONGEST_TEXT => (end, end - CONTEXT),
            None => {
                self.seen = end;
                return;
            }
        };
        let decoded = escapes.undone(&text[self.from..shown], self.from);
        let done = self.done;
        scan(
            editor.names,
            self.class,
            &decoded.text,
            &mut |range, name| {
                let place = decoded.place(range.start)..decoded.place(range.end);
                if place.start >= done && place.start < cut {
                    cut = cut.max(place.end);
                    editor
                        .edits
                        .push((root(place.start)..root(place.end), name.into()));
                }
            },
        );
        let back = if border.is_some() { 1 } else { CONTEXT };
        (self.from, self.done, self.seen) = (cut.saturating_sub(back).max(self.from), cut, end);
    }

    /// So many bytes of the beginning of the text around are gone.
    pub(super) fn forget(&mut self, bytes: usize) {
        for place in [&mut self.from, &mut self.done, &mut self.seen] {
            *place = place.saturating_sub(bytes);
        }
    }
}

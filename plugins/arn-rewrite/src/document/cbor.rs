//! Texts of CBOR (RFC 8949), by the fields that they stand in. A text is written anew with its length, all else is
//! copied.

use super::{Editor, MOST_DEPTH, is_name_of_pair, is_value_of_pair, splice};
use crate::decoded::Decoded;
use crate::keys::Field;

/// The document with its names swapped; none if it stays as it is or isn't well-formed.
pub(super) fn swap(editor: &mut Editor<'_, '_>, document: &[u8]) -> Option<Vec<u8>> {
    let mut copy = Copy {
        editor,
        from: document,
        to: Vec::with_capacity(document.len() + 64),
        changed: false,
    };
    let end = copy.item(0, Field::default(), true, 0)?;
    let Copy { to, changed, .. } = copy;
    (changed && end == document.len()).then_some(to)
}

struct Copy<'w, 'a, 'n> {
    editor: &'w mut Editor<'a, 'n>,
    from: &'w [u8],
    to: Vec<u8>,
    changed: bool,
}

/// What an item begins with.
struct Head {
    major: u8,
    /// None: the item has no length and ends with a break.
    argument: Option<usize>,
    end: usize,
}

const BREAK: u8 = 0xff;

impl Copy<'_, '_, '_> {
    /// Copies an item, with its names swapped if it is looked at, and goes on behind it.
    fn item(&mut self, at: usize, field: Field<'_>, look: bool, depth: usize) -> Option<usize> {
        if depth > MOST_DEPTH {
            return None;
        }
        let head = head(self.from, at)?;
        match (head.major, head.argument) {
            (3, Some(length)) => {
                let end = head.end.checked_add(length)?;
                let text = self.from.get(head.end..end)?;
                match look.then(|| self.swapped(field, text)).flatten() {
                    Some(text) => self.text(&text),
                    None => self.to.extend_from_slice(&self.from[at..end]),
                }
                Some(end)
            }
            (2, Some(length)) => {
                let end = head.end.checked_add(length)?;
                self.to.extend_from_slice(self.from.get(at..end)?);
                Some(end)
            }
            (5, _) => self.map(at, &head, field, look, depth),
            (4, _) | (2 | 3, None) => {
                self.to.extend_from_slice(&self.from[at..head.end]);
                // Pieces of one text are not looked at: a name may be cut.
                let look = look && head.major == 4;
                self.each(&head, |copy, at| copy.item(at, field, look, depth + 1))
            }
            (6, _) => {
                self.to.extend_from_slice(&self.from[at..head.end]);
                self.item(head.end, field, look, depth + 1)
            }
            _ => {
                self.to.extend_from_slice(&self.from[at..head.end]);
                Some(head.end)
            }
        }
    }

    fn map(
        &mut self,
        at: usize,
        head: &Head,
        field: Field<'_>,
        look: bool,
        depth: usize,
    ) -> Option<usize> {
        let beside = self.name_of_pair(head, depth);
        self.to.extend_from_slice(&self.from[at..head.end]);
        self.each(head, |copy, at| {
            let key = copy.key(at);
            let value = skip(copy.from, at, depth + 1)?;
            copy.to.extend_from_slice(&copy.from[at..value]);
            let here = Field {
                name: &key,
                parent: field.name,
                beside: beside.as_deref().filter(|_| is_value_of_pair(&key)),
            };
            let looks = look && !copy.editor.is_content(here);
            copy.item(value, here, looks, depth + 1)
        })
    }

    /// In a map that is a name and a value: the name.
    fn name_of_pair(&self, head: &Head, depth: usize) -> Option<String> {
        let mut at = head.end;
        let mut left = head.argument.unwrap_or(usize::MAX);
        while left > 0 && self.from.get(at) != Some(&BREAK) {
            let value = skip(self.from, at, depth + 1)?;
            if is_name_of_pair(&self.key(at)) {
                return Some(self.key(value));
            }
            at = skip(self.from, value, depth + 1)?;
            left -= 1;
        }
        None
    }

    /// The text that is here; empty if it is none.
    fn key(&self, at: usize) -> String {
        let text = head(self.from, at)
            .filter(|head| head.major == 3)
            .and_then(|head| {
                self.from
                    .get(head.end..head.end.checked_add(head.argument?)?)
            });
        String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
    }

    fn each(
        &mut self,
        head: &Head,
        mut act: impl FnMut(&mut Self, usize) -> Option<usize>,
    ) -> Option<usize> {
        let mut at = head.end;
        let mut left = head.argument.unwrap_or(usize::MAX);
        while left > 0 {
            if head.argument.is_none() && self.from.get(at) == Some(&BREAK) {
                self.to.push(BREAK);
                return Some(at + 1);
            }
            at = act(self, at)?;
            left -= 1;
        }
        Some(at)
    }

    fn swapped(&mut self, field: Field<'_>, text: &[u8]) -> Option<Vec<u8>> {
        let outer = std::mem::take(&mut self.editor.edits);
        self.editor.value(field, &Decoded::plain(text, 0), &|at| at);
        splice(text, std::mem::replace(&mut self.editor.edits, outer))
    }

    fn text(&mut self, text: &[u8]) {
        self.changed = true;
        let length = text.len();
        match (
            u8::try_from(length),
            u16::try_from(length),
            u32::try_from(length),
        ) {
            (Ok(short @ 0..=23), ..) => self.to.push(0x60 | short),
            (Ok(length), ..) => self.to.extend([0x78, length]),
            (_, Ok(length), _) => {
                self.to.push(0x79);
                self.to.extend(length.to_be_bytes());
            }
            (.., Ok(length)) => {
                self.to.push(0x7a);
                self.to.extend(length.to_be_bytes());
            }
            _ => {
                self.to.push(0x7b);
                self.to.extend((length as u64).to_be_bytes());
            }
        }
        self.to.extend_from_slice(text);
    }
}

fn head(text: &[u8], at: usize) -> Option<Head> {
    let first = *text.get(at)?;
    let (major, short) = (first >> 5, first & 31);
    let bytes = match short {
        0..=23 | 31 => 0,
        24..=27 => 1_usize << (short - 24),
        _ => return None,
    };
    let long = text.get(at + 1..at + 1 + bytes)?;
    let argument = match short {
        0..=23 => Some(u64::from(short)),
        // Of a number or a simple value this is a break, which stands where nothing asks for it.
        31 if matches!(major, 2..=5) => None,
        31 => return None,
        _ => Some(long.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))),
    };
    // What is longer than memory isn't here.
    let argument = match argument {
        Some(argument) if matches!(major, 2..=5) => Some(usize::try_from(argument).ok()?),
        Some(_) => Some(0),
        None => None,
    };
    Some(Head {
        major,
        argument,
        end: at + 1 + bytes,
    })
}

/// Behind the item that is here.
fn skip(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    if depth > MOST_DEPTH {
        return None;
    }
    let head = head(text, at)?;
    let items = match (head.major, head.argument) {
        (2 | 3, Some(length)) => {
            let end = head.end.checked_add(length)?;
            return (end <= text.len()).then_some(end);
        }
        (2..=4, None) | (5, None) => usize::MAX,
        (4, Some(length)) => length,
        (5, Some(length)) => length.checked_mul(2)?,
        (6, _) => 1,
        _ => 0,
    };
    let mut at = head.end;
    for _ in 0..items {
        if items == usize::MAX && text.get(at) == Some(&BREAK) {
            return Some(at + 1);
        }
        at = skip(text, at, depth + 1)?;
    }
    Some(at)
}

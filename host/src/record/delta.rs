//! What was changed between two lists of fields. Pure; the edits lead from the first to the second, see [`MessageEdit::apply`].

use super::edit::{Edit, FieldEdit, MessageEdit};
use super::message::Field;

/// Lines in the middle of two lists that are compared each with each at most; with more, all are replaced.
const MOST_COMPARED: usize = 64;

/// A field as both sides have it: name and value.
pub type Line<'a> = (&'a [u8], &'a [u8]);

/// These changes, if there are any.
pub fn edited(edit: Edit) -> MessageEdit {
    if edit == Edit::default() {
        MessageEdit::Unchanged
    } else {
        MessageEdit::Edited(edit)
    }
}

/// The changes between two lists of fields, in the order in which they are to be applied. `kept` says what is kept of a new value.
pub fn fields(
    before: &[Line<'_>],
    after: &[Line<'_>],
    kept: impl Fn(Line<'_>) -> Vec<u8>,
) -> Vec<FieldEdit> {
    let both = before.iter().zip(after);
    let start = both.take_while(|(before, after)| before == after).count();
    let (before, after) = (&before[start..], &after[start..]);
    if before.is_empty() && after.is_empty() {
        return Vec::new();
    }
    let both = before.iter().rev().zip(after.iter().rev());
    let end = both.take_while(|(before, after)| before == after).count();
    let before = &before[..before.len() - end];
    let after = &after[..after.len() - end];
    middle(start, before, after, kept)
}

/// Of lists that share neither their beginning nor their end.
fn middle(
    start: usize,
    before: &[Line<'_>],
    after: &[Line<'_>],
    kept: impl Fn(Line<'_>) -> Vec<u8>,
) -> Vec<FieldEdit> {
    // One of them is empty, most often.
    let is_one_empty = before.is_empty() || after.is_empty();
    let pairs = if is_one_empty {
        Vec::new()
    } else if before.len() <= MOST_COMPARED && after.len() <= MOST_COMPARED {
        common(before, after)
    } else {
        Vec::new()
    };
    let mut edits = Vec::new();
    let (mut old, mut new) = (0, 0);
    let end = (before.len(), after.len());
    for (of_old, of_new) in pairs.into_iter().chain([end]) {
        // Where the next one is in the list as it is by now.
        for _ in old..of_old {
            edits.push(FieldEdit::Remove {
                at: position(start + new),
            });
        }
        for line in &after[new..of_new] {
            edits.push(FieldEdit::Insert {
                at: position(start + new),
                field: Field {
                    name: String::from_utf8_lossy(line.0).into_owned(),
                    value: kept(*line),
                },
            });
            new += 1;
        }
        if let (Some(was), Some(now)) = (before.get(of_old), after.get(of_new))
            && was.1 != now.1
        {
            edits.push(FieldEdit::Set {
                at: position(start + new),
                value: kept(*now),
            });
        }
        (old, new) = (of_old + 1, of_new + 1);
    }
    edits
}

fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The longest row of names that both lists have, as places in both.
fn common(before: &[Line<'_>], after: &[Line<'_>]) -> Vec<(usize, usize)> {
    let width = after.len() + 1;
    // How many names both have in common from a place in each on; a value that is the same, too, counts a little more.
    let mut longest = vec![0_u32; (before.len() + 1) * width];
    for old in (0..before.len()).rev() {
        for new in (0..after.len()).rev() {
            let skip = longest[(old + 1) * width + new].max(longest[old * width + new + 1]);
            let both = weight(before[old], after[new]);
            let taken = both.map_or(0, |more| longest[(old + 1) * width + new + 1] + more);
            longest[old * width + new] = skip.max(taken);
        }
    }
    let mut pairs = Vec::new();
    let (mut old, mut new) = (0, 0);
    while old < before.len() && new < after.len() {
        let here = longest[old * width + new];
        let both = weight(before[old], after[new]);
        if both.is_some_and(|more| here == longest[(old + 1) * width + new + 1] + more) {
            pairs.push((old, new));
            (old, new) = (old + 1, new + 1);
        } else if here == longest[(old + 1) * width + new] {
            old += 1;
        } else {
            new += 1;
        }
    }
    pairs
}

fn weight(before: Line<'_>, after: Line<'_>) -> Option<u32> {
    (before.0 == after.0).then_some(if before.1 == after.1 { 1_025 } else { 1_024 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::dice::Dice;
    use crate::record::message::{Content, Message, StartLine};

    /// What was changed in a message; the whole of it if there was none before.
    fn compare(before: Option<&Message>, after: &Message) -> MessageEdit {
        let Some(before) = before else {
            return MessageEdit::Whole(Box::new(after.clone()));
        };
        let line = (before.line != after.line).then(|| after.line.clone());
        let content = (before.content != after.content).then(|| after.content.clone());
        let trailers = (before.trailers != after.trailers).then(|| after.trailers.clone());
        let (was, is) = (lines(&before.fields), lines(&after.fields));
        let fields = fields(&was, &is, |line| line.1.to_vec());
        edited(Edit {
            line,
            fields,
            content,
            trailers,
        })
    }

    fn lines(fields: &[Field]) -> Vec<Line<'_>> {
        let fields = fields.iter();
        fields
            .map(|field| (field.name.as_bytes(), field.value.as_slice()))
            .collect()
    }

    fn field(name: &str, value: &str) -> Field {
        Field {
            name: name.to_owned(),
            value: value.as_bytes().to_vec(),
        }
    }

    fn message(fields: &[(&str, &str)]) -> Message {
        Message {
            line: StartLine::Response { status: 200 },
            fields: fields.iter().map(|(n, v)| field(n, v)).collect(),
            content: Content::default(),
            trailers: Vec::new(),
        }
    }

    #[test]
    fn few_changes_are_few_edits() {
        let before = message(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let set = message(&[("a", "1"), ("b", "x"), ("c", "3")]);
        let cases = [
            (&before, 0),
            (&set, 1),
            (&message(&[("b", "2"), ("c", "3")]), 1),
            (
                &message(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]),
                1,
            ),
            (&message(&[("a", "1"), ("c", "3")]), 1),
            (&message(&[("d", "0"), ("b", "2"), ("c", "4")]), 3),
        ];
        for (after, expected) in cases {
            let edit = compare(Some(&before), after);
            let count = match &edit {
                MessageEdit::Unchanged => 0,
                MessageEdit::Edited(edit) => edit.fields.len(),
                MessageEdit::Whole(_) => panic!("{edit:?}"),
            };
            assert_eq!(count, expected, "{edit:?}");
            assert_eq!(edit.apply(Some(before.clone())).as_ref(), Some(after));
        }
        let set = compare(Some(&before), &set);
        let MessageEdit::Edited(Edit { fields, .. }) = set else {
            panic!("{set:?}")
        };
        assert!(matches!(fields[..], [FieldEdit::Set { at: 1, .. }]));
    }

    #[test]
    fn edits_lead_from_any_message_to_any_other() {
        let mut dice = Dice::new(7);
        for round in 0..4_000 {
            let most = if round % 100 == 0 { 100 } else { 7 };
            let [before, after] = [(); 2].map(|()| any(&mut dice, most));
            let edit = compare(Some(&before), &after);
            assert_eq!(edit.apply(Some(before.clone())), Some(after.clone()));
            assert_eq!(edit.is_unchanged(), before == after);
        }
        let after = any(&mut dice, 3);
        assert_eq!(compare(None, &after).apply(None), Some(after));
    }

    fn any(dice: &mut Dice, most: usize) -> Message {
        let fields = |dice: &mut Dice, most| {
            (0..dice.roll(most))
                .map(|_| {
                    let name = ["a", "A", "b", "c"][dice.roll(4)];
                    field(name, ["", "1", "2"][dice.roll(3)])
                })
                .collect()
        };
        Message {
            line: StartLine::Response {
                status: [200, 404][dice.roll(2)],
            },
            fields: fields(dice, most),
            content: Content {
                kept: vec![b'x'; dice.roll(2)],
                length: dice.roll(2) as u64,
                complete: dice.roll(2) == 0,
            },
            trailers: fields(dice, 2),
        }
    }
}

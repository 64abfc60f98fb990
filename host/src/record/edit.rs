//! What a step changed in a message, and the message afterwards.

use serde::{Deserialize, Serialize};

use super::message::{Content, Field, Message, StartLine};

/// The changes of one step in one message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum MessageEdit {
    /// It is as it was.
    #[default]
    Unchanged,
    /// There was none before, or nothing of it was left.
    Whole(Box<Message>),
    Edited(Edit),
}

/// Changes in a message that stays the same otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    pub line: Option<LineEdit>,
    /// In the order in which they are to be applied.
    pub fields: Vec<FieldEdit>,
    /// The new body.
    pub content: Option<Content>,
    pub trailers: Option<Vec<Field>>,
}

/// The new start line.
pub type LineEdit = StartLine;

/// A change of the list of fields. Positions are those in the list as the edits before have left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldEdit {
    Insert {
        at: u32,
        field: Field,
    },
    Remove {
        at: u32,
    },
    Set {
        at: u32,
        #[serde(with = "crate::record::blob")]
        value: Vec<u8>,
    },
}

impl MessageEdit {
    /// The message afterwards; none if there was none and none was made. What names a position that is not there changes
    /// nothing.
    pub fn apply(&self, before: Option<Message>) -> Option<Message> {
        match self {
            MessageEdit::Unchanged => before,
            MessageEdit::Whole(message) => Some((**message).clone()),
            MessageEdit::Edited(edit) => {
                let mut message = before?;
                edit.apply(&mut message);
                Some(message)
            }
        }
    }

    pub fn is_unchanged(&self) -> bool {
        *self == MessageEdit::Unchanged
    }
}

impl Edit {
    fn apply(&self, message: &mut Message) {
        if let Some(line) = &self.line {
            message.line = line.clone();
        }
        for edit in &self.fields {
            edit.apply(&mut message.fields);
        }
        if let Some(content) = &self.content {
            message.content = content.clone();
        }
        if let Some(trailers) = &self.trailers {
            message.trailers = trailers.clone();
        }
    }
}

impl FieldEdit {
    fn apply(&self, fields: &mut Vec<Field>) {
        match self {
            FieldEdit::Insert { at, field } if *at as usize <= fields.len() => {
                fields.insert(*at as usize, field.clone());
            }
            FieldEdit::Remove { at } if (*at as usize) < fields.len() => {
                fields.remove(*at as usize);
            }
            FieldEdit::Set { at, value } => {
                if let Some(field) = fields.get_mut(*at as usize) {
                    field.value.clone_from(value);
                }
            }
            FieldEdit::Insert { .. } | FieldEdit::Remove { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Field {
        Field {
            name: name.to_owned(),
            value: value.as_bytes().to_vec(),
        }
    }

    fn message(fields: Vec<Field>) -> Message {
        Message {
            line: StartLine::Response { status: 200 },
            fields,
            content: Content::default(),
            trailers: Vec::new(),
        }
    }

    #[test]
    fn edits_are_applied_in_their_order() {
        let before = message(vec![field("a", "1"), field("b", "2")]);
        let edit = Edit {
            line: Some(StartLine::Response { status: 404 }),
            fields: vec![
                FieldEdit::Remove { at: 0 },
                FieldEdit::Insert {
                    at: 1,
                    field: field("c", "3"),
                },
                FieldEdit::Set {
                    at: 0,
                    value: b"4".to_vec(),
                },
            ],
            ..Edit::default()
        };
        let after = MessageEdit::Edited(edit).apply(Some(before)).unwrap();
        assert_eq!(after.line, StartLine::Response { status: 404 });
        assert_eq!(after.fields, [field("b", "4"), field("c", "3")]);
        assert_eq!(after.field("C"), Some(&b"3"[..]));
    }

    #[test]
    fn what_names_no_place_changes_nothing() {
        let before = message(vec![field("a", "1")]);
        let edit = Edit {
            fields: vec![
                FieldEdit::Remove { at: 1 },
                FieldEdit::Insert {
                    at: 2,
                    field: field("c", "3"),
                },
                FieldEdit::Set {
                    at: 9,
                    value: Vec::new(),
                },
            ],
            ..Edit::default()
        };
        let after = MessageEdit::Edited(edit.clone()).apply(Some(before.clone()));
        assert_eq!(after, Some(before));
        assert_eq!(MessageEdit::Edited(edit).apply(None), None);
    }
}

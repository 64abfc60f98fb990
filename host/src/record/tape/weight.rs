//! About how much memory a recorded exchange takes.

use crate::record::data::{Field, Message, Recorded, Step};
use crate::record::edit::{FieldEdit, MessageEdit};

/// Bytes of a part beside its contents, roughly.
const PART: usize = 64;

/// Bytes that an exchange takes in memory, more or less.
pub fn weight(exchange: &Recorded) -> usize {
    let steps: usize = exchange.steps.iter().map(step).sum();
    size_of::<Recorded>() + message(&exchange.request) + steps
}

fn step(step: &Step) -> usize {
    let pieces = step.transcript.iter().flat_map(|it| &it.pieces);
    let pieces: usize = pieces
        .map(|piece| {
            let went: usize = piece.went.iter().map(|it| PART + it.kept.len()).sum();
            PART + piece.came.kept.len() + went
        })
        .sum();
    let log: usize = step.log.iter().map(|line| PART + line.text.len()).sum();
    let outbound: usize = step.outbound.iter().map(|it| 2 * PART + it.url.len()).sum();
    size_of::<Step>() + edit(&step.request) + edit(&step.response) + pieces + log + outbound
}

fn edit(edit: &MessageEdit) -> usize {
    match edit {
        MessageEdit::Unchanged => 0,
        MessageEdit::Whole(whole) => message(whole),
        MessageEdit::Edited(edit) => {
            let content = edit
                .content
                .as_ref()
                .map_or(0, |content| content.kept.len());
            let changes = edit.fields.iter().map(|change| match change {
                FieldEdit::Insert { field: it, .. } => field(it),
                FieldEdit::Set { value, .. } => PART + value.len(),
                FieldEdit::Remove { .. } => PART,
            });
            let trailers = edit.trailers.iter().flatten().map(field);
            PART + content + changes.chain(trailers).sum::<usize>()
        }
    }
}

fn message(message: &Message) -> usize {
    let fields = message.fields.iter().chain(&message.trailers);
    size_of::<Message>() + message.content.kept.len() + fields.map(field).sum::<usize>()
}

fn field(field: &Field) -> usize {
    PART + field.name.len() + field.value.len()
}

//! What a plugin would do now with a recorded exchange, beside what it did then.

use serde::Serialize;
use utoipa::ToSchema;

use super::data::{ChangedView, DiffOp, DiffRow, OutcomeView};
use crate::record::{Ending, Performer, Recorded, Step};
use crate::what_if::{self, Difference, Line, Of, Part};

/// Rows of one difference, and letters of one of their lines.
const MOST_ROWS: usize = 200;
const LONGEST_LINE: usize = 4_000;

/// A recorded exchange through the chain as it runs now
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WhatIf {
    /// 16 hexadecimal digits, as in the log.
    pub id: String,
    pub method: String,
    pub url: String,
    /// Whether plugins and the response do what they did then.
    pub same: bool,
    pub then: WhatIfSide,
    pub now: WhatIfSide,
    /// In the order of the calls.
    pub differences: Vec<WhatIfDifference>,
    /// Whether rows of differences were left off.
    pub truncated: bool,
    /// What was masked when it was recorded, and so was not as it was when the plugins got it: names of header fields, `target` and
    /// `body`, for the backend's answer with `response ` before them.
    pub masked: Vec<String>,
}

/// What came of an exchange
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhatIfSide {
    /// None if there was no response.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
    /// In their order.
    pub calls: Vec<WhatIfCall>,
}

/// A call of a plugin
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhatIfCall {
    pub plugin: String,
    /// As in the log.
    pub version: String,
    /// Which function.
    pub hook: String,
    pub changed: ChangedView,
    pub outcome: OutcomeView,
}

/// What differs in one call, or in the response to the client
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhatIfDifference {
    /// None: no plugin did it; the response is another one.
    pub plugin: Option<String>,
    pub hook: Option<String>,
    /// `request`, `response`, or `outcome` of the call.
    #[serde(rename = "where")]
    pub place: String,
    /// `head` (with trailers), `body`, or `outcome`.
    pub what: String,
    /// Only lines that differ: then on the left, now on the right.
    pub rows: Vec<DiffRow>,
}

impl WhatIf {
    /// `now` is what came of it when it was played.
    pub fn of(then: &Recorded, now: &Recorded) -> Self {
        let difference = what_if::between(then, now);
        let mut truncated = false;
        let parts = difference
            .as_ref()
            .map_or(&[][..], |it: &Difference| &it.parts);
        let differences = parts
            .iter()
            .flat_map(|part| differences(part, &mut truncated));
        Self {
            id: format!("{:016x}", then.id),
            method: then.method().to_owned(),
            url: then.url(),
            same: difference.is_none(),
            then: WhatIfSide::of(then),
            now: WhatIfSide::of(now),
            differences: differences.collect(),
            truncated,
            masked: what_if::masked(then),
        }
    }

    /// Letters of its rows.
    pub fn weight(&self) -> usize {
        let rows = self.differences.iter().flat_map(|it| &it.rows);
        let lines = rows.flat_map(|row| [&row.left, &row.right]).flatten();
        lines.map(String::len).sum()
    }

    /// Without what differs, where that would be too much.
    pub fn without_rows(mut self) -> Self {
        self.truncated = true;
        for difference in &mut self.differences {
            difference.rows.clear();
        }
        self
    }
}

impl WhatIfSide {
    fn of(exchange: &Recorded) -> Self {
        let error = match &exchange.ending {
            Ending::Failed(failure) => Some(failure.text.clone()),
            Ending::Complete | Ending::CutOff => None,
        };
        Self {
            status: exchange.status(),
            error,
            calls: exchange.steps.iter().filter_map(WhatIfCall::of).collect(),
        }
    }
}

impl WhatIfCall {
    fn of(step: &Step) -> Option<Self> {
        let Performer::Plugin {
            name,
            version,
            hook,
        } = &step.performer
        else {
            return None;
        };
        Some(Self {
            plugin: name.clone(),
            version: version.clone(),
            hook: hook.clone(),
            changed: ChangedView {
                request: !step.request.is_unchanged(),
                response: !step.response.is_unchanged(),
            },
            outcome: OutcomeView::of(&step.outcome),
        })
    }
}

/// One for each place in which something differs, in the order of the lines.
fn differences(part: &Part, truncated: &mut bool) -> Vec<WhatIfDifference> {
    let place = |line: &Line| (line.of, line.is_body);
    let groups = part.lines.chunk_by(|one, other| place(one) == place(other));
    let mut differences = Vec::new();
    for lines in groups {
        let Some(first) = lines.first() else { continue };
        let mut rows = rows(lines);
        *truncated |= rows.len() > MOST_ROWS;
        rows.truncate(MOST_ROWS);
        let (place, what) = match (first.of, first.is_body) {
            (Of::Request, false) => ("request", "head"),
            (Of::Request, true) => ("request", "body"),
            (Of::Response, false) => ("response", "head"),
            (Of::Response, true) => ("response", "body"),
            (Of::Outcome, _) => ("outcome", "outcome"),
        };
        differences.push(WhatIfDifference {
            plugin: part.call.as_ref().map(|call| call.plugin.clone()),
            hook: part.call.as_ref().map(|call| call.hook.clone()),
            place: place.to_owned(),
            what: what.to_owned(),
            rows,
        });
    }
    differences
}

/// Lines that went beside those that came for them.
fn rows(lines: &[Line]) -> Vec<DiffRow> {
    let mut rows: Vec<DiffRow> = Vec::new();
    // The first of those that went and have none beside them yet.
    let mut open = 0;
    for (index, line) in lines.iter().enumerate() {
        let text = cut(&line.text);
        if !line.is_now {
            if index > 0 && lines[index - 1].is_now {
                open = rows.len();
            }
            rows.push(DiffRow {
                op: DiffOp::Delete,
                left: Some(text),
                right: None,
            });
            continue;
        }
        match rows.get_mut(open) {
            Some(row) => {
                row.op = DiffOp::Replace;
                row.right = Some(text);
            }
            None => rows.push(DiffRow {
                op: DiffOp::Insert,
                left: None,
                right: Some(text),
            }),
        }
        open += 1;
    }
    rows
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_LINE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} more bytes)", &text[..end], text.len() - end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{self, backend_step, field, plugin_step, response};
    use crate::record::{Edit, FieldEdit, MessageEdit};

    fn line(is_now: bool, text: &str) -> Line {
        Line {
            of: Of::Request,
            is_body: false,
            is_now,
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_went_stands_beside_what_came_for_it() {
        let lines = [
            line(false, "a"),
            line(false, "b"),
            line(true, "A"),
            line(false, "c"),
            line(true, "C"),
            line(true, "D"),
        ];
        let rows = rows(&lines);
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (row.op, row.left.as_deref(), row.right.as_deref()))
            .collect();
        assert_eq!(
            rows,
            [
                (DiffOp::Replace, Some("a"), Some("A")),
                (DiffOp::Delete, Some("b"), None),
                (DiffOp::Replace, Some("c"), Some("C")),
                (DiffOp::Insert, None, Some("D")),
            ]
        );
    }

    #[test]
    fn an_exchange_is_told_with_its_calls_and_what_differs_by_place() {
        let edit = |value: &str, body: &[u8]| {
            MessageEdit::Edited(Edit {
                fields: vec![FieldEdit::Set {
                    at: 0,
                    value: value.as_bytes().to_vec(),
                }],
                content: Some(sample::content(body)),
                ..Edit::default()
            })
        };
        let exchange = |value: &str, body: &[u8]| {
            let mut exchange = sample::exchange();
            let answer = response(200, vec![field("a", "1")], b"text");
            exchange.steps = vec![
                backend_step(answer),
                plugin_step("one", "return-response", edit(value, body)),
            ];
            exchange
        };
        let same = WhatIf::of(&exchange("x", b"y"), &exchange("x", b"y"));
        assert!(same.same && same.differences.is_empty());
        assert_eq!(same.then.calls[0].plugin, "one");
        assert!(same.then.calls[0].changed.response && !same.then.calls[0].changed.request);
        let other = WhatIf::of(&exchange("x", b"y"), &exchange("z", b"w"));
        let told: Vec<_> = other
            .differences
            .iter()
            .map(|it| (it.plugin.as_deref(), &*it.place, &*it.what, it.rows.len()))
            .collect();
        assert_eq!(
            told,
            [
                (Some("one"), "response", "head", 1),
                (Some("one"), "response", "body", 1)
            ]
        );
        assert_eq!(other.weight(), "a: xa: zyw".len());
        let less = other.without_rows();
        assert!(less.truncated && less.weight() == 0 && less.differences.len() == 2);
    }
}

//! A whole exchange: what came, what each step did, what went out.

use serde::Serialize;
use utoipa::ToSchema;

use super::bodies;
use super::data::{
    ChangedView, ContentView, DiffOp, LineView, LogLineView, MessageView, OutboundView,
    OutcomeView, PerformerView, PreviewLine, StepView,
};
use super::diff::diff;
use super::lines;
use crate::record::{Field, Message, Performer, Recorded, StartLine, Step, StepOutcome, Summary};

/// Lines of a preview.
const PREVIEW: usize = 4;

/// Characters of a line of a preview.
const PREVIEW_WIDTH: usize = 200;

/// An exchange from its first byte to its last
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ExchangeView {
    #[serde(flatten)]
    pub summary: Summary,
    /// As it came.
    pub request: MessageView,
    /// As it went out; none if the client got none, or an error of the host.
    pub response: Option<MessageView>,
    pub steps: Vec<StepView>,
}

impl ExchangeView {
    pub fn of(exchange: &Recorded) -> Self {
        let (mut request, mut response) = (Some(exchange.request.clone()), None);
        let mut steps = Vec::with_capacity(exchange.steps.len());
        for (index, step) in exchange.steps.iter().enumerate() {
            let before = (request.clone(), response.clone());
            request = step.request.apply(request);
            response = step.response.apply(response);
            let preview = preview(
                step,
                (before.0.as_ref(), request.as_ref()),
                (before.1.as_ref(), response.as_ref()),
            );
            steps.push(StepView::of(index, step, preview));
        }
        Self {
            summary: Summary::of(exchange),
            request: MessageView::of(&exchange.request),
            response: exchange.answer().as_ref().map(MessageView::of),
            steps,
        }
    }
}

impl MessageView {
    pub fn of(message: &Message) -> Self {
        let fields = |fields: &[Field]| {
            let field = |field: &Field| (field.name.clone(), lines::lossy(&field.value));
            fields.iter().map(field).collect()
        };
        Self {
            line: LineView::of(&message.line),
            fields: fields(&message.fields),
            trailers: fields(&message.trailers),
            body: ContentView::of(message),
        }
    }
}

impl LineView {
    fn of(line: &StartLine) -> Self {
        match line {
            StartLine::Request {
                method,
                target,
                authority,
            } => Self {
                method: Some(method.clone()),
                target: Some(target.clone()),
                authority: Some(authority.clone()),
                status: None,
            },
            StartLine::Response { status } => Self {
                status: Some(*status),
                ..Self::default()
            },
        }
    }
}

impl StepView {
    fn of(index: usize, step: &Step, preview: Vec<PreviewLine>) -> Self {
        let outbound = step.outbound.iter().map(|call| OutboundView {
            began_us: call.began,
            duration_us: call.duration,
            method: call.method.clone(),
            url: call.url.clone(),
            status: call.result.as_ref().ok().copied(),
            error: call.result.as_ref().err().cloned(),
            length: call.length,
        });
        let log = step.log.iter().map(|line| LogLineView {
            at_us: line.at,
            level: line.level.clone(),
            text: line.text.clone(),
        });
        Self {
            index,
            performer: PerformerView::of(&step.performer),
            began_us: step.began,
            duration_us: step.duration,
            computing_us: step.computing,
            outcome: OutcomeView::of(&step.outcome),
            changed: ChangedView {
                request: !step.request.is_unchanged(),
                response: !step.response.is_unchanged(),
            },
            preview,
            pieces: step.transcript.as_ref().map(|transcript| transcript.count),
            outbound: outbound.collect(),
            log: log.collect(),
            depth: step.depth,
        }
    }
}

impl PerformerView {
    fn of(performer: &Performer) -> Self {
        let none = Self {
            kind: "host".to_owned(),
            name: None,
            version: None,
            hook: None,
            address: None,
        };
        match performer {
            Performer::Host => none,
            Performer::Plugin {
                name,
                version,
                hook,
            } => Self {
                kind: "plugin".to_owned(),
                name: Some(name.clone()),
                version: Some(version.clone()),
                hook: Some(hook.clone()),
                ..none
            },
            Performer::Backend { name, address } => Self {
                kind: "backend".to_owned(),
                name: Some(name.clone()),
                address: address.clone(),
                ..none
            },
        }
    }
}

impl OutcomeView {
    pub fn of(outcome: &StepOutcome) -> Self {
        let (kind, text) = match outcome {
            StepOutcome::Done => ("done", None),
            StepOutcome::Responded => ("responded", None),
            StepOutcome::Failed(text) => ("failed", Some(text)),
            StepOutcome::Undone(text) => ("undone", Some(text)),
            StepOutcome::Abandoned => ("abandoned", None),
        };
        Self {
            kind: kind.to_owned(),
            text: text.cloned(),
        }
    }
}

type Sides<'a> = (Option<&'a Message>, Option<&'a Message>);

/// Some lines of what a step changed: in heads first, then in bodies.
fn preview(step: &Step, request: Sides<'_>, response: Sides<'_>) -> Vec<PreviewLine> {
    let mut preview = Vec::new();
    // What the backend answers is no change of anything.
    if matches!(step.performer, Performer::Backend { .. }) {
        return preview;
    }
    let sides = [
        (!step.request.is_unchanged(), request),
        (!step.response.is_unchanged(), response),
    ];
    let changed = sides
        .iter()
        .filter(|(changed, _)| *changed)
        .map(|(_, sides)| *sides);
    for (left, right) in changed.clone() {
        let head = |message: Option<&Message>| message.map_or_else(Vec::new, lines::head);
        add(&mut preview, &head(left), &head(right));
    }
    for (left, right) in changed {
        let same = left.map(|left| &left.content) == right.map(|right| &right.content);
        if !same && preview.len() < PREVIEW {
            let kind = bodies::kind(left, right);
            add(
                &mut preview,
                &bodies::body_lines(left, kind),
                &bodies::body_lines(right, kind),
            );
        }
    }
    preview
}

fn add(preview: &mut Vec<PreviewLine>, left: &[String], right: &[String]) {
    for row in diff(left, right).rows {
        let (removed, added) = match row.op {
            DiffOp::Equal => continue,
            DiffOp::Insert | DiffOp::Delete | DiffOp::Replace => (row.left, row.right),
        };
        for (op, text) in [("-", removed), ("+", added)] {
            if let Some(text) = text
                && preview.len() < PREVIEW
            {
                preview.push(PreviewLine {
                    op: op.to_owned(),
                    text: text.chars().take(PREVIEW_WIDTH).collect(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;
    use crate::record::{Edit, FieldEdit, MessageEdit};

    #[test]
    fn steps_tell_what_they_changed() {
        let view = ExchangeView::of(&sample::exchange());
        assert_eq!(view.request.line.method.as_deref(), Some("POST"));
        assert_eq!(
            view.request.fields[1],
            ("X-Tenant".to_owned(), "Blue".to_owned())
        );
        let response = view.response.unwrap();
        assert_eq!(
            (response.line.status, response.body.text.as_deref()),
            (Some(201), Some("all [masked]"))
        );
        let kinds: Vec<_> = view
            .steps
            .iter()
            .map(|step| &*step.performer.kind)
            .collect();
        assert_eq!(kinds, ["plugin", "backend", "plugin"]);
        let redact = &view.steps[2];
        assert!(redact.changed.response && !redact.changed.request);
        let preview: Vec<_> = redact
            .preview
            .iter()
            .map(|line| format!("{}{}", line.op, line.text))
            .collect();
        assert_eq!(
            preview,
            [
                "-content-length: 14",
                "+content-length: 12",
                "-all 1234567890",
                "+all [masked]"
            ]
        );
        assert_eq!(
            (redact.outbound[0].status, redact.log[0].text.as_str()),
            (Some(200), "one secret")
        );
        assert!(view.steps[0].preview.is_empty() && view.steps[1].preview.is_empty());
    }

    #[test]
    fn a_preview_is_short() {
        let mut exchange = sample::exchange();
        let insert = |at: u32| FieldEdit::Insert {
            at,
            field: sample::field(&format!("x-{at}"), &"y".repeat(1000)),
        };
        let edit = Edit {
            fields: (0..9).map(insert).collect(),
            ..Edit::default()
        };
        exchange.steps[0].request = MessageEdit::Edited(edit);
        let preview = &ExchangeView::of(&exchange).steps[0].preview;
        assert_eq!(preview.len(), PREVIEW);
        assert!(
            preview
                .iter()
                .all(|line| line.text.len() == PREVIEW_WIDTH && line.op == "+")
        );
    }
}

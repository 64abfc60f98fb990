//! What differs between an exchange then and now, plugin by plugin.

use similar::ChangeTag;

use crate::record::lines::{body_lines, differences, head_lines};
use crate::record::{Ending, Message, Performer, Recorded, Step, StepOutcome};

/// What differs in one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What the client got then and now; none if there was no response.
    pub status: [Option<u16>; 2],
    pub parts: Vec<Part>,
}

/// What differs in what one plugin did, or in what the client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// None: the response to the client.
    pub call: Option<Call>,
    pub lines: Vec<Line>,
}

impl Part {
    /// Whether it is the same call with the same lines, whichever version was called.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let who = |part: &Self| {
            let call = part.call.as_ref();
            call.map(|call| (call.plugin.clone(), call.hook.clone()))
        };
        self.lines == other.lines && who(self) == who(other)
    }
}

/// A call of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub plugin: String,
    pub hook: String,
    /// Then and now; none if it was not called.
    pub versions: [Option<String>; 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub of: Of,
    /// Whether it is a line of a body; else it is one of a head, or of trailers.
    pub is_body: bool,
    /// What was there then and is not now, or the other way round.
    pub is_now: bool,
    pub text: String,
}

/// What a line is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Request,
    Response,
    /// What the call came to.
    Outcome,
}

/// One call in a recorded exchange, with what was there before and after.
struct Recalled<'e> {
    index: usize,
    plugin: &'e str,
    hook: &'e str,
    version: &'e str,
    /// Which call of this hook it is.
    number: usize,
    step: &'e Step,
}

/// What differs; none if nothing does. Times, versions and log lines are no difference.
pub fn between(then: &Recorded, now: &Recorded) -> Option<Difference> {
    let (calls_then, calls_now) = (calls(then), calls(now));
    if is_same(&calls_then, &calls_now) && end(then) == end(now) {
        return None;
    }
    let mut parts = Vec::new();
    for before in &calls_then {
        let after = calls_now.iter().find(|after| after.is_of(before));
        parts.extend(part(then, Some(before), now, after));
    }
    for after in &calls_now {
        if !calls_then.iter().any(|before| after.is_of(before)) {
            parts.extend(part(then, None, now, Some(after)));
        }
    }
    if parts.is_empty() {
        let lines = end_lines(then, now);
        if lines.is_empty() {
            return None;
        }
        parts.push(Part { call: None, lines });
    }
    Some(Difference {
        status: [then.status(), now.status()],
        parts,
    })
}

fn calls(exchange: &Recorded) -> Vec<Recalled<'_>> {
    let mut calls: Vec<Recalled<'_>> = Vec::new();
    for (index, step) in exchange.steps.iter().enumerate() {
        if let Performer::Plugin {
            name,
            version,
            hook,
        } = &step.performer
        {
            let earlier = calls
                .iter()
                .filter(|call| call.plugin == name && call.hook == hook);
            let number = earlier.count();
            calls.push(Recalled {
                index,
                plugin: name,
                hook,
                version,
                number,
                step,
            });
        }
    }
    calls
}

impl Recalled<'_> {
    fn is_of(&self, other: &Recalled<'_>) -> bool {
        (self.plugin, self.hook, self.number) == (other.plugin, other.hook, other.number)
    }
}

/// A quick look: whether the same calls have done the same.
fn is_same(then: &[Recalled<'_>], now: &[Recalled<'_>]) -> bool {
    let did = |call: &Recalled<'_>| call.step.changes() || outcome(call.step).is_some();
    let (mut then, mut now) = (
        then.iter().filter(|call| did(call)),
        now.iter().filter(|call| did(call)),
    );
    loop {
        match (then.next(), now.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) => {
                let edits = |step: &Step| [step.request.clone(), step.response.clone()];
                let is_same = one.is_of(other)
                    && edits(one.step) == edits(other.step)
                    && outcome(one.step) == outcome(other.step);
                if !is_same {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// What came of the chain: the response, and the error if it is one.
fn end(exchange: &Recorded) -> (Option<Message>, Option<String>) {
    (answer(exchange), error(exchange))
}

/// The response before the host did what it does with every response.
fn answer(exchange: &Recorded) -> Option<Message> {
    let is_real = |step: &Step| step.performer != Performer::Host;
    let last = exchange.steps.iter().rposition(is_real);
    match exchange.ending {
        Ending::Failed(_) => None,
        Ending::Complete | Ending::CutOff => exchange.before(last.map_or(0, |last| last + 1)).1,
    }
}

fn error(exchange: &Recorded) -> Option<String> {
    match &exchange.ending {
        Ending::Failed(failure) => Some(format!("{} {}", failure.status, failure.text)),
        Ending::Complete | Ending::CutOff => None,
    }
}

fn end_lines(then: &Recorded, now: &Recorded) -> Vec<Line> {
    let (before, after) = (answer(then), answer(now));
    let mut found = changed(Of::Response, before.as_ref(), after.as_ref());
    found.extend(told(error(then), error(now)));
    found
}

/// What differs in one call. What differed before it already is none of its doing.
fn part(
    then: &Recorded,
    before: Option<&Recalled<'_>>,
    now: &Recorded,
    after: Option<&Recalled<'_>>,
) -> Option<Part> {
    let known = before.or(after)?;
    let states = |exchange: &Recorded, call: Option<&Recalled<'_>>| {
        call.map(|call| [exchange.before(call.index), exchange.before(call.index + 1)])
    };
    let lines = match (states(then, before), states(now, after)) {
        (Some(then), Some(now)) => {
            let own = |of: Of| {
                let earlier = changed(of, side(of, &then[0]), side(of, &now[0]));
                let mut own = changed(of, side(of, &then[1]), side(of, &now[1]));
                own.retain(|line| !earlier.contains(line));
                own
            };
            [own(Of::Request), own(Of::Response)].concat()
        }
        // What it did then it does not do now.
        (Some(then), None) => undone(&then),
        (None, Some(now)) => done(&now),
        (None, None) => Vec::new(),
    };
    let mut lines = lines;
    let outcome = |call: Option<&Recalled<'_>>| call.and_then(|call| outcome(call.step));
    lines.extend(told(outcome(before), outcome(after)));
    let version = |call: Option<&Recalled<'_>>| call.map(|call| call.version.to_owned());
    let call = Call {
        plugin: known.plugin.to_owned(),
        hook: known.hook.to_owned(),
        versions: [version(before), version(after)],
    };
    (!lines.is_empty()).then_some(Part {
        call: Some(call),
        lines,
    })
}

type State = (Message, Option<Message>);

fn done([before, after]: &[State; 2]) -> Vec<Line> {
    let of = |of: Of| changed(of, side(of, before), side(of, after));
    [of(Of::Request), of(Of::Response)].concat()
}

fn undone([before, after]: &[State; 2]) -> Vec<Line> {
    let of = |of: Of| changed(of, side(of, after), side(of, before));
    [of(Of::Request), of(Of::Response)].concat()
}

fn side(of: Of, state: &State) -> Option<&Message> {
    match of {
        Of::Request => Some(&state.0),
        Of::Response | Of::Outcome => state.1.as_ref(),
    }
}

/// The lines of a message that are others: those of its head first.
fn changed(of: Of, then: Option<&Message>, now: Option<&Message>) -> Vec<Line> {
    if then == now {
        return Vec::new();
    }
    let differ = |is_body: bool, lines: fn(&Message) -> Vec<String>| {
        let lines = |message: Option<&Message>| message.map(lines).unwrap_or_default();
        let changes = differences(&lines(then), &lines(now)).into_iter();
        changes.map(move |(tag, text)| Line {
            of,
            is_body,
            is_now: tag == ChangeTag::Insert,
            text,
        })
    };
    differ(false, head_lines)
        .chain(differ(true, body_lines))
        .collect()
}

/// Sentences that differ.
fn told(then: Option<String>, now: Option<String>) -> Vec<Line> {
    if then == now {
        return Vec::new();
    }
    let line = |is_now: bool| {
        move |text: String| Line {
            of: Of::Outcome,
            is_body: false,
            is_now,
            text,
        }
    };
    let lines = then.map(line(false)).into_iter().chain(now.map(line(true)));
    lines.collect()
}

/// What a call came to, if it is worth a word.
fn outcome(step: &Step) -> Option<String> {
    let text = match &step.outcome {
        StepOutcome::Done | StepOutcome::Abandoned => None,
        StepOutcome::Responded => Some("answered in the place of the backend".to_owned()),
        StepOutcome::Failed(why) => Some(format!("failed: {why}")),
        StepOutcome::Undone(why) => Some(format!("failed, its changes were undone: {why}")),
    };
    // A plugin that surrounds always answers.
    let surrounds = matches!(&step.performer, Performer::Plugin { hook, .. } if hook == "handle");
    text.filter(|_| !surrounds || step.outcome != StepOutcome::Responded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{self, backend_step, field, plugin_step, response};
    use crate::record::{Edit, FieldEdit, MessageEdit};

    fn set(at: u32, value: &str) -> MessageEdit {
        MessageEdit::Edited(Edit {
            fields: vec![FieldEdit::Set {
                at,
                value: value.as_bytes().to_vec(),
            }],
            ..Edit::default()
        })
    }

    /// A backend's answer with two fields, which two plugins change.
    fn exchange(first: MessageEdit, second: MessageEdit) -> Recorded {
        let answer = response(200, vec![field("a", "1"), field("b", "2")], b"");
        let mut exchange = sample::exchange();
        exchange.steps = vec![
            backend_step(answer),
            plugin_step("one", "return-response", first),
            plugin_step("two", "return-response", second),
        ];
        exchange
    }

    fn shown(then: &Recorded, now: &Recorded) -> Vec<String> {
        let parts = between(then, now).map(|it| it.parts).unwrap_or_default();
        let line = |part: &Part| {
            let who = part
                .call
                .as_ref()
                .map_or("client".to_owned(), |call| call.plugin.clone());
            let lines = part.lines.iter();
            let lines = lines.map(move |line| {
                format!("{who} {}{}", if line.is_now { '+' } else { '-' }, line.text)
            });
            lines.collect::<Vec<_>>()
        };
        parts.iter().flat_map(line).collect()
    }

    #[test]
    fn what_is_the_same_is_no_difference() {
        let then = exchange(set(0, "x"), set(1, "y"));
        let mut now = then.clone();
        now.duration += 1;
        now.steps[1].duration += 7;
        now.steps[2].performer = Performer::Plugin {
            name: "two".to_owned(),
            version: "other".to_owned(),
            hook: "return-response".to_owned(),
        };
        now.steps.push(plugin_step(
            "idle",
            "return-response",
            MessageEdit::Unchanged,
        ));
        assert_eq!(between(&then, &now), None);
    }

    #[test]
    fn a_difference_belongs_to_the_plugin_that_makes_it() {
        let then = exchange(set(0, "x"), set(1, "y"));
        assert_eq!(
            shown(&then, &exchange(set(0, "z"), set(1, "y"))),
            ["one -a: x", "one +a: z"],
            "the second only hands it on"
        );
        assert_eq!(
            shown(&then, &exchange(set(0, "x"), MessageEdit::Unchanged)),
            ["two -b: y", "two +b: 2"]
        );
    }

    #[test]
    fn plugins_that_came_and_went_are_told_with_what_they_did() {
        let then = exchange(set(0, "x"), set(1, "y"));
        let mut now = then.clone();
        now.steps.remove(1);
        assert_eq!(shown(&then, &now), ["one -a: x", "one +a: 1"]);
        assert_eq!(shown(&now, &then), ["one -a: 1", "one +a: x"]);
    }

    #[test]
    fn a_failure_is_a_difference() {
        let then = exchange(MessageEdit::Unchanged, MessageEdit::Unchanged);
        let mut now = then.clone();
        now.steps[1].outcome = StepOutcome::Undone("trapped".to_owned());
        assert_eq!(
            shown(&then, &now),
            ["one +failed, its changes were undone: trapped"]
        );
    }

    #[test]
    fn without_a_plugin_that_did_it_the_response_is_shown() {
        let then = exchange(MessageEdit::Unchanged, MessageEdit::Unchanged);
        let mut now = then.clone();
        now.steps[0] = backend_step(response(201, vec![field("a", "1"), field("b", "2")], b""));
        let difference = between(&then, &now).unwrap();
        assert_eq!(difference.status, [Some(200), Some(201)]);
        assert_eq!(shown(&then, &now), ["client -200", "client +201"]);
    }
}

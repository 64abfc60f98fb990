//! A finished exchange made into what is kept of it: only changes, without secrets.

use std::time::UNIX_EPOCH;

use http::Version;

use super::beside::{log_line, outbound, transcript};
use super::data::{Ending, Failure, Performer, Recorded, Step, StepOutcome};
use super::delta;
use super::edit::{Edit, FieldEdit, MessageEdit};
use super::mask::{InHeads, Masks};
use super::message::{Field, Message, StartLine};
use super::micros::micros;
use crate::message::trace::{self, Change, Finished, FullStep, Kept, Outcome, StepTimes, Taken};
use crate::message::{Fields, Known, RequestHead, ResponseHead, Scheme};

/// What is kept of an exchange; none if its messages were not taken down.
pub fn recorded(exchange: &Finished, masks: &Masks) -> Option<Recorded> {
    let (times, full) = (&exchange.times, exchange.full.as_ref()?);
    let mut request = Side::new(masks, &full.request.head, &full.request.content);
    let mut response = Side {
        masks,
        head: None,
        body: Taken::default(),
    };
    let first = request.whole();
    let steps = times.steps.iter().zip(&full.steps);
    let has_failed = |it: &StepTimes| matches!(it.outcome, Outcome::Failed(_) | Outcome::Undone(_));
    let has_texts = full.steps.iter().any(|step| !step.log.is_empty())
        || times.steps.iter().any(has_failed)
        || matches!(times.ending, trace::Ending::Failed(_));
    let heads = match has_texts {
        true => InHeads::of(full, masks),
        false => InHeads::default(),
    };
    let steps = steps.map(|it| step(it, masks, &heads, &mut request, &mut response));
    Some(Recorded {
        id: times.id.0,
        began: micros(times.began.duration_since(UNIX_EPOCH).unwrap_or_default()),
        duration: micros(times.duration),
        client: times.client,
        scheme: match times.scheme {
            Scheme::Http => "http".to_owned(),
            Scheme::Https => "https".to_owned(),
        },
        protocol: protocol(times.protocol).to_owned(),
        route: times.route.as_deref().map(str::to_owned),
        request: first?,
        steps: steps.collect(),
        ending: ending(&times.ending, masks, &heads),
    })
}

fn step<'a>(
    (times, full): (&StepTimes, &'a FullStep),
    masks: &Masks,
    heads: &InHeads,
    request: &mut Side<'a, RequestHead>,
    response: &mut Side<'a, ResponseHead>,
) -> Step {
    Step {
        performer: performer(&times.performer),
        began: micros(times.began),
        duration: micros(times.duration),
        computing: times.computing.map(micros),
        outcome: outcome(&times.outcome, masks, heads),
        request: request.follow(full.request.as_deref()),
        response: response.follow(full.response.as_deref()),
        transcript: full.pieces.as_deref().map(|it| transcript(it, masks)),
        outbound: times
            .outbound
            .iter()
            .map(|it| outbound(it, masks))
            .collect(),
        log: full
            .log
            .iter()
            .map(|it| log_line(it, masks, heads))
            .collect(),
        depth: times.depth,
    }
}

/// A message as the steps so far have left it.
struct Side<'a, H> {
    masks: &'a Masks,
    head: Option<&'a H>,
    body: Taken,
}

/// What both kinds of heads have.
trait Head {
    fn fields(&self) -> &Fields;
    fn line(&self, masks: &Masks) -> StartLine;
    /// Whether the start lines are the same; masked ones may be though these are not.
    fn has_line_of(&self, other: &Self) -> bool;
}

impl<'a, H: Head> Side<'a, H> {
    fn new(masks: &'a Masks, head: &'a H, body: &Kept) -> Self {
        Self {
            masks,
            head: Some(head),
            body: body.take(),
        }
    }

    /// All of it.
    fn whole(&self) -> Option<Message> {
        let (head, masks) = (self.head?, self.masks);
        let mut fields = Vec::with_capacity(head.fields().len());
        let all = head.fields().iter();
        fields.extend(all.map(|(name, value)| masks.field(name.as_str(), value)));
        Some(Message {
            line: head.line(masks),
            fields,
            content: masks.content(head.fields(), &self.body),
            trailers: trailers(masks, &self.body),
        })
    }

    /// Goes on behind a step that has changed this.
    fn follow(&mut self, change: Option<&'a Change<H>>) -> MessageEdit {
        let Some(change) = change else {
            return MessageEdit::Unchanged;
        };
        let before = self.head;
        if let Some(head) = &change.head {
            self.head = Some(head);
        }
        let body = change.content.as_ref().map(Kept::take);
        let (Some(before), Some(head), false) = (before, self.head, change.whole) else {
            self.body = body.unwrap_or_default();
            let whole = self.whole().map(Box::new);
            return whole.map_or(MessageEdit::Unchanged, MessageEdit::Whole);
        };
        let mut edit = Edit::default();
        if change.head.is_some() {
            if !head.has_line_of(before) {
                edit.line = Some(head.line(self.masks));
            }
            edit.fields = self.field_edits(before.fields(), head.fields());
        }
        if let Some(body) = body {
            if body.kept != self.body.kept || body.length != self.body.length {
                edit.content = Some(self.masks.content(head.fields(), &body));
            }
            if body.trailers != self.body.trailers {
                edit.trailers = Some(trailers(self.masks, &body));
            }
            self.body = body;
        }
        delta::edited(edit)
    }

    /// Found by the values as they were, so that a secret that was changed counts as changed, and masked then.
    fn field_edits(&self, before: &Fields, after: &Fields) -> Vec<FieldEdit> {
        fn lines(fields: &Fields) -> Vec<delta::Line<'_>> {
            let mut lines = Vec::with_capacity(fields.len());
            lines.extend(fields.iter().map(|(name, value)| (name.as_bytes(), value)));
            lines
        }
        delta::fields(&lines(before), &lines(after), |(name, value)| {
            self.masks.value(name, value).into_owned()
        })
    }
}

fn trailers(masks: &Masks, body: &Taken) -> Vec<Field> {
    let trailers = body.trailers.iter().flat_map(|trailers| trailers.iter());
    trailers
        .map(|(name, value)| masks.field(name.as_str(), value.as_bytes()))
        .collect()
}

impl Head for RequestHead {
    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn line(&self, masks: &Masks) -> StartLine {
        StartLine::Request {
            method: self.method.as_str().to_owned(),
            target: masks.url(self.target.as_str()).into_owned(),
            authority: authority(self).to_owned(),
        }
    }

    fn has_line_of(&self, other: &Self) -> bool {
        self.method == other.method
            && self.target == other.target
            && authority(self) == authority(other)
    }
}

/// Of the target or HTTP/2's, else the field.
fn authority(head: &RequestHead) -> &str {
    let own = head.authority.as_deref();
    own.or_else(|| head.fields.get_text(Known::Host))
        .unwrap_or("")
}

impl Head for ResponseHead {
    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn line(&self, _: &Masks) -> StartLine {
        StartLine::Response {
            status: self.status.as_u16(),
        }
    }

    fn has_line_of(&self, other: &Self) -> bool {
        self.status == other.status
    }
}

fn performer(performer: &trace::Performer) -> Performer {
    match performer {
        trace::Performer::Host => Performer::Host,
        trace::Performer::Plugin { plugin, hook } => Performer::Plugin {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            hook: (*hook).to_owned(),
        },
        trace::Performer::Backend { name, address } => Performer::Backend {
            name: name.clone(),
            address: address.clone(),
        },
    }
}

fn outcome(outcome: &Outcome, masks: &Masks, heads: &InHeads) -> StepOutcome {
    match outcome {
        Outcome::Done => StepOutcome::Done,
        Outcome::Responded => StepOutcome::Responded,
        Outcome::Failed(text) => StepOutcome::Failed(why(text, masks, heads)),
        Outcome::Undone(text) => StepOutcome::Undone(why(text, masks, heads)),
        Outcome::Abandoned => StepOutcome::Abandoned,
    }
}

fn ending(ending: &trace::Ending, masks: &Masks, heads: &InHeads) -> Ending {
    match ending {
        trace::Ending::Complete => Ending::Complete,
        trace::Ending::CutOff => Ending::CutOff,
        trace::Ending::Failed(failure) => Ending::Failed(Failure {
            status: failure.status,
            proxy_error: failure.proxy_error.to_owned(),
            text: why(&failure.text, masks, heads),
        }),
    }
}

/// Why something failed, masked as what plugins log: it may have their words in it, or a request that a tape does not know.
fn why(text: &str, masks: &Masks, heads: &InHeads) -> String {
    masks.log(&heads.masked(text)).into_owned()
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::trace::{Trace, Transcriber};
    use crate::message::{Body, Fate};
    use crate::record::{RecordConfig, sample};

    /// What is recorded of an exchange in which this happens.
    fn observed(head: &RequestHead, happens: impl FnOnce(&mut Trace)) -> Recorded {
        let finished = sample::finished(head, 1 << 10, happens);
        recorded(&finished, &Masks::new(&RecordConfig::default())).unwrap()
    }

    #[test]
    fn no_step_keeps_a_secret_that_it_adds_or_changes() {
        let mut head = RequestHead::new();
        head.fields.append("accept", "a");
        head.fields.append("authorization", "hunter1");
        let exchange = observed(&head, |trace| {
            let mut head = head.clone();
            for value in ["hunter2", "hunter3"] {
                head.fields.insert("authorization", value);
                head.fields.append("x-api-key", value);
                trace.begin_step(|| trace::Performer::Host);
                trace.left_request(&head, None);
            }
            let mut answer = ResponseHead::new(http::StatusCode::OK);
            answer.fields.append("set-cookie", "hunter4");
            let mut body = Body::Arrived(r#"{"token":"hunter5"}"#.into());
            trace.got_response(&answer, &mut body);
        });
        let all = crate::record::json::whole(&exchange).to_string();
        assert!(!all.contains("hunter"), "{all}");
        let (request, response) = exchange.before(usize::MAX);
        let named = |message: &Message| -> Vec<String> {
            message
                .fields
                .iter()
                .map(|field| field.name.clone())
                .collect()
        };
        assert_eq!(
            named(&request),
            ["accept", "authorization", "x-api-key", "x-api-key"]
        );
        let response = response.unwrap();
        assert_eq!(response.content.kept, br#"{"token":"[masked]"}"#);
        let is_changed = |step: &Step| !step.request.is_unchanged();
        assert!(
            exchange.steps.iter().all(is_changed),
            "a secret that was changed counts as changed"
        );
    }

    #[test]
    fn a_piece_that_a_plugin_lets_go_on_behind_its_own_is_masked_by_both() {
        let exchange = observed(&RequestHead::new(), |trace| {
            trace.begin_step(|| trace::Performer::Host);
            let mut pieces = Transcriber::new(trace.clone());
            pieces.sent(br#"{"password":""#);
            pieces.fate(br#"{"x":""#, Fate::Replace);
            pieces.fate(br#"hunter2"}"#, Fate::Keep);
            pieces.end();
        });
        let transcript = exchange.steps[0].transcript.as_ref().unwrap();
        assert_eq!(transcript.count, 2);
        assert_eq!(transcript.pieces[1].came.kept, br#"[masked]"}"#);
    }

    #[test]
    fn why_something_failed_is_masked_as_what_plugins_log() {
        let mut head = RequestHead::new();
        head.fields.append("authorization", "hunter-one");
        let text = || "no answer to GET /?token=hunter2 of hunter-one".to_owned();
        let exchange = observed(&head, |trace| {
            for outcome in [Outcome::Failed(text()), Outcome::Undone(text())] {
                trace.begin_step(|| trace::Performer::Host);
                trace.end_step(outcome);
            }
            trace.fail(|| trace::Failure {
                status: 502,
                proxy_error: "destination_not_found",
                text: text(),
            });
        });
        let masked = "no answer to GET /?token=[masked] of [masked]".to_owned();
        let outcomes: Vec<_> = exchange.steps.iter().map(|step| &step.outcome).collect();
        let expected = [
            &StepOutcome::Failed(masked.clone()),
            &StepOutcome::Undone(masked.clone()),
        ];
        assert_eq!(outcomes, expected);
        let Ending::Failed(failure) = &exchange.ending else {
            panic!("{:?}", exchange.ending)
        };
        assert_eq!(failure.text, masked);
    }
}

//! An exchange without its messages, for lists: computed without a copy of any message.

use serde::Serialize;
use utoipa::ToSchema;

use super::data::{Ending, Performer, Recorded, Step, StepOutcome};
use super::edit::{FieldEdit, MessageEdit};
use super::message::{Field, Message, StartLine};

/// An exchange in a list
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Summary {
    /// 16 hexadecimal digits, as in the log.
    pub id: String,
    pub began_us: u64,
    pub duration_us: u64,
    pub method: String,
    /// The host and port that the client asked for.
    pub authority: String,
    pub target: String,
    /// Of what the client got, if it got anything.
    pub status: Option<u16>,
    /// The client's: `HTTP/1.1`, `HTTP/2`.
    pub protocol: String,
    /// The client's address.
    pub client: String,
    /// The host and path of the route.
    pub route: Option<String>,
    /// The backend that was asked last.
    pub backend: Option<String>,
    pub plugins: Vec<PluginPart>,
    /// `complete`, `failed`, `cut-off`.
    pub ending: String,
    /// Why it failed.
    pub error: Option<String>,
    /// Bytes of the body as it came.
    pub request_bytes: u64,
    /// Bytes of the body that the client got.
    pub response_bytes: u64,
    /// `http`, `stream`, `websocket`, `grpc`.
    pub kind: String,
}

/// What a plugin did in an exchange
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginPart {
    pub name: String,
    /// What it changed in head or body, or in what flowed: `no`, `request`, `response`, `both`, or `failed`.
    pub changed: String,
}

/// What is known of the response without making it.
#[derive(Debug, Default)]
struct ResponseFacts {
    status: Option<u16>,
    length: u64,
    media_type: Option<Vec<u8>>,
}

impl Summary {
    pub fn of(exchange: &Recorded) -> Self {
        let (method, target) = match &exchange.request.line {
            StartLine::Request { method, target, .. } => (method.clone(), target.clone()),
            StartLine::Response { .. } => (String::new(), String::new()),
        };
        let response = ResponseFacts::of(&exchange.steps);
        let kind = kind(exchange, &response);
        let (ending, status, error) = match &exchange.ending {
            Ending::Complete => ("complete", response.status, None),
            Ending::CutOff => ("cut-off", response.status, None),
            Ending::Failed(failure) => ("failed", Some(failure.status), Some(failure.text.clone())),
        };
        let backend = exchange
            .steps
            .iter()
            .rev()
            .find_map(|step| match &step.performer {
                Performer::Backend { name, .. } => Some(name.clone()),
                Performer::Host | Performer::Plugin { .. } => None,
            });
        Self {
            id: format!("{:016x}", exchange.id),
            began_us: exchange.began,
            duration_us: exchange.duration,
            method,
            authority: exchange.authority().to_owned(),
            target,
            status,
            protocol: exchange.protocol.clone(),
            client: exchange.client.to_string(),
            route: exchange.route.clone(),
            backend,
            plugins: plugins(&exchange.steps),
            ending: ending.to_owned(),
            error,
            request_bytes: exchange.request.content.length,
            response_bytes: match &exchange.ending {
                Ending::Failed(_) => 0,
                Ending::Complete | Ending::CutOff => response.length,
            },
            kind: kind.to_owned(),
        }
    }
}

impl ResponseFacts {
    fn of(steps: &[Step]) -> Self {
        let mut facts = Self::default();
        for step in steps {
            match &step.response {
                MessageEdit::Unchanged => {}
                MessageEdit::Whole(message) => facts.take(message),
                MessageEdit::Edited(edit) => {
                    if let Some(StartLine::Response { status }) = edit.line {
                        facts.status = Some(status);
                    }
                    if let Some(content) = &edit.content {
                        facts.length = content.length;
                    }
                    let mut inserted = edit.fields.iter().filter_map(|edit| match edit {
                        FieldEdit::Insert { field, .. } => media_type(field),
                        FieldEdit::Remove { .. } | FieldEdit::Set { .. } => None,
                    });
                    facts.media_type = inserted.next_back().or(facts.media_type);
                }
            }
        }
        facts
    }

    fn take(&mut self, message: &Message) {
        if let StartLine::Response { status } = message.line {
            self.status = Some(status);
        }
        self.length = message.content.length;
        self.media_type = message.fields.iter().find_map(media_type);
    }
}

fn media_type(field: &Field) -> Option<Vec<u8>> {
    let is_one = field.name.eq_ignore_ascii_case("content-type");
    is_one.then(|| field.value.to_ascii_lowercase())
}

fn kind(exchange: &Recorded, response: &ResponseFacts) -> &'static str {
    let asked = exchange.request.field("content-type").unwrap_or_default();
    let answered = response.media_type.as_deref().unwrap_or_default();
    if exchange.is_websocket() {
        "websocket"
    } else if asked.to_ascii_lowercase().starts_with(b"application/grpc") {
        "grpc"
    } else if answered.starts_with(b"text/event-stream") {
        "stream"
    } else {
        "http"
    }
}

/// Each plugin once, in the order in which the exchange met them.
fn plugins(steps: &[Step]) -> Vec<PluginPart> {
    let mut parts: Vec<(String, [bool; 3])> = Vec::new();
    for step in steps {
        let Performer::Plugin { name, hook, .. } = &step.performer else {
            continue;
        };
        let at = parts.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            parts.push((name.clone(), [false; 3]));
            parts.len() - 1
        });
        if let Some((_, [request, response, failed])) = parts.get_mut(at) {
            let (asks, answers) = (step.request.is_unchanged(), step.response.is_unchanged());
            let in_pieces = step.changes() && asks && answers;
            let of_request = hook == "request-body";
            *request |= !asks || (in_pieces && of_request);
            *response |= !answers || (in_pieces && !of_request);
            *failed |= matches!(
                step.outcome,
                StepOutcome::Failed(_) | StepOutcome::Undone(_)
            );
        }
    }
    let part = |(name, [request, response, failed]): (String, [bool; 3])| PluginPart {
        name,
        changed: match (failed, request, response) {
            (true, _, _) => "failed",
            (false, true, true) => "both",
            (false, true, false) => "request",
            (false, false, true) => "response",
            (false, false, false) => "no",
        }
        .to_owned(),
    };
    parts.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;
    use crate::record::{Edit, Failure, Fragment, Piece, PieceFate, Transcript};

    #[test]
    fn a_line_of_the_list() {
        let summary = Summary::of(&sample::exchange());
        assert_eq!(summary.id, "00abcdef01234567");
        assert_eq!(
            (&*summary.method, &*summary.target),
            ("POST", "/orders/7?x=1")
        );
        assert_eq!(summary.authority, "api.example.com:8443");
        assert_eq!((summary.status, summary.response_bytes), (Some(201), 12));
        assert_eq!(summary.backend.as_deref(), Some("orders"));
        let parts: Vec<_> = summary
            .plugins
            .iter()
            .map(|p| (&*p.name, &*p.changed))
            .collect();
        assert_eq!(parts, [("redact", "response")]);
        assert_eq!((&*summary.ending, &*summary.kind), ("complete", "http"));
    }

    #[test]
    fn what_is_rewritten_as_it_flows_is_changed_and_grpc_is_known() {
        let mut exchange = sample::exchange();
        exchange.request.fields = vec![sample::field("content-type", "application/grpc+proto")];
        let mut step = sample::plugin_step("flow", "request-body", MessageEdit::Unchanged);
        let piece = Piece {
            at: 1,
            sender: None,
            text: false,
            came: Fragment::default(),
            went: Vec::new(),
            fate: PieceFate::Replace,
        };
        step.transcript = Some(Transcript {
            pieces: vec![piece],
            count: 1,
        });
        exchange.steps.push(step);
        let summary = Summary::of(&exchange);
        let flow = summary.plugins.last().unwrap();
        assert_eq!((&*flow.name, &*flow.changed), ("flow", "request"));
        assert_eq!(summary.kind, "grpc");
    }

    #[test]
    fn what_the_client_got_counts() {
        let mut exchange = sample::exchange();
        exchange.ending = Ending::Failed(Failure {
            status: 502,
            proxy_error: "http_response_incomplete".to_owned(),
            text: "it trapped".to_owned(),
        });
        let mut failed = sample::plugin_step("guard", "return-response", MessageEdit::Unchanged);
        failed.outcome = StepOutcome::Failed("it trapped".to_owned());
        exchange.steps.push(failed);
        let summary = Summary::of(&exchange);
        assert_eq!(
            (summary.status, summary.error.as_deref()),
            (Some(502), Some("it trapped"))
        );
        assert_eq!(summary.response_bytes, 0);
        assert_eq!(summary.plugins[1].changed, "failed");
    }

    /// The summary says of the response what the response says.
    #[test]
    fn facts_are_those_of_the_response_that_is_made() {
        let mut exchange = sample::exchange();
        let edit = Edit {
            line: Some(StartLine::Response { status: 418 }),
            fields: vec![FieldEdit::Insert {
                at: 0,
                field: sample::field("content-type", "text/event-stream"),
            }],
            ..Edit::default()
        };
        let step = sample::plugin_step("tea", "return-response", MessageEdit::Edited(edit));
        exchange.steps.push(step);
        let summary = Summary::of(&exchange);
        let response = exchange.response().unwrap();
        assert_eq!(
            response.line,
            StartLine::Response {
                status: summary.status.unwrap()
            }
        );
        assert_eq!(response.content.length, summary.response_bytes);
        assert_eq!(summary.kind, "stream");
    }
}

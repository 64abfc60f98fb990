//! Redacts or halts answers of language models while they stream.
//!
//! The way of an answer: `settings` (which API, which patterns) → `rewrite` (an event or a document in, what becomes of it
//! out) → `sse` and `json` (what is where) → `api` (what of it is text) → `scan` (what of the text may go on). `stream` does that for
//! each event of a stream; `budget` counts tokens in the state, `report` writes metrics.

mod api;
mod budget;
mod json;
mod patterns;
mod report;
mod rewrite;
mod scan;
mod settings;
mod sse;
mod stream;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use tollgate_plugin::{
    Plugin, Request, Response, ResponseBody, Result, Verdict, Wish, clocks, exchange, info, warn,
};

use api::{Api, Reason};
use budget::{Budget, Meter};
use rewrite::{Answer, Halt, OVER_BUDGET, Unreadable};
use scan::Scan;
use settings::Guard;
use stream::Stream;

/// Where the first hook tells the others which API was called.
const API: &str = "llm-guard.api";
/// When the request came, in milliseconds since 1970.
const START: &str = "llm-guard.start";
/// Who pays for it.
const METER: &str = "llm-guard.meter";

/// Codings that the host undoes.
const CODINGS: [&str; 5] = ["gzip", "x-gzip", "deflate", "br", "zstd"];

impl Plugin for Guard {
    fn start(&self) -> Result<()> {
        report::describe();
        Ok(())
    }

    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let Some(api) = self.api(&request.path()) else {
            return Ok(Verdict::Forward);
        };
        // Every byte must be seen, and a document be read.
        request.delete_field("range")?;
        request.delete_field("if-range")?;
        request.accept_identity()?;
        if self.prompts
            && let Some(halt) = self.check_prompt(api, request)?
        {
            return Ok(error(400, api, halt.reason(), &halt.message()).into());
        }
        let now = clocks::unix_ms();
        if let Some(budget) = &self.budget {
            match budget.begin(budget.payers(request), prompt_estimate(request)?, now)? {
                Ok(meter) => exchange::set_note(METER, meter.note()),
                Err(left) => {
                    info!("{}: refused, the budget is used up", api.name());
                    report::refused(api, &Halt::Budget);
                    // The vendors' clients repeat a 429 unless they are told not to.
                    let answer = error(429, api, Reason::Budget, OVER_BUDGET);
                    let answer = answer
                        .field("retry-after", left.to_string())
                        .field("x-should-retry", "false");
                    return Ok(answer.into());
                }
            }
        }
        exchange::set_note(START, now.to_string());
        // Not before here: an answer of this plugin's own is not the model's.
        exchange::set_note(API, api.name());
        Ok(Verdict::Forward)
    }

    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        let Some(api) = noted() else { return Ok(()) };
        let has_body = request.method() != "HEAD" && !matches!(response.status(), 204 | 304);
        if !has_body {
            return Ok(());
        }
        let mut answer = self.answer(api);
        let read = self.read_response(response, &mut answer);
        // An answer that streams pays as it goes, and an error of the backend costs nothing.
        if !matches!(read, Ok(None))
            && let Some((budget, mut meter)) = self.meter()
        {
            let (input, output) = answer.used();
            meter.settle(&budget, input, output)?;
        }
        match read {
            Ok(None) => Ok(()),
            Ok(Some(new)) => {
                if let Some(new) = new {
                    response.set_body(new);
                }
                info!("{}", answer.summary("whole", None));
                report::answered(api, self.models.label(answer.model()), &answer, None);
                Ok(())
            }
            Err(Halt::Unreadable(why)) if self.unreadable == Unreadable::Pass => {
                warn!("{}: passed an answer unread: {why}", api.name());
                Ok(())
            }
            Err(halt) => {
                info!("{}", answer.summary("whole", Some(&halt)));
                report::answered(api, self.models.label(answer.model()), &answer, Some(&halt));
                let status = if matches!(halt, Halt::Pattern(_)) {
                    400
                } else {
                    502
                };
                refuse(response, status, &api.error(halt.reason(), &halt.message()))
            }
        }
    }
}

impl ResponseBody for Guard {
    type Rewriter = Stream;

    fn response_body(&self, _: &Request, response: &Response) -> Result<Option<Wish<Stream>>> {
        let is_ours = noted().filter(|_| is_stream(response) && is_decodable(response));
        Ok(is_ours.map(|api| {
            let start =
                exchange::note(START).and_then(|note| String::from_utf8(note).ok()?.parse().ok());
            let stream = Stream::new(api, self.answer(api), self.meter(), start, &self.models);
            Wish::events(stream).decoded()
        }))
    }
}

impl Guard {
    fn answer(&self, api: Api) -> Answer {
        Answer::new(api, Scan::new(&self.patterns), self.unreadable)
    }

    /// Who pays for the exchange in hand.
    fn meter(&self) -> Option<(Rc<Budget>, Meter)> {
        let budget = Rc::clone(self.budget.as_ref()?);
        Some((budget, Meter::from_note(&exchange::note(METER)?)?))
    }

    /// Looks at what a client sends to a model. Tells why it must not be sent.
    fn check_prompt(&self, api: Api, request: &mut Request) -> Result<Option<Halt>> {
        let mut prompt = self.answer(api);
        let read = match (request.content_coding(), request.body()) {
            (Some(coding), _) => Err(Halt::Unreadable(format!(
                "its content-encoding is {coding}"
            ))),
            (None, Err(error)) => Err(Halt::Unreadable(error.to_string())),
            (None, Ok(body)) if body.is_empty() => Ok(None),
            (None, Ok(body)) => prompt.document(&body),
        };
        match read {
            Ok(new) => {
                if let Some(new) = new {
                    request.set_body(new);
                    info!("{}", prompt.redactions("prompt"));
                    report::matched(&prompt, None);
                }
                Ok(None)
            }
            Err(Halt::Unreadable(why)) if self.unreadable == Unreadable::Pass => {
                warn!("{}: passed a prompt unread: {why}", api.name());
                Ok(None)
            }
            Err(halt) => {
                info!("{}, prompt: {halt}", api.name());
                report::refused(api, &halt);
                report::matched(&prompt, Some(&halt));
                Ok(Some(halt))
            }
        }
    }

    /// Looks at an answer that does not stream. `None`: there is nothing to look at. `Some(None)`: it stays as it is.
    fn read_response(
        &self,
        response: &Response,
        answer: &mut Answer,
    ) -> std::result::Result<Option<Option<Vec<u8>>>, Halt> {
        let unreadable = |why: String| Err(Halt::Unreadable(why));
        if is_stream(response) {
            return match (
                response
                    .content_coding()
                    .filter(|_| !is_decodable(response)),
                response.status(),
            ) {
                (Some(coding), _) => unreadable(format!("its content-encoding is {coding}")),
                (None, 206) => unreadable("it is a part of an answer (206)".to_owned()),
                (None, _) => Ok(None),
            };
        }
        // What is wrong is said by the server and not by the model.
        if response.status() >= 400 {
            return Ok(None);
        }
        if response.status() == 206 {
            return unreadable("it is a part of an answer (206)".to_owned());
        }
        if let Some(coding) = response.content_coding() {
            return unreadable(format!("its content-encoding is {coding}"));
        }
        let body = response
            .body()
            .map_err(|error| Halt::Unreadable(error.to_string()))?;
        match body.is_empty() {
            true => Ok(None),
            false => answer.document(&body).map(Some),
        }
    }
}

/// Tokens of a prompt: a token is taken for four bytes of the request's body.
fn prompt_estimate(request: &Request) -> Result<u64> {
    let told = request
        .field("content-length")
        .and_then(|value| value.as_str()?.parse().ok());
    let bytes: u64 = match told {
        Some(bytes) => bytes,
        None => request.body()?.len() as u64,
    };
    Ok(bytes.div_ceil(4))
}

fn error(status: u16, api: Api, reason: Reason, message: &str) -> tollgate_plugin::Answer {
    let answer = tollgate_plugin::Answer::new(status).field("content-type", "application/json");
    answer.body(api.error(reason, message))
}

fn noted() -> Option<Api> {
    let name = exchange::note(API)?;
    [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic]
        .into_iter()
        .find(|api| api.name().as_bytes() == name)
}

fn is_stream(response: &Response) -> bool {
    let kind = response
        .field("content-type")
        .map(|value| value.text().to_ascii_lowercase());
    kind.is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim() == "text/event-stream")
    })
}

fn is_decodable(response: &Response) -> bool {
    let is_known = |coding: &str| {
        coding.eq_ignore_ascii_case("identity")
            || CODINGS
                .iter()
                .any(|known| coding.eq_ignore_ascii_case(known))
    };
    response
        .content_coding()
        .is_none_or(|codings| codings.split(',').all(|coding| is_known(coding.trim())))
}

/// Puts an error of the API in place of an answer.
fn refuse(response: &mut Response, status: u16, body: &str) -> Result<()> {
    response.set_status(status)?;
    response.set_field("content-type", "application/json")?;
    for name in [
        "content-encoding",
        "etag",
        "last-modified",
        "content-range",
        "cache-control",
    ] {
        response.delete_field(name)?;
    }
    response.set_body(body);
    Ok(())
}

tollgate_plugin::export!(Guard, ResponseBody);

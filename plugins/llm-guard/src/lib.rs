//! Redacts or halts answers of language models while they stream.
//!
//! The way of an answer: `settings` (which API, which patterns) → `rewrite` (an event or a document in, what becomes of it
//! out) → `sse` and `json` (what is where) → `api` (what of it is text) → `scan` (what of the text may go on). Only this file
//! knows of the SDK.

mod api;
mod json;
mod patterns;
mod rewrite;
mod scan;
mod settings;
mod sse;
#[cfg(test)]
mod tests;

use tollgate_plugin::{
    Fate, Plugin, Request, Response, ResponseBody, Result, Rewriter, Sink, Verdict, Wish, exchange,
    info, warn,
};

use api::Api;
use rewrite::{Answer, Halt, Unreadable};
use scan::Scan;
use settings::Guard;

/// Where the first hook tells the others which API was called.
const API: &str = "llm-guard.api";

/// Codings that the host undoes.
const CODINGS: [&str; 5] = ["gzip", "x-gzip", "deflate", "br", "zstd"];

impl Plugin for Guard {
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
            let answer =
                tollgate_plugin::Answer::new(400).field("content-type", "application/json");
            return Ok(answer.body(api.error(&halt.message())).into());
        }
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
        match self.read_response(response, &mut answer) {
            Ok(None) => Ok(()),
            Ok(Some(new)) => {
                if let Some(new) = new {
                    response.set_body(new);
                }
                info!("{}", answer.summary("whole", None));
                Ok(())
            }
            Err(Halt::Unreadable(why)) if self.unreadable == Unreadable::Pass => {
                warn!("{}: passed an answer unread: {why}", api.name());
                Ok(())
            }
            Err(halt) => {
                info!("{}", answer.summary("whole", Some(&halt)));
                let status = if matches!(halt, Halt::Pattern(_)) {
                    400
                } else {
                    502
                };
                refuse(response, status, &api.error(&halt.message()))
            }
        }
    }
}

impl ResponseBody for Guard {
    type Rewriter = Stream;

    fn response_body(&self, _: &Request, response: &Response) -> Result<Option<Wish<Stream>>> {
        let is_ours = noted().filter(|_| is_stream(response) && is_decodable(response));
        Ok(is_ours.map(|api| Wish::events(Stream(self.answer(api))).decoded()))
    }
}

/// An answer that streams.
#[derive(Debug)]
pub struct Stream(Answer);

impl Rewriter for Stream {
    fn piece(&mut self, event: &[u8], sink: &mut Sink) -> Result<Fate> {
        let mut out = Vec::new();
        let (fate, halt) = self.0.event(event, &mut out);
        if !out.is_empty() {
            sink.emit(out);
        }
        if halt.is_some() {
            info!("{}", self.0.summary("streamed", halt.as_ref()));
        }
        Ok(match fate {
            rewrite::Fate::Keep => Fate::Keep,
            rewrite::Fate::Replace => Fate::Replace,
            rewrite::Fate::Stop => Fate::Stop,
        })
    }

    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        let mut out = Vec::new();
        let halt = self.0.end(&mut out);
        if !out.is_empty() {
            sink.emit(out);
        }
        info!("{}", self.0.summary("streamed", halt.as_ref()));
        Ok(())
    }
}

impl Guard {
    fn answer(&self, api: Api) -> Answer {
        Answer::new(api, Scan::new(&self.patterns), self.unreadable)
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
                }
                Ok(None)
            }
            Err(Halt::Unreadable(why)) if self.unreadable == Unreadable::Pass => {
                warn!("{}: passed a prompt unread: {why}", api.name());
                Ok(None)
            }
            Err(halt) => {
                info!("{}, prompt: {halt}", api.name());
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

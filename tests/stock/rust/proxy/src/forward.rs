//! Actions that ask what stands behind this component.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest, ResponseOutparam,
    Scheme,
};

use super::answers::respond;
use super::message::{self, Exchange, Gone, first_line};

/// The placeholder that stands for the rest of the chain.
const BACKEND: &str = "backend.internal";

/// Sends the request on, then its body, and answers with what comes back.
pub fn pass(exchange: Exchange) {
    let Exchange { request, out } = exchange;
    match ask(&request, true) {
        Ok(response) => hand_back(out, &response, &[]),
        Err(error) => ResponseOutparam::set(out, Err(error)),
    }
}

/// Asks up to three times as long as the answer is an error or its status is 500 or above; says in x-tries how often.
pub fn twice(exchange: Exchange) {
    let Exchange { request, out } = exchange;
    for tries in 1..=3 {
        match ask(&request, false) {
            Ok(response) if response.status() < 500 || tries == 3 => {
                return hand_back(out, &response, &[("x-tries", &tries.to_string())]);
            }
            Err(error) if tries == 3 => return ResponseOutparam::set(out, Err(error)),
            _ => {}
        }
    }
}

/// Asks, drops the answer with its body unread, and answers with a text.
pub fn drop_next(exchange: Exchange) {
    let Exchange { request, out } = exchange;
    match ask(&request, true) {
        Ok(response) => {
            drop(response);
            respond(out, 200, "dropped\n");
        }
        Err(error) => ResponseOutparam::set(out, Err(error)),
    }
}

/// What an attempt to ask came to, as a text: the status, or the error's name.
pub fn fetch(exchange: Exchange) {
    let Exchange { request, out } = exchange;
    let text = match ask(&request, true) {
        Ok(response) => format!("{}\n", response.status()),
        Err(error) => format!("{error:?}\n"),
    };
    respond(out, 200, &text);
}

/// Sends a request like the one that came, with its body or without one, and waits for the response.
pub fn ask(request: &IncomingRequest, with_body: bool) -> Result<IncomingResponse, ErrorCode> {
    let sent = copy(request);
    let body = sent.body().expect("it is taken once");
    let coming = outgoing_handler::handle(sent, None)?;
    if with_body {
        // What breaks here is known by the answer.
        let _: Result<(), Gone> =
            message::pump(request.consume().expect("it is consumed once"), body);
    } else {
        OutgoingBody::finish(body, None)?;
    }
    coming.subscribe().block();
    let response = coming.get().expect("it is there");
    response.expect("it is taken once")
}

/// Sends a body on that is dropped in place of finished, and hands back what comes of that.
pub fn broken_request(exchange: Exchange) {
    let Exchange { request, out } = exchange;
    match ask_unfinished(&request) {
        Ok(response) => hand_back(out, &response, &[]),
        Err(error) => ResponseOutparam::set(out, Err(error)),
    }
}

fn ask_unfinished(request: &IncomingRequest) -> Result<IncomingResponse, ErrorCode> {
    let sent = copy(request);
    let body = sent.body().expect("it is taken once");
    let coming = outgoing_handler::handle(sent, None)?;
    let sink = body.write().expect("once");
    let _ = message::write(&sink, b"first\n");
    drop(sink);
    drop(body);
    coming.subscribe().block();
    let response = coming.get().expect("it is there");
    response.expect("it is taken once")
}

fn copy(request: &IncomingRequest) -> OutgoingRequest {
    let fields = request.headers().clone();
    let orders = first_line(&fields, "x-do").unwrap_or_default();
    let deleted = fields.delete("x-do");
    deleted.expect("a copy may be changed");
    if let Some((_, rest)) = orders.split_once(',') {
        let added = fields.append("x-do", rest.trim().as_bytes());
        added.expect("a copy may be changed");
    }
    let named = first_line(&fields, "x-authority");
    let authority = named.as_deref().unwrap_or(BACKEND);
    let made = OutgoingRequest::new(fields);
    let set = [
        made.set_method(&request.method()),
        made.set_scheme(Some(&Scheme::Http)),
        made.set_authority(Some(authority)),
        made.set_path_with_query(request.path_with_query().as_deref()),
    ];
    assert!(set.iter().all(Result::is_ok), "what it came with is valid");
    made
}

fn hand_back(out: ResponseOutparam, response: &IncomingResponse, more: &[(&str, &str)]) {
    let fields = response.headers().clone();
    for (name, value) in more {
        let added = fields.append(name, value.as_bytes());
        added.expect("a copy may be changed");
    }
    let body = message::begin(out, response.status(), fields);
    // What breaks off has no end, and its reader sees that.
    let _: Result<(), Gone> = message::pump(response.consume().expect("once"), body);
}

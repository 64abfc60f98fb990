//! Actions that ask what stands behind this component.

use futures_util::future::join;

use super::bindings::wasi::http::types::{ErrorCode, Request, Response};
use super::message::{self, Body, add as add_line, number};
use super::next::ask;

type Answered = Result<Response, ErrorCode>;

/// Adds `x-stock: request` and `x-stock: response`. The bodies are handed on and never enter this component's memory.
pub async fn add(request: Request) -> Answered {
    let (line, fields, body) = message::take(request);
    add_line(&fields, "x-stock", "request");
    let (status, fields, body) = message::take_response(ask(line.with(fields, Some(body))).await?);
    add_line(&fields, "x-stock", "response");
    Ok(message::response(status, fields, Some(body)))
}

/// Copies both bodies, with their trailers, through this component's memory.
pub async fn pump(request: Request) -> Answered {
    let (line, fields, body) = message::take(request);
    let next = ask(line.with(fields, Some(pumped(body)))).await?;
    let (status, fields, body) = message::take_response(next);
    Ok(message::response(status, fields, Some(pumped(body))))
}

fn pumped(from: Body) -> Body {
    let (sink, to) = message::body();
    wit_bindgen::spawn_local(sink.pump(from));
    to
}

/// Asks again, up to x-tries times (3), as long as the answer is an error or its status is 500 or above; `x-tries` on the
/// response says how often it asked.
pub async fn twice(request: Request) -> Answered {
    let most = number(&request, "x-tries", 3);
    let (line, fields, _body) = message::take(request);
    for tries in 1.. {
        let next = ask(line.with(fields.clone(), None)).await;
        let failed = next
            .as_ref()
            .map_or(true, |next| next.get_status_code() >= 500);
        if failed && tries < most {
            continue; // The body of the answer is dropped unread.
        }
        let (status, fields, body) = message::take_response(next?);
        add_line(&fields, "x-tries", &tries.to_string());
        return Ok(message::response(status, fields, Some(body)));
    }
    unreachable!("it returns at the last try")
}

/// Asks twice at the same time; the body of the response is the two bodies, one behind the other.
pub async fn both(request: Request) -> Answered {
    let (line, fields, _body) = message::take(request);
    let asked = join(
        ask(line.with(fields.clone(), None)),
        ask(line.with(fields.clone(), None)),
    );
    let (one, other) = asked.await;
    let (status, fields, first) = message::take_response(one?);
    let second = message::take_response(other?).2;
    let _ = fields.delete("content-length");
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        let ((first, _), (second, end)) = join(first.collect(), second.collect()).await;
        if sink.write(&first).await && sink.write(&second).await {
            sink.finish(end).await;
        }
    });
    Ok(message::response(status, fields, Some(body)))
}

/// Only the head goes on, and only the head comes back: both bodies are the component's own, made in pieces.
pub async fn head_only(request: Request) -> Answered {
    let (line, fields, _body) = message::take(request);
    let _ = fields.delete("content-length");
    let next = ask(line.with(fields, Some(made("request")))).await?;
    let (status, fields, _body) = message::take_response(next);
    let _ = fields.delete("content-length");
    Ok(message::response(status, fields, Some(made("response"))))
}

/// Sends a body on that ends with an error, and hands back what comes of that.
pub async fn broken_request(request: Request) -> Answered {
    let (line, fields, _body) = message::take(request);
    let _ = fields.delete("content-length");
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        if sink.write(b"first\n").await {
            let error = ErrorCode::InternalError(Some("as asked".into()));
            sink.finish(Err(error)).await;
        }
    });
    ask(line.with(fields, Some(body))).await
}

/// A body of three pieces.
fn made(what: &'static str) -> Body {
    let (mut sink, body) = message::body();
    wit_bindgen::spawn_local(async move {
        for number in 0..3 {
            if !sink.write(format!("{what} {number}\n").as_bytes()).await {
                return;
            }
        }
        sink.finish(Ok(None)).await;
    });
    body
}

/// Asks, drops the answer with its body unread, and answers with a text.
pub async fn drop_next(request: Request) -> Answered {
    let (line, fields, body) = message::take(request);
    drop(ask(line.with(fields, Some(body))).await?);
    Ok(message::text(200, "dropped\n"))
}

/// What an attempt to ask came to, as a text: the status, or the error's name.
pub async fn fetch(request: Request) -> Answered {
    let (line, fields, body) = message::take(request);
    let text = match ask(line.with(fields, Some(body))).await {
        Ok(response) => format!("{}\n", response.get_status_code()),
        Err(error) => format!("{error:?}\n"),
    };
    Ok(message::text(200, &text))
}

//! Wants every body of a response, event streams by their events and all else as it comes, and keeps every piece: what
//! rewriting costs by itself.

use tollgate_plugin::{Fate, Plugin, Request, Response, ResponseBody, Result, Rewriter, Sink, Wish};

#[derive(serde::Deserialize)]
struct Keep {}

struct Kept;

impl Plugin for Keep {}

impl ResponseBody for Keep {
    type Rewriter = Kept;

    fn response_body(&self, _: &Request, response: &Response) -> Result<Option<Wish<Kept>>> {
        let media_type = response.field("content-type");
        let is_events = media_type.is_some_and(|media_type| media_type == "text/event-stream");
        Ok(Some(if is_events {
            Wish::events(Kept)
        } else {
            Wish::bytes(Kept)
        }))
    }
}

impl Rewriter for Kept {
    fn piece(&mut self, _: &[u8], _: &mut Sink) -> Result<Fate> {
        Ok(Fate::Keep)
    }
}

tollgate_plugin::export!(Keep, ResponseBody);

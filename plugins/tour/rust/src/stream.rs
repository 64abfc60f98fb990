//! Event streams: a greeting in an event becomes the mark.

use tollgate_plugin::metrics::{self, Histogram};
use tollgate_plugin::{
    Fate, Request, Response, ResponseBody, Result, Rewriter, Sink, Wish, events,
};

use crate::settings::Tour;

pub(crate) const EVENTS: Histogram<'_> = metrics::histogram("tour_stream_events");

impl ResponseBody for Tour {
    type Rewriter = Greetings;

    fn response_body(&self, _: &Request, response: &Response) -> Result<Option<Wish<Greetings>>> {
        let media_type = response.field("content-type");
        let is_stream =
            media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
        let greetings = Greetings {
            mark: self.mark.clone(),
            events: 0,
        };
        Ok(is_stream.then(|| Wish::events(greetings).decoded()))
    }
}

/// Rewrites one stream.
pub(crate) struct Greetings {
    mark: String,
    events: u32,
}

impl Rewriter for Greetings {
    fn piece(&mut self, event: &[u8], sink: &mut Sink) -> Result<Fate> {
        self.events += 1;
        let data = events::data(event);
        let Some(rest) = data.as_deref().and_then(|data| data.strip_prefix(b"hello")) else {
            return Ok(Fate::Keep);
        };
        sink.emit(events::with_data(
            event,
            [self.mark.as_bytes(), rest].concat(),
        ));
        Ok(Fate::Replace)
    }

    fn end(&mut self, _: &mut Sink) -> Result<()> {
        EVENTS.observe(self.events, &[]);
        Ok(())
    }
}

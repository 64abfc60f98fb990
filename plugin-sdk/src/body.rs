//! Bodies that a plugin rewrites as they flow.
//!
//! The plugin says for each body whether it wants it, and with what. That value lives as long as the body, so its fields are the
//! state that passes from one piece to the next.

use alloc::boxed::Box;

use crate::{Plugin, Request, Response, Result};

/// Rewriting the bodies of requests on their way to the backend. Export it with `export!(MyPlugin, RequestBody)`.
///
/// ```
/// use tollgate_plugin::{Fate, Plugin, Request, RequestBody, Result, Rewriter, Sink, Wish, testing};
///
/// /// Leaves comments out of uploaded text.
/// #[derive(serde::Deserialize)]
/// struct NoComments;
///
/// impl Plugin for NoComments {}
///
/// impl RequestBody for NoComments {
///     type Rewriter = Lines;
///
///     fn request_body(&self, request: &Request) -> Result<Option<Wish<Lines>>> {
///         let is_text = request.field("content-type").is_some_and(|value| value.text().starts_with("text/"));
///         Ok(is_text.then(|| Wish::lines(Lines).decoded()))
///     }
/// }
///
/// struct Lines;
///
/// impl Rewriter for Lines {
///     fn piece(&mut self, line: &[u8], _: &mut Sink) -> Result<Fate> {
///         Ok(if line.starts_with(b"#") { Fate::Replace } else { Fate::Keep })
///     }
/// }
///
/// tollgate_plugin::export!(NoComments, RequestBody);
///
/// let upload = testing::exchange().method("PUT").field("content-type", "text/plain");
/// let rewritten = upload.rewrite_request::<NoComments>(["a\n", "# b\n", "c\n"]);
/// assert_eq!(rewritten.text(), "a\nc\n");
/// ```
pub trait RequestBody: Plugin {
    /// What rewrites one body.
    type Rewriter: Rewriter;

    /// Called when the request's head is final, after every plugin's `forward_request`, and before the first piece. `None` leaves
    /// this body alone, at no further cost. It is not called for a request without a body.
    ///
    /// # Errors
    /// Nothing was sent yet: the plugin's `on-failure` decides what happens.
    fn request_body(&self, request: &Request) -> Result<Option<Wish<Self::Rewriter>>>;
}

/// Rewriting the bodies of responses on their way to the client. Export it with `export!(MyPlugin, ResponseBody)`.
///
/// The host removes `content-length`, `accept-ranges` and digests from the response of a body that a plugin wants, and makes a strong
/// `etag` a weak one.
///
/// The body of a status 206 is a part of something, and is never given to a plugin. A plugin that must see every byte removes `range`
/// and `if-range` from requests in `forward_request`.
///
/// ```
/// use tollgate_plugin::{Answer, Fate, Plugin, Request, Response, ResponseBody, Result, Rewriter, Sink, Wish, events, testing};
///
/// /// Numbers the events of a stream.
/// #[derive(serde::Deserialize)]
/// struct Numbered;
///
/// impl Plugin for Numbered {}
///
/// impl ResponseBody for Numbered {
///     type Rewriter = Counter;
///
///     fn response_body(&self, _: &Request, response: &Response) -> Result<Option<Wish<Counter>>> {
///         let is_stream = response.field("content-type").is_some_and(|value| value == "text/event-stream");
///         Ok(is_stream.then(|| Wish::events(Counter::default()).decoded()))
///     }
/// }
///
/// #[derive(Default)]
/// struct Counter {
///     events: u32,
/// }
///
/// impl Rewriter for Counter {
///     fn piece(&mut self, event: &[u8], sink: &mut Sink) -> Result<Fate> {
///         self.events += 1;
///         sink.emit(format!("id: {}\n", self.events));
///         Ok(Fate::Keep)
///     }
///
///     fn end(&mut self, sink: &mut Sink) -> Result<()> {
///         sink.emit(events::Event::new().name("end").data(self.events.to_string()).build()?);
///         Ok(())
///     }
/// }
///
/// tollgate_plugin::export!(Numbered, ResponseBody);
///
/// let answer = Answer::new(200).field("content-type", "text/event-stream");
/// let rewritten = testing::exchange().backend_response(answer).rewrite_response::<Numbered>(["data: a\n\n"]);
/// assert_eq!(rewritten.text(), "id: 1\ndata: a\n\nevent: end\ndata: 1\n\n");
/// ```
pub trait ResponseBody: Plugin {
    /// What rewrites one body.
    type Rewriter: Rewriter;

    /// Called when the response's head is final, after this plugin's `return_response`, and before the first piece. `None` leaves
    /// this body alone, at no further cost. It is not called for a response without a body (`HEAD`, 204, 304), for a part of one
    /// (206), and for an upgrade.
    ///
    /// # Errors
    /// Nothing was sent yet: the plugin's `on-failure` decides what the client gets.
    fn response_body(
        &self,
        request: &Request,
        response: &Response,
    ) -> Result<Option<Wish<Self::Rewriter>>>;
}

/// Rewrites one body: a value that lives from its first piece to its end.
///
/// It may call [`exchange`](crate::exchange), the log and all else that hooks may call. Of request and response it knows what it was
/// made with.
///
/// If a method fails or panics, the message ends visibly broken (a reset stream, a missing last chunk), never as if it were complete.
pub trait Rewriter: 'static {
    /// Called for each piece. What it emits goes on before the piece, if that is kept, or in its place.
    ///
    /// # Errors
    /// Cuts the message off. The host logs the text.
    fn piece(&mut self, piece: &[u8], sink: &mut Sink) -> Result<Fate>;

    /// Called when the body is complete, and not after [`Fate::Stop`]: emits what is left. The message's trailers follow it,
    /// untouched. Does nothing by default.
    ///
    /// # Errors
    /// Cuts the message off. The host logs the text.
    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        let _ = sink;
        Ok(())
    }
}

/// So that a plugin can choose between several: `type Rewriter = Box<dyn Rewriter>`.
impl<R: Rewriter + ?Sized> Rewriter for Box<R> {
    fn piece(&mut self, piece: &[u8], sink: &mut Sink) -> Result<Fate> {
        (**self).piece(piece, sink)
    }

    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        (**self).end(sink)
    }
}

/// What becomes of a piece of a body.
#[must_use = "the host hears of a piece's fate only if `piece` returns it"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on as it is, after what was emitted. It is not copied back to the host.
    Keep,
    /// What was emitted goes on in its place, which may be nothing.
    Replace,
    /// What was emitted goes on, then the body ends properly. Its source is told to stop.
    Stop,
}

/// How a body is cut into pieces. A line or an event that is longer than the plugin's limit `piece` fails the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As it arrives.
    Bytes,
    /// As it arrives, but never inside a character of UTF-8.
    Text,
    /// One line with its line end.
    Lines,
    /// One event of an event stream, with the blank line at its end: see [`events`](crate::events).
    Events,
    /// One gRPC message without its prefix. Each [`Sink::emit`] is one message.
    Messages,
}

/// That a plugin wants a body, with what rewrites it and how it is cut.
#[must_use = "the host hears of a wish only if it is returned"]
#[derive(Clone, Debug)]
pub struct Wish<R> {
    pub(crate) rewriter: R,
    pub(crate) unit: Unit,
    pub(crate) decoded: bool,
}

impl<R: Rewriter> Wish<R> {
    /// Pieces as they arrive.
    pub fn bytes(rewriter: R) -> Self {
        Self::cut(Unit::Bytes, rewriter)
    }

    /// Pieces as they arrive, never cut inside a character of UTF-8. Bytes that are not UTF-8 are given too.
    pub fn text(rewriter: R) -> Self {
        Self::cut(Unit::Text, rewriter)
    }

    /// Lines with their line ends.
    pub fn lines(rewriter: R) -> Self {
        Self::cut(Unit::Lines, rewriter)
    }

    /// Events of an event stream: see [`events`](crate::events).
    pub fn events(rewriter: R) -> Self {
        Self::cut(Unit::Events, rewriter)
    }

    /// gRPC messages.
    pub fn messages(rewriter: R) -> Self {
        Self::cut(Unit::Messages, rewriter)
    }

    /// In this unit.
    pub fn cut(unit: Unit, rewriter: R) -> Self {
        let decoded = false;
        Self {
            rewriter,
            unit,
            decoded,
        }
    }

    /// Undoes the body's `content-encoding` before the plugin and does it again behind it. If the host doesn't know the coding, the
    /// plugin has failed, and its `on-failure` decides.
    pub fn decoded(mut self) -> Self {
        self.decoded = true;
        self
    }
}

/// Where what a [`Rewriter`] emits goes.
#[derive(Debug)]
pub struct Sink(());

impl Sink {
    pub(crate) fn in_hand() -> Self {
        Self(())
    }

    /// Sends bytes or text on. Each call is one call to the host. It waits while the receiver is not ready, so a slow receiver holds
    /// the plugin up and no memory fills.
    pub fn emit(&mut self, data: impl AsRef<[u8]>) {
        crate::host::emit(data.as_ref());
    }
}

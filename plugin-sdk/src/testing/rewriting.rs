//! Rewrites a body natively, as the host does with one that flows.

use super::Exchange;
use super::outcome::Outcome;
use crate::body::{Fate, RequestBody, ResponseBody, Rewriter, Unit};
use crate::export::{self, HookResult, Slot, Wished};
use crate::host::Side;
use crate::in_hand::{self, Body, Message, State};

/// Codings that the host can undo.
const CODINGS: [&str; 6] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity"];

/// What became of a body that was rewritten.
#[derive(Clone, Debug, Default)]
pub struct Rewritten {
    /// How the plugin wanted the body to be cut; `None` if it left the body alone, or wasn't asked.
    pub unit: Option<Unit>,
    /// Whether it wanted the body without its content coding.
    pub decoded: bool,
    /// What went on, in its order: each piece that was kept, and each call of [`Sink::emit`](crate::Sink::emit).
    pub sent: Vec<Vec<u8>>,
    /// What went on with each piece that was given, and as the last one with the end of the body. So the test sees what was held
    /// back.
    pub by_piece: Vec<Vec<u8>>,
    /// Whether the plugin stopped the body: the pieces after that were not given.
    pub stopped: bool,
    /// Why a hook or the rewriter failed. If `unit` is set, the message was cut off behind what had been sent.
    pub error: Option<String>,
    /// All else: the heads, the log, and the bodies as their receivers get them.
    pub outcome: Outcome,
}

impl Rewritten {
    /// The whole body as its receiver gets it.
    pub fn body(&self) -> Vec<u8> {
        self.sent.concat()
    }

    /// The same as text; panics if it is not UTF-8.
    pub fn text(&self) -> String {
        super::checked(String::from_utf8(self.body()), "body")
    }
}

impl Exchange {
    /// Runs the hooks, and gives these pieces of the request's body to the plugin. They are given as they are: in the unit that the
    /// plugin wants, and decoded. They take the place of [`body`](Self::body). Without pieces there is no body, and the plugin is not
    /// asked.
    ///
    /// A body that `forward_request` sets takes the place of the pieces, as one piece.
    pub fn rewrite_request<P: RequestBody>(
        mut self,
        pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Rewritten {
        let pieces = owned(pieces);
        self.state.request.body = Body::Streaming(pieces.concat());
        let mut rewritten = Rewritten::default();
        let outcome = self.run_with(
            export::load_with_more::<P>,
            |ran| {
                let slot = Slot::new(None);
                let begin = |plugin| export::begin_request::<P>(plugin, &slot);
                let rewriting = Rewriting::new(&mut rewritten, Side::Request, pieces);
                ran.error = rewriting.run(|| begin(ran.plugin), &slot).err();
            },
            |_| {},
        );
        rewritten.of(outcome)
    }

    /// Runs the hooks, and gives these pieces of the response's body to the plugin, whatever body the answer of
    /// [`backend_response`](Self::backend_response) has. They are given as they are: in the unit that the plugin wants, and decoded.
    ///
    /// A body that a hook sets takes the place of the pieces, as one piece.
    ///
    /// ```
    /// use tollgate_plugin::{Fate, Plugin, Request, Response, ResponseBody, Result, Rewriter, Sink, Wish, testing};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct First;
    ///
    /// impl Plugin for First {}
    ///
    /// impl ResponseBody for First {
    ///     type Rewriter = FirstLine;
    ///     fn response_body(&self, _: &Request, _: &Response) -> Result<Option<Wish<FirstLine>>> {
    ///         Ok(Some(Wish::lines(FirstLine)))
    ///     }
    /// }
    ///
    /// struct FirstLine;
    ///
    /// impl Rewriter for FirstLine {
    ///     fn piece(&mut self, line: &[u8], sink: &mut Sink) -> Result<Fate> {
    ///         sink.emit(line);
    ///         Ok(Fate::Stop)
    ///     }
    /// }
    ///
    /// let rewritten = testing::exchange().rewrite_response::<First>(["one\n", "two\n"]);
    /// assert_eq!((rewritten.text().as_str(), rewritten.stopped), ("one\n", true));
    /// ```
    pub fn rewrite_response<P: ResponseBody>(
        self,
        pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Rewritten {
        let pieces = owned(pieces);
        let mut rewritten = Rewritten::default();
        let came = pieces.concat();
        let outcome = Self {
            backend: Some(
                self.backend
                    .unwrap_or_else(|| crate::Answer::new(200))
                    .body(came),
            ),
            ..self
        }
        .run_with(
            export::load_with_more::<P>,
            |_| {},
            |ran| {
                let slot = Slot::new(None);
                let begin = |plugin| export::begin_response::<P>(plugin, &slot);
                let rewriting = Rewriting::new(&mut rewritten, Side::Response, pieces);
                ran.error = rewriting.run(|| begin(ran.plugin), &slot).err();
            },
        );
        rewritten.of(outcome)
    }
}

impl Rewritten {
    fn of(mut self, outcome: Outcome) -> Self {
        self.error.clone_from(&outcome.error);
        self.outcome = outcome;
        self
    }
}

fn owned(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Vec<u8>> {
    let pieces = pieces.into_iter();
    pieces.map(|piece| piece.as_ref().to_vec()).collect()
}

/// One body on its way through a plugin.
struct Rewriting<'a> {
    to: &'a mut Rewritten,
    side: Side,
    pieces: Vec<Vec<u8>>,
}

impl<'a> Rewriting<'a> {
    fn new(to: &'a mut Rewritten, side: Side, pieces: Vec<Vec<u8>>) -> Self {
        Self { to, side, pieces }
    }

    /// Asks the plugin, if the host would, and gives it the pieces. What goes on becomes the body of the message.
    fn run<R: Rewriter>(
        mut self,
        begin: impl FnOnce() -> HookResult<Wished>,
        slot: &Slot<R>,
    ) -> HookResult<()> {
        let set_by_a_hook = in_hand::with(|state| match &message(state, self.side).body {
            Body::Kept(bytes) => Some(bytes.clone()),
            Body::Streaming(_) | Body::PassedOn | Body::Broken(_) => None,
        });
        if let Some(bytes) = set_by_a_hook.filter(|bytes| *bytes != self.pieces.concat()) {
            self.pieces = vec![bytes];
        }
        let wished = if self.is_asked() { begin()? } else { None };
        let Some((unit, decoded)) = wished else {
            self.to.sent.clone_from(&self.pieces);
            self.to.by_piece.clone_from(&self.pieces);
            return Ok(());
        };
        in_hand::with(|state| accept(message(state, self.side), decoded))?;
        (self.to.unit, self.to.decoded) = (Some(unit), decoded);
        let ended = self.flow(slot);
        let body = self.to.sent.concat();
        in_hand::with(|state| message(state, self.side).body = Body::Kept(body));
        ended
    }

    /// Whether there is a body that may be rewritten.
    fn is_asked(&self) -> bool {
        match self.side {
            Side::Request => !self.pieces.is_empty(),
            Side::Response => in_hand::with(|state| {
                state.method != "HEAD" && ![204, 206, 304].contains(&state.status)
            }),
        }
    }

    fn flow<R: Rewriter>(&mut self, slot: &Slot<R>) -> HookResult<()> {
        for piece in std::mem::take(&mut self.pieces) {
            let fate = export::piece(slot, &piece);
            let kept = (fate == Ok(Fate::Keep)).then_some(piece);
            self.send(kept);
            if fate? == Fate::Stop {
                self.to.stopped = true;
                return Ok(());
            }
        }
        let ended = export::end(slot);
        self.send(None);
        ended
    }

    /// What was emitted goes on, then the piece.
    fn send(&mut self, kept: Option<Vec<u8>>) {
        let mut sent = in_hand::with(|state| std::mem::take(&mut state.emitted));
        sent.extend(kept);
        self.to.by_piece.push(sent.concat());
        self.to.sent.extend(sent);
    }
}

fn message(state: &mut State, side: Side) -> &mut Message {
    match side {
        Side::Request => &mut state.request,
        Side::Response => &mut state.response,
    }
}

/// What the host does when a plugin wants a body: it must be able to undo the coding, and the head is corrected. From then on nobody
/// can read the body as a whole.
fn accept(message: &mut Message, decoded: bool) -> HookResult<()> {
    for value in message
        .values("content-encoding")
        .iter()
        .filter(|_| decoded)
    {
        for coding in String::from_utf8_lossy(value).split(',').map(str::trim) {
            let is_known = CODINGS
                .iter()
                .any(|known| coding.eq_ignore_ascii_case(known));
            if !is_known && !coding.is_empty() {
                return Err(format!(
                    "the content coding {coding:?} is not supported: gzip, deflate, br and zstd are"
                ));
            }
        }
    }
    message.begin_rewriting();
    message.body = Body::PassedOn;
    Ok(())
}

#[cfg(test)]
mod tests;

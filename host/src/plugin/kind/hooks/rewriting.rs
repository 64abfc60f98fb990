//! A body that a plugin rewrites as it flows.
//!
//! ```text
//! source → decoder → cutter → the guest's `piece` → outbox → encoder → receiver
//! ```
//!
//! All of it runs when the receiver asks for bytes, in its task: a slow receiver slows the source. What is held at once is a chunk
//! of the source, a piece, and what the guest has emitted of it. A guest that emits more than its outbox takes waits on its own
//! stack; its call goes on when the outbox has room.
//!
//! The instance belongs to the body until the body is complete. If the receiver leaves before, the instance is dropped with the body.

mod coder;
mod failure;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use self::coder::Coder;
use self::failure::Failure;
use super::contract::{BodyWish, Fate};
use super::instance::{Instance, LONGEST_CALL, stalled};
use crate::interceptor::{Hook, InterceptError};
use crate::message::pieces::{self, Cutter, Piece, Unit};
use crate::message::trace::Transcriber;
use crate::message::{Body, BodyError, BoxError, Exchange, ExchangeId, RewriteError, Side};
use crate::plugin::host::{Outbox, Sent};
use crate::plugin::wasm::PluginVersion;

/// A call of the guest's, which gives the instance back.
type Call<T> = Pin<Box<dyn Future<Output = (Box<Instance>, Result<T, InterceptError>)> + Send>>;

/// Where an instance comes from.
pub trait Lender: Send + Sync {
    /// Takes back one that has done its part.
    fn take_back(&self, instance: Instance);
}

/// The body that the receiver gets.
pub struct RewrittenBody {
    lender: Arc<dyn Lender>,
    version: Arc<PluginVersion>,
    exchange: ExchangeId,
    transcript: Transcriber,
    side: Side,
    /// None when it has ended, or nothing more of it is wanted.
    source: Option<Body>,
    coder: Option<Box<Coder>>,
    cutter: Cutter,
    unit: Unit,
    /// What stands before a message of gRPC that the guest emits, beside its length.
    flags: u8,
    outbox: Outbox,
    stage: Stage,
    trailers: Option<HeaderMap>,
    /// Ends a call that waits, and not for the receiver.
    patience: Option<Pin<Box<Sleep>>>,
}

enum Stage {
    /// Between two calls.
    Between(Box<Instance>),
    Piece(Call<Fate>, Piece),
    End(Call<()>),
    /// The guest is done; what is left goes on.
    Finishing,
    Done,
}

/// What a step came to.
enum Step {
    Again,
    /// Something else must come first.
    Waiting,
    Complete,
}

impl RewrittenBody {
    /// Of a body that the guest in this instance has wished for.
    ///
    /// # Errors
    /// When the body has codings that can't be undone.
    pub fn new(
        lender: Arc<dyn Lender>,
        version: Arc<PluginVersion>,
        mut instance: Box<Instance>,
        side: Side,
        wish: BodyWish,
        exchange: &mut Exchange,
    ) -> Result<Self, (Box<Instance>, InterceptError)> {
        let coder = match Coder::of(wish, exchange.fields_mut(side)) {
            Ok(coder) => coder,
            Err(error) => return Err((instance, error)),
        };
        let outbox = Outbox::default();
        instance.hold(exchange, outbox.clone());
        let limit = version.limits.piece;
        Ok(Self {
            exchange: exchange.id,
            transcript: Transcriber::new(exchange.trace.clone()),
            side,
            source: Some(std::mem::take(exchange.body_mut(side))),
            coder,
            cutter: Cutter::new(wish.unit, usize::try_from(limit).unwrap_or(usize::MAX)),
            unit: wish.unit,
            flags: 0,
            outbox,
            stage: Stage::Between(instance),
            trailers: None,
            patience: None,
            lender,
            version,
        })
    }

    /// The next bytes or trailers for the receiver. Pending when the source or the guest must bring more first.
    fn advance(&mut self, cx: &mut Context<'_>) -> Result<Poll<Option<Frame<Bytes>>>, Failure> {
        loop {
            if let Some(bytes) = self.output()? {
                return Ok(Poll::Ready(Some(Frame::data(bytes))));
            }
            match self.step(cx)? {
                Step::Again => {}
                Step::Complete => {
                    return Ok(Poll::Ready(self.trailers.take().map(Frame::trailers)));
                }
                Step::Waiting => {
                    // The receiver gets all that there is before it waits.
                    if let Some(coder) = &mut self.coder {
                        coder.encoder.flush();
                    }
                    return Ok(match self.output()? {
                        Some(bytes) => Poll::Ready(Some(Frame::data(bytes))),
                        None => Poll::Pending,
                    });
                }
            }
        }
    }

    /// What can go on now. A guest that emits has not stalled.
    fn output(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(coder) = &mut self.coder
                && let Some(bytes) = coder.encoder.step().map_err(Failure::of_plugin)?
            {
                return Ok(Some(bytes));
            }
            let Some(sent) = self.outbox.take() else {
                return Ok(None);
            };
            self.patience = None;
            if let Sent::Emitted(bytes) = &sent {
                self.transcript.sent(bytes);
            }
            let bytes = match sent {
                Sent::Kept(bytes) => bytes,
                Sent::Emitted(bytes) if self.unit == Unit::Messages => self.framed(&bytes)?,
                Sent::Emitted(bytes) => bytes,
            };
            match &mut self.coder {
                Some(coder) => coder.encoder.push(bytes),
                None => return Ok(Some(bytes)),
            }
        }
    }

    /// A message of gRPC behind its prefix.
    fn framed(&self, message: &[u8]) -> Result<Bytes, Failure> {
        let prefix = pieces::prefix(self.flags, message.len());
        let too_long = || Failure::of_plugin("a message of gRPC can't have 4 GiB");
        let prefix = prefix.ok_or_else(too_long)?;
        Ok([&prefix, message].concat().into())
    }

    /// One step towards more output.
    fn step(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        match &mut self.stage {
            Stage::Between(_) => self.next_call(cx),
            Stage::Piece(call, _) => {
                let Poll::Ready((instance, fate)) = call.as_mut().poll(cx) else {
                    return self.wait(cx);
                };
                let Stage::Piece(_, piece) = std::mem::replace(&mut self.stage, Stage::Done) else {
                    return Ok(Step::Complete);
                };
                let fate = fate?;
                self.transcript.fate(&piece.data(), fate);
                match fate {
                    Fate::Keep => self.outbox.keep(piece.bytes().clone()),
                    Fate::Replace => {}
                    Fate::Stop => {
                        // Its source is told by being dropped.
                        self.source = None;
                        self.give_back(*instance);
                        self.finish();
                        return Ok(Step::Again);
                    }
                }
                self.patience = None;
                self.stage = Stage::Between(instance);
                Ok(Step::Again)
            }
            Stage::End(call) => {
                let Poll::Ready((instance, ended)) = call.as_mut().poll(cx) else {
                    return self.wait(cx);
                };
                self.stage = Stage::Done;
                ended?;
                self.transcript.end();
                self.give_back(*instance);
                self.finish();
                Ok(Step::Again)
            }
            Stage::Finishing => {
                self.transcript.done();
                if let Some(coder) = &mut self.coder {
                    coder.encoder.finish();
                }
                self.stage = Stage::Done;
                Ok(Step::Again)
            }
            Stage::Done => Ok(Step::Complete),
        }
    }

    /// Calls the guest with the next piece, or for the end; else brings more of the source.
    fn next_call(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let piece = self.cutter.next_piece().map_err(Failure::of_plugin)?;
        if let Some(piece) = piece {
            self.take(piece)?;
        } else if self.decode()? {
            // There may be a piece now.
        } else if self.source.is_some() {
            return self.read(cx);
        } else {
            match self.cutter.finish().map_err(Failure::of_plugin)? {
                Some(piece) => self.take(piece)?,
                None => self.call_for_end(),
            }
        }
        Ok(Step::Again)
    }

    /// Brings more of what came, decoded. Whether there was any.
    fn decode(&mut self) -> Result<bool, Failure> {
        let Some(coder) = &mut self.coder else {
            return Ok(false);
        };
        let bytes = coder.decoder.step().map_err(Failure::of_plugin)?;
        let more = bytes.is_some();
        if let Some(bytes) = bytes {
            self.cutter.push(bytes);
        }
        Ok(more)
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let Some(source) = &mut self.source else {
            return Ok(Step::Again);
        };
        let frame = match Pin::new(source).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => return Ok(Step::Waiting),
        };
        let Some(frame) = frame.transpose().map_err(Failure::Source)? else {
            self.source = None;
            if let Some(coder) = &mut self.coder {
                coder.decoder.end();
            }
            return Ok(Step::Again);
        };
        match (frame.into_data(), &mut self.coder) {
            (Ok(data), Some(coder)) => coder.decoder.push(data),
            (Ok(data), None) => self.cutter.push(data),
            (Err(frame), _) => self.trailers = frame.into_trailers().ok(),
        }
        Ok(Step::Again)
    }

    fn take(&mut self, piece: Piece) -> Result<(), Failure> {
        self.transcript.done();
        if !piece.is_for_a_guest() {
            self.outbox.keep(piece.bytes().clone());
            return Ok(());
        }
        if let Some(flags) = piece.flags() {
            self.flags = flags;
            if self.coder.is_some() && flags & 1 != 0 {
                return Err(Failure::of_plugin(
                    "a compressed message of gRPC can't be decoded; delete grpc-accept-encoding in forward-request",
                ));
            }
        }
        let Stage::Between(mut instance) = std::mem::replace(&mut self.stage, Stage::Done) else {
            return Ok(());
        };
        let (version, side, data) = (self.version.clone(), self.side, piece.data());
        let call = Box::pin(async move {
            let fate = instance.piece(side, data, &version).await;
            (instance, fate)
        });
        self.stage = Stage::Piece(call, piece);
        Ok(())
    }

    fn call_for_end(&mut self) {
        self.transcript.done();
        let Stage::Between(mut instance) = std::mem::replace(&mut self.stage, Stage::Done) else {
            return;
        };
        let (version, side) = (self.version.clone(), self.side);
        self.flags = 0;
        self.stage = Stage::End(Box::pin(async move {
            let ended = instance.end_body(side, &version).await;
            (instance, ended)
        }));
    }

    /// The call in hand waits. If that is not for the receiver, it may do so only for so long.
    fn wait(&mut self, cx: &mut Context<'_>) -> Result<Step, Failure> {
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + LONGEST_CALL)));
        match patience.as_mut().poll(cx) {
            Poll::Ready(()) => Err(stalled(LONGEST_CALL).into()),
            Poll::Pending => Ok(Step::Waiting),
        }
    }

    /// The guest has done its part.
    fn finish(&mut self) {
        self.patience = None;
        self.stage = Stage::Finishing;
    }

    fn give_back(&self, mut instance: Instance) {
        instance.release();
        self.lender.take_back(instance);
    }

    /// Ends the body visibly broken. The instance is gone.
    fn fail(&mut self, failure: Failure) -> BoxError {
        (self.stage, self.source) = (Stage::Done, None);
        let error = match failure {
            Failure::Source(error) => return error,
            Failure::Plugin(error) => error,
        };
        let (name, hook) = (self.version.name.clone(), Hook::Body(self.side));
        self.version.count_failure(&Err::<(), _>(error.clone()));
        self.transcript.failed(&error);
        tracing::warn!(exchange = %self.exchange, "plugin {name}: {hook} {error}; the message is cut off");
        Box::new(BodyError::Rewriting(Box::new(RewriteError {
            plugin: name,
            hook: hook.to_string(),
            why: match error {
                InterceptError::Returned(message) => message,
                other => other.to_string(),
            },
        })))
    }
}

impl HttpBody for RewrittenBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.advance(cx) {
            Ok(frame) => frame.map(|frame| frame.map(Ok)),
            Err(failure) => Poll::Ready(Some(Err(self.fail(failure)))),
        }
    }
}

//! Runs a WebSocket from the switch of protocols to its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::codec::Violation;
use super::conversation::Conversation;
use super::pipe::{Item, Pipe, PipeError};
use super::reader::Event;
use super::side::{Read, Side};
use crate::interceptor::Hook;
use crate::message::websocket::{CloseFrame, Peer};
use crate::message::{BoxError, ExchangeId};
use crate::proxy::tunnel::{Opening, silence};

/// How long a peer has to answer a close frame, or to take it.
const CLOSING: Duration = Duration::from_secs(10);

/// Passes the messages of two sides through the interceptors that want them, until both have ended.
///
/// # Errors
/// When a side does not open, breaks the protocol, or is silent for `idle`, and when an interceptor failed.
pub async fn run(
    id: ExchangeId,
    conversation: Conversation,
    client: Opening,
    backend: Opening,
    idle: Duration,
) -> Result<(), BoxError> {
    let mut pipe = Pipe::new(conversation.interceptors);
    let opened = tokio::try_join!(client, backend);
    let result = match opened {
        Ok((client, backend)) => {
            let (agreed, longest) = (conversation.client, pipe.longest(Peer::Client));
            let client = Side::new(Peer::Client, client, agreed, longest);
            let (agreed, longest) = (conversation.backend, pipe.longest(Peer::Backend));
            let backend = Side::new(Peer::Backend, backend, agreed, longest);
            let ends = Ends { client, backend };
            converse(id, ends, &mut pipe, idle).await
        }
        Err(error) => Err(error),
    };
    for (name, error) in pipe.wind_up().await {
        tracing::warn!(exchange = %id, "plugin {name}: {} {error}", Hook::Messages);
    }
    result
}

/// Both sides.
struct Ends {
    client: Side,
    backend: Side,
}

/// Why messages go no further.
enum Stopped {
    Pipe(PipeError),
    Silent,
}

async fn converse(
    id: ExchangeId,
    ends: Ends,
    pipe: &mut Pipe,
    idle: Duration,
) -> Result<(), BoxError> {
    let mut flow = Flow::new(ends);
    let active = AtomicBool::new(true);
    let stopped = {
        let flow = poll_fn(|cx| {
            let polled = flow.poll(pipe, cx);
            if flow.take_active() {
                active.store(true, Ordering::Relaxed);
            }
            polled
        });
        tokio::select! {
            ended = flow => ended,
            () = silence(&active, idle) => Err(Stopped::Silent),
        }
    };
    let Err(stopped) = stopped else {
        return Ok(());
    };
    let (frame, error) = explain(id, stopped, idle);
    flow.abort(&frame);
    let _ = tokio::time::timeout(CLOSING, poll_fn(|cx| flow.poll_abort(cx))).await;
    Err(error.into())
}

/// What the peers are told, and the log.
fn explain(id: ExchangeId, stopped: Stopped, idle: Duration) -> (CloseFrame, String) {
    match stopped {
        Stopped::Silent => {
            let why = format!("nothing was sent for {} s", idle.as_secs_f32());
            (CloseFrame::new(1001, &*why), why)
        }
        Stopped::Pipe(PipeError::Violation(peer, violation)) => {
            let Violation { code, why } = violation;
            let why = format!("from the {peer}: {why}");
            (CloseFrame::new(code, &*why), why)
        }
        Stopped::Pipe(PipeError::Interceptor(name, error)) => {
            let hook = Hook::Messages;
            tracing::warn!(exchange = %id, "plugin {name}: {hook} {error}; the WebSocket is closed with 1011");
            let frame = CloseFrame::new(1011, format!("plugin {name} failed"));
            (frame, format!("plugin {name}: {hook} {error}"))
        }
    }
}

/// Messages on their way.
struct Flow {
    ends: Ends,
    /// What a side sent and the other has no room for.
    held: [Option<Event>; 2],
    /// Ends what lasts too long, since one side was told to close.
    closing: Option<Pin<Box<Sleep>>>,
}

impl Ends {
    fn get(&mut self, peer: Peer) -> &mut Side {
        match peer {
            Peer::Client => &mut self.client,
            Peer::Backend => &mut self.backend,
        }
    }
}

impl Flow {
    fn new(ends: Ends) -> Self {
        Self {
            ends,
            held: [None, None],
            closing: None,
        }
    }

    /// Ready when both sides have ended, or had long enough.
    fn poll(&mut self, pipe: &mut Pipe, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        loop {
            let mut moved = false;
            for peer in Peer::BOTH {
                moved |= self.read(peer, pipe, cx).map_err(Stopped::Pipe)?;
            }
            moved |= pipe.step(cx).map_err(Stopped::Pipe)?;
            for peer in Peer::BOTH {
                moved |= self.write(peer, pipe, cx);
            }
            if self.ends.client.is_done() && self.ends.backend.is_done() {
                return Poll::Ready(Ok(()));
            }
            if !moved {
                break;
            }
        }
        let is_ending = Peer::BOTH
            .iter()
            .any(|peer| self.ends.get(*peer).is_ending());
        if is_ending {
            let closing = self.closing.get_or_insert_with(|| Box::pin(sleep(CLOSING)));
            ready!(closing.as_mut().poll(cx));
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    /// Reads what a side sends, for as long as there is room for it. Whether there was anything.
    fn read(
        &mut self,
        peer: Peer,
        pipe: &mut Pipe,
        cx: &mut Context<'_>,
    ) -> Result<bool, PipeError> {
        if let Some(event) = self.held[peer.index()].take() {
            return Ok(self.pass(peer, event, pipe));
        }
        let side = self.ends.get(peer);
        if side.is_read || !pipe.has_room(peer) {
            return Ok(false);
        }
        match side.poll_read(cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(Read::Event(event))) => Ok(self.pass(peer, event, pipe)),
            Poll::Ready(Ok(Read::End)) => {
                pipe.push(peer, Item::End);
                Ok(true)
            }
            Poll::Ready(Err(violation)) => Err(PipeError::Violation(peer, violation)),
        }
    }

    /// Passes on what a side sent; false if it must wait.
    fn pass(&mut self, peer: Peer, event: Event, pipe: &mut Pipe) -> bool {
        let other = self.ends.get(peer.other());
        match event {
            Event::Message(content) => pipe.push(peer, Item::Message(content)),
            Event::Close(frame) => pipe.push(peer, Item::Close(frame)),
            event @ (Event::Ping(_) | Event::Pong(_)) if !other.has_room() => {
                self.held[peer.index()] = Some(event);
                return false;
            }
            Event::Ping(data) => other.ping(&data),
            Event::Pong(data) => other.pong(&data),
        }
        true
    }

    /// Writes what goes to a side. Whether anything has moved.
    fn write(&mut self, peer: Peer, pipe: &mut Pipe, cx: &mut Context<'_>) -> bool {
        let side = self.ends.get(peer);
        let mut moved = side.write(cx);
        while side.has_room()
            && let Some(item) = pipe.pop(peer)
        {
            match item {
                Item::Message(content) => side.message(&content),
                Item::Close(frame) => side.close(frame.as_ref()),
                Item::End => side.end(),
            }
            moved = true;
            side.write(cx);
        }
        moved
    }

    /// Whether anything has come since this was last asked.
    fn take_active(&mut self) -> bool {
        let active = Peer::BOTH.map(|peer| std::mem::take(&mut self.ends.get(peer).is_active));
        active.contains(&true)
    }

    /// Tells both sides to close, if they weren't told yet, and ends what goes to them.
    fn abort(&mut self, frame: &CloseFrame) {
        for peer in Peer::BOTH {
            let side = self.ends.get(peer);
            side.close(Some(frame));
            side.end();
        }
    }

    /// Ready when both sides have taken that and have ended too.
    fn poll_abort(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ended = Peer::BOTH.map(|peer| {
            let side = self.ends.get(peer);
            side.write(cx);
            side.poll_drain(cx).is_ready() && side.is_written()
        });
        match ended {
            [true, true] => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

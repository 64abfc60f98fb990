//! The interceptors of one WebSocket, with what waits in front of each of them. No I/O but theirs.
//!
//! What a client sends meets them in the order of the chain, what a backend sends in reverse order. An interceptor gets one
//! message at a time, from either side by turns, and only when there is room behind it. So one that keeps or answers each
//! message never waits for a receiver in a call, and the two directions don't wait for each other. One that sends more waits
//! with `send`.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use super::codec::Violation;
use crate::interceptor::{InterceptError, MessageCall, MessageInterceptor};
use crate::message::Fate;
use crate::message::trace::Transcriber;
use crate::message::websocket::{CloseFrame, Content, MessageOutbox, Peer, ROOM, Sent};

/// Bytes that may wait between two interceptors that both wait for each other, which no receiver can end.
const MOST: usize = 16 * ROOM;

/// What goes from one side to the other.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Message(Content),
    /// The last of its direction. None: a close frame that says nothing.
    Close(Option<CloseFrame>),
    /// The direction ends without a close frame.
    End,
}

/// Why the connection can't go on.
#[derive(Debug)]
pub(super) enum PipeError {
    Violation(Peer, Violation),
    /// An interceptor failed, which has this name. It is gone.
    Interceptor(String, InterceptError),
}

pub(super) struct Pipe {
    stages: Vec<Stage>,
    /// What goes to the backend: the first waits in front of the first interceptor, the last one is the way out.
    forward: Vec<Queue>,
    /// What goes to the client: the first is the way out, the last waits in front of the last interceptor.
    back: Vec<Queue>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Takes nothing more.
    is_closed: bool,
}

struct Stage {
    longest: usize,
    outbox: MessageOutbox,
    state: State,
    /// Whose message it gets next, if both sides have one.
    turn: Peer,
    transcript: Transcriber,
}

enum State {
    Resting(Box<dyn MessageInterceptor>),
    Called {
        name: String,
        call: MessageCall,
        sender: Peer,
        content: Content,
    },
    Gone,
}

impl Queue {
    fn push(&mut self, item: Item) {
        if self.is_closed {
            return;
        }
        match &item {
            Item::Message(content) => self.bytes += content.len(),
            Item::Close(_) | Item::End => self.is_closed = true,
        }
        self.items.push_back(item);
    }

    fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        if let Item::Message(content) = &item {
            self.bytes -= content.len();
        }
        Some(item)
    }

    fn has_room(&self) -> bool {
        self.bytes < ROOM
    }

    /// Drops what waits, and takes nothing more.
    fn close(&mut self) {
        self.items.clear();
        (self.bytes, self.is_closed) = (0, true);
    }
}

impl Pipe {
    /// Of interceptors in the order of the chain.
    pub(super) fn new(interceptors: Vec<Box<dyn MessageInterceptor>>) -> Self {
        let queues = || (0..=interceptors.len()).map(|_| Queue::default()).collect();
        let (forward, back) = (queues(), queues());
        let stages = interceptors.into_iter().map(|interceptor| Stage {
            longest: interceptor.longest(),
            outbox: interceptor.outbox(),
            transcript: Transcriber::new(interceptor.trace()),
            state: State::Resting(interceptor),
            turn: Peer::Client,
        });
        Self {
            stages: stages.collect(),
            forward,
            back,
        }
    }

    /// The longest message that whoever meets this peer's messages first takes.
    pub(super) fn longest(&self, sender: Peer) -> usize {
        let first = match sender {
            Peer::Client => self.stages.first(),
            Peer::Backend => self.stages.last(),
        };
        first.map_or(0, |stage| stage.longest)
    }

    /// Whether more of what a peer sends may be put in.
    pub(super) fn has_room(&self, sender: Peer) -> bool {
        match sender {
            Peer::Client => self.forward.first(),
            Peer::Backend => self.back.last(),
        }
        .is_some_and(Queue::has_room)
    }

    /// Puts in what a peer sent.
    pub(super) fn push(&mut self, sender: Peer, item: Item) {
        let queue = match sender {
            Peer::Client => self.forward.first_mut(),
            Peer::Backend => self.back.last_mut(),
        };
        if let Some(queue) = queue {
            queue.push(item);
        }
    }

    /// Takes out what goes to a peer.
    pub(super) fn pop(&mut self, receiver: Peer) -> Option<Item> {
        let queue = match receiver {
            Peer::Client => self.back.first_mut(),
            Peer::Backend => self.forward.last_mut(),
        };
        queue?.pop()
    }

    /// Whether no interceptor is being called.
    pub(super) fn is_at_rest(&self) -> bool {
        let is_called = |stage: &Stage| matches!(stage.state, State::Called { .. });
        !self.stages.iter().any(is_called)
    }

    /// Goes on with each interceptor. Whether anything has moved: then there may be more to do.
    pub(super) fn step(&mut self, cx: &mut Context<'_>) -> Result<bool, PipeError> {
        let mut moved = false;
        for number in 0..self.stages.len() {
            moved |= self.step_stage(number, cx)?;
        }
        Ok(moved)
    }

    fn step_stage(&mut self, number: usize, cx: &mut Context<'_>) -> Result<bool, PipeError> {
        let moved = self.drain(number);
        match &self.stages[number].state {
            State::Resting(_) => Ok(self.give(number)? || moved),
            State::Called { .. } => Ok(self.poll_call(number, cx)? || moved),
            State::Gone => Ok(moved),
        }
    }

    /// Gives an interceptor at rest the next message, if there is room for what comes of it.
    fn give(&mut self, number: usize) -> Result<bool, PipeError> {
        let turn = self.stages[number].turn;
        for sender in [turn, turn.other()] {
            let (before, behind) = self.around(number, sender);
            if !behind.has_room() {
                continue;
            }
            let content = match before.pop() {
                None => continue,
                Some(Item::Message(content)) => content,
                Some(last) => {
                    behind.push(last);
                    return Ok(true);
                }
            };
            let stage = &mut self.stages[number];
            if content.len() > stage.longest {
                let violation = Violation::too_long(stage.longest);
                return Err(PipeError::Violation(sender, violation));
            }
            stage.turn = sender.other();
            let State::Resting(interceptor) = std::mem::replace(&mut stage.state, State::Gone)
            else {
                return Ok(false);
            };
            stage.state = State::Called {
                name: interceptor.name().to_owned(),
                call: interceptor.message(sender, content.clone()),
                sender,
                content,
            };
            return Ok(true);
        }
        Ok(false)
    }

    /// Goes on with a call.
    fn poll_call(&mut self, number: usize, cx: &mut Context<'_>) -> Result<bool, PipeError> {
        let waiting =
            [Peer::Client, Peer::Backend].map(|receiver| self.behind(number, receiver).bytes);
        let is_stuck = self.is_stuck(number);
        let stage = &mut self.stages[number];
        let room = if is_stuck { MOST } else { ROOM };
        stage.outbox.set_waiting(waiting, room);
        let State::Called { name, call, .. } = &mut stage.state else {
            return Ok(false);
        };
        if is_stuck && waiting.iter().any(|bytes| *bytes >= MOST) {
            let why = format!("sent {MOST} bytes to a plugin that sends to it, and neither reads");
            return Err(PipeError::Interceptor(
                std::mem::take(name),
                InterceptError::Trapped(why),
            ));
        }
        let called = match call.as_mut().poll(cx) {
            Poll::Pending => return Ok(self.drain(number)),
            Poll::Ready(called) => called,
        };
        let name = std::mem::take(name);
        let State::Called {
            sender, content, ..
        } = std::mem::replace(&mut stage.state, State::Gone)
        else {
            return Ok(false);
        };
        if let Err(error) = &called {
            stage.transcript.failed(error);
        }
        let (interceptor, fate) = called.map_err(|error| PipeError::Interceptor(name, error))?;
        stage.state = State::Resting(interceptor);
        self.drain(number);
        let (transcript, text) = (&mut self.stages[number].transcript, content.is_text());
        transcript.message(sender, text, content.bytes(), fate);
        transcript.done();
        match fate {
            Fate::Keep => self.around(number, sender).1.push(Item::Message(content)),
            Fate::Replace => {}
            Fate::Stop => self.close(number, &CloseFrame::new(1000, "")),
        }
        Ok(true)
    }

    /// Moves on what an interceptor has sent.
    fn drain(&mut self, number: usize) -> bool {
        let mut moved = false;
        while let Some(sent) = self.stages[number].outbox.take() {
            moved = true;
            match sent {
                Sent::Message { receiver, content } => {
                    self.stages[number].transcript.sent(content.bytes());
                    self.behind_mut(number, receiver)
                        .push(Item::Message(content));
                }
                Sent::Close(frame) => self.close(number, &frame),
            }
        }
        moved
    }

    /// An interceptor closes the connection: it gets nothing more, and what it sent goes before the close frames.
    fn close(&mut self, number: usize, frame: &CloseFrame) {
        for receiver in Peer::BOTH {
            self.behind_mut(number, receiver)
                .push(Item::Close(Some(frame.clone())));
            self.around(number, receiver).0.close();
        }
    }

    /// Whether an interceptor waits for one beside it, which waits for it.
    fn is_stuck(&self, number: usize) -> bool {
        let waits = |number: usize, receiver: Peer| {
            self.stages.get(number).is_some_and(|stage| {
                matches!(stage.state, State::Called { .. })
                    && stage.outbox.is_waiting()
                    && !self.behind(number, receiver).has_room()
            })
        };
        let with_next = waits(number, Peer::Backend) && waits(number + 1, Peer::Client);
        let with_last = number
            .checked_sub(1)
            .is_some_and(|last| waits(number, Peer::Client) && waits(last, Peer::Backend));
        with_next || with_last
    }

    /// What waits in front of an interceptor of what a peer sends, and what is behind it.
    fn around(&mut self, number: usize, sender: Peer) -> (&mut Queue, &mut Queue) {
        let queues = match sender {
            Peer::Client => &mut self.forward,
            Peer::Backend => &mut self.back,
        };
        let (one, two) = queues.split_at_mut(number + 1);
        match sender {
            Peer::Client => (&mut one[number], &mut two[0]),
            Peer::Backend => (&mut two[0], &mut one[number]),
        }
    }

    /// What is between an interceptor and a peer.
    fn behind(&self, number: usize, receiver: Peer) -> &Queue {
        match receiver {
            Peer::Client => &self.back[number],
            Peer::Backend => &self.forward[number + 1],
        }
    }

    fn behind_mut(&mut self, number: usize, receiver: Peer) -> &mut Queue {
        self.around(number, receiver.other()).1
    }

    /// The connection has ended: each that has not failed is told, when the call in hand is over.
    pub(super) async fn wind_up(self) -> Vec<(String, InterceptError)> {
        let mut failed = Vec::new();
        for stage in self.stages {
            stage.outbox.forget();
            let (name, interceptor) = match stage.state {
                State::Gone => continue,
                State::Resting(interceptor) => (interceptor.name().to_owned(), Ok(interceptor)),
                State::Called { name, call, .. } => (name, call.await.map(|called| called.0)),
            };
            let ended = match interceptor {
                Ok(interceptor) => interceptor.closed().await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                failed.push((name, error));
            }
        }
        failed
    }
}

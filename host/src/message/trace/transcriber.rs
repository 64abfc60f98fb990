//! Takes down what becomes of pieces, where they go through a plugin.

use std::time::Duration;

use super::Trace;
use super::pieces::{Part, PieceFate, PieceShot};
use super::times::Outcome;
use crate::message::Fate;
use crate::message::websocket::Peer;

/// For one step. Does nothing unless messages are taken down.
#[derive(Debug)]
pub struct Transcriber {
    trace: Trace,
    is_on: bool,
    /// What the plugin has sent since the last piece was done.
    sent: Vec<Part>,
    /// The last piece, while what was sent for it may still come.
    piece: Option<PieceShot>,
}

impl Transcriber {
    /// For the step that this trace is for.
    pub fn new(trace: Trace) -> Self {
        Self {
            is_on: trace.is_full(),
            trace,
            sent: Vec::new(),
            piece: None,
        }
    }

    /// The plugin has sent this.
    pub fn sent(&mut self, data: &[u8]) {
        if self.is_on {
            self.sent.push(Part::of(data, self.trace.body_limit()));
        }
    }

    /// This has become of a piece. What the plugin sent for it is to be told before the next one is [`done`](Self::done).
    pub fn fate(&mut self, data: &[u8], fate: Fate) {
        self.decided(data, None, false, PieceFate::from(fate));
    }

    /// This has become of a message.
    pub fn message(&mut self, sender: Peer, text: bool, data: &[u8], fate: Fate) {
        self.decided(data, Some(sender), text, PieceFate::from(fate));
    }

    /// The plugin was told that there are no more.
    pub fn end(&mut self) {
        self.decided(&[], None, false, PieceFate::End);
    }

    fn decided(&mut self, data: &[u8], sender: Option<Peer>, text: bool, fate: PieceFate) {
        if self.is_on {
            self.done();
            self.piece = Some(PieceShot {
                at: Duration::ZERO,
                sender,
                text,
                came: Part::of(data, self.trace.body_limit()),
                went: Vec::new(),
                fate,
            });
        }
    }

    /// Nothing more will be sent for the last piece.
    pub fn done(&mut self) {
        if let Some(mut piece) = self.piece.take() {
            piece.went = std::mem::take(&mut self.sent);
            if piece.fate != PieceFate::End || !piece.went.is_empty() {
                self.trace.piece(piece);
            }
        }
    }

    /// The plugin has failed, after it had said that it would do this.
    pub fn failed(&mut self, why: &dyn std::fmt::Display) {
        if self.trace.is_on() {
            self.done();
            self.trace.settle_step(Outcome::Failed(why.to_string()));
        }
    }
}

impl Drop for Transcriber {
    fn drop(&mut self) {
        self.done();
    }
}

impl From<Fate> for PieceFate {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Keep => PieceFate::Keep,
            Fate::Replace => PieceFate::Replace,
            Fate::Stop => PieceFate::Stop,
        }
    }
}

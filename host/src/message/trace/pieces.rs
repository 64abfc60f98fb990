//! What goes through a plugin piece by piece: of a body that it rewrites, or messages of a WebSocket.

use std::time::Duration;

use bytes::Bytes;

use crate::message::websocket::Peer;

/// Pieces of one step that are kept at most; the others are counted.
const MOST: usize = 1000;

/// Bytes of them that are kept at most, as a multiple of what is kept of a body.
const BODIES: usize = 4;

/// What went through one step.
#[derive(Debug, Default)]
pub struct Pieces {
    /// The first of them.
    pub first: Vec<PieceShot>,
    /// How many there were in all.
    pub count: u64,
    bytes: usize,
}

/// A piece, and what became of it.
#[derive(Debug)]
pub struct PieceShot {
    /// When that was known, from the exchange's beginning.
    pub at: Duration,
    /// Of a message: who sent it.
    pub sender: Option<Peer>,
    /// Of a message: whether it is text.
    pub text: bool,
    pub came: Part,
    /// What the plugin sent meanwhile; in its place, if it was replaced.
    pub went: Vec<Part>,
    pub fate: PieceFate,
}

/// The first bytes of a piece.
#[derive(Debug, Default)]
pub struct Part {
    pub kept: Bytes,
    pub length: u64,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceFate {
    Keep,
    Replace,
    Stop,
    /// It stands for what was emitted at the end.
    End,
}

impl Part {
    /// A copy, so that the buffer that it came in can go.
    pub(super) fn of(data: &[u8], limit: usize) -> Self {
        Self {
            kept: Bytes::copy_from_slice(&data[..data.len().min(limit)]),
            length: data.len() as u64,
        }
    }

    /// One of which nothing is kept but its length: the body has it.
    pub(super) fn uncopied(length: usize) -> Self {
        Self {
            kept: Bytes::new(),
            length: length as u64,
        }
    }

    fn shorten(&mut self, room: &mut usize) {
        self.kept.truncate(*room);
        *room -= self.kept.len();
    }
}

impl Pieces {
    /// Bytes of memory that they take, roughly.
    pub(super) fn weight(&self) -> usize {
        self.bytes + self.first.len() * size_of::<PieceShot>()
    }

    pub(super) fn add(&mut self, mut piece: PieceShot, body_limit: usize) {
        self.count += 1;
        let mut room = (BODIES * body_limit).saturating_sub(self.bytes);
        if self.first.len() >= MOST || room == 0 {
            return;
        }
        let before = room;
        piece.came.shorten(&mut room);
        piece
            .went
            .iter_mut()
            .for_each(|part| part.shorten(&mut room));
        self.bytes += before - room;
        self.first.push(piece);
    }
}

//! What was read of a body on its way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

/// Shared by who reads the body and who takes it down.
#[derive(Debug)]
pub struct Tapped {
    limit: usize,
    taken: Mutex<Taking>,
}

/// A body as far as it was read.
#[derive(Debug, Default, Clone)]
pub struct Taken {
    /// The first bytes.
    pub kept: Bytes,
    /// How many there were.
    pub length: u64,
    /// Whether it was read to its end.
    pub complete: bool,
    pub trailers: Option<Box<HeaderMap>>,
}

/// The same while it is read.
#[derive(Debug, Default)]
struct Taking {
    kept: Vec<u8>,
    length: u64,
    complete: bool,
    trailers: Option<Box<HeaderMap>>,
}

impl Tapped {
    /// Keeps so many of the first bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            taken: Mutex::default(),
        }
    }

    /// What there was so far. The bytes and trailers of it are given once.
    pub fn take(&self) -> Taken {
        let mut taken = self.taken();
        Taken {
            kept: std::mem::take(&mut taken.kept).into(),
            length: taken.length,
            complete: taken.complete,
            trailers: taken.trailers.take(),
        }
    }

    /// How many bytes there were so far, and how many of them are kept.
    pub fn lengths(&self) -> (u64, usize) {
        let taken = self.taken();
        (taken.length, taken.kept.len())
    }

    fn taken(&self) -> MutexGuard<'_, Taking> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame was read; none at the end.
    pub fn add(&self, frame: Option<&Frame<Bytes>>) {
        let mut taken = self.taken();
        let Some(frame) = frame else {
            taken.complete = true;
            return;
        };
        if let Some(data) = frame.data_ref() {
            taken.length += data.len() as u64;
            let room = self.limit - taken.kept.len();
            taken.kept.extend_from_slice(&data[..data.len().min(room)]);
        } else if self.limit > 0 {
            taken.trailers = frame.trailers_ref().cloned().map(Box::new);
        }
    }

    /// The body has been read to its end.
    pub fn complete(&self) {
        self.taken().complete = true;
    }
}

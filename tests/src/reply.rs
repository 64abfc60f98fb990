//! What an origin answers, step by step, with gates that a test opens when it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// What to answer, step by step.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub(crate) steps: Vec<Step>,
    pub(crate) unread: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Bytes(Vec<u8>),
    /// So many bytes of no meaning.
    Fill(usize),
    Wait(Gate),
    Close,
}

/// A 200 with this body.
pub fn text(body: &str) -> Reply {
    raw(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// These bytes, whatever they are.
pub fn raw(bytes: impl AsRef<[u8]>) -> Reply {
    Reply::default().then(bytes)
}

impl Reply {
    /// Then these bytes.
    #[must_use]
    pub fn then(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Bytes(bytes.as_ref().to_vec()));
        self
    }

    /// Then so many bytes.
    #[must_use]
    pub fn then_fill(mut self, count: usize) -> Self {
        self.steps.push(Step::Fill(count));
        self
    }

    /// Then nothing until the gate opens.
    #[must_use]
    pub fn wait(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Waits before it says anything.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.steps.insert(0, Step::Wait(gate.clone()));
        self
    }

    /// Then closes the connection.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.steps.push(Step::Close);
        self
    }

    /// Answers as soon as the head is there, without a look at the body.
    #[must_use]
    pub fn without_reading(mut self) -> Self {
        self.unread = true;
        self
    }
}

/// Holds replies back until it is opened.
#[derive(Debug, Clone)]
pub struct Gate {
    open: watch::Sender<bool>,
    reached: Arc<AtomicUsize>,
}

impl Gate {
    pub fn new() -> Self {
        Self {
            open: watch::Sender::new(false),
            reached: Arc::default(),
        }
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// How many have come to it.
    pub fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    pub(crate) async fn pass(&self) {
        self.reached.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

//! The handle of a guest's task, for those who use what the guest makes.

use tokio::task::JoinHandle;

/// A guest at work. Dropped before its answer has come, it is stopped at once.
#[derive(Debug)]
pub struct GuestTask(Option<JoinHandle<()>>);

impl GuestTask {
    pub fn new(handle: JoinHandle<()>) -> Self {
        Self(Some(handle))
    }

    /// One that is over.
    #[cfg(test)]
    pub fn ended() -> Self {
        Self(None)
    }

    /// Lets it come to its own end.
    pub fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for GuestTask {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}

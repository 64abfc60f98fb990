//! Where a plugin that rewrites a body puts what goes on in its place.

use bytes::Bytes;

use super::state::HooksState;

impl HooksState {
    /// Sends bytes on. Waits while too many of those before them have not gone on.
    ///
    /// # Errors
    /// A trap, outside of the functions of a body.
    pub async fn emit(&mut self, data: Bytes) -> wasmtime::Result<()> {
        let Some(outbox) = self.outbox.clone() else {
            wasmtime::bail!(
                "body-sink.emit was called where there is no body: only `piece` and `end` of request-body and response-body may"
            );
        };
        outbox.room().await;
        outbox.emit(data);
        Ok(())
    }
}

//! What a plugin sends to the peers of a WebSocket.

use super::state::HooksState;
use crate::message::websocket::{CloseFrame, Content, MessageOutbox, Peer};

/// Bytes that the reason in a close frame may have (RFC 6455, section 5.5).
const MOST_REASON: usize = 123;

impl HooksState {
    /// Sends a message to a peer. Waits while too much of what was sent before has not gone on.
    ///
    /// # Errors
    /// A trap, outside of the functions for messages.
    pub async fn send_message(&mut self, receiver: Peer, content: Content) -> wasmtime::Result<()> {
        let outbox = self.websocket("send")?;
        outbox.room(receiver).await;
        outbox.send(receiver, content);
        Ok(())
    }

    /// Closes the connection with both peers.
    ///
    /// # Errors
    /// A trap, outside of the functions for messages, and for what a close frame can't say.
    pub fn close_websocket(&mut self, code: u16, reason: &str) -> wasmtime::Result<()> {
        let outbox = self.websocket("close")?;
        if !CloseFrame::may_have(code) {
            wasmtime::bail!("websocket.close was called with {code}, which no peer may send");
        }
        if reason.len() > MOST_REASON {
            wasmtime::bail!(
                "websocket.close was called with a reason of {} bytes; it has {MOST_REASON} at most",
                reason.len()
            );
        }
        outbox.close(CloseFrame::new(code, reason));
        Ok(())
    }

    fn websocket(&self, function: &str) -> wasmtime::Result<MessageOutbox> {
        let Some(outbox) = self.messages.clone() else {
            wasmtime::bail!(
                "websocket.{function} was called where there is no WebSocket: only the functions of websocket-messages may"
            );
        };
        Ok(outbox)
    }
}

//! The way from the contract's exports for WebSockets to the traits' methods. The functions are the same in a native test.

use super::bodies::Slot;
use super::loaded::{HookResult, Loaded, line, loaded};
use crate::websocket::{Connection, Message, Peer, Peers, WebSocket};
use crate::{Fate, Request, Response};

/// Asks whether the plugin wants the messages of this WebSocket.
pub fn opened<P: WebSocket>(
    plugin: &Loaded<P>,
    slot: &Slot<<P as WebSocket>::Connection>,
) -> HookResult<bool> {
    slot.take();
    let wanted = line(loaded(plugin)?.websocket(&Request::in_hand(), &Response::in_hand()))?;
    let Some(mut connection) = wanted else {
        return Ok(false);
    };
    line(connection.opened(&mut Peers::in_hand()))?;
    slot.replace(Some(connection));
    Ok(true)
}

/// Gives a message to the connection.
pub fn message<C: Connection>(slot: &Slot<C>, sender: Peer, message: Message) -> HookResult<Fate> {
    match &mut *slot.borrow_mut() {
        Some(connection) => line(connection.message(sender, message, &mut Peers::in_hand())),
        None => Err(NOT_OPEN.into()),
    }
}

/// The connection has ended.
pub fn closed<C: Connection>(slot: &Slot<C>) -> HookResult<()> {
    match slot.take() {
        Some(mut connection) => line(connection.closed()),
        None => Err(NOT_OPEN.into()),
    }
}

const NOT_OPEN: &str = "the host gave a message of a WebSocket that had not been opened";

#[cfg(target_family = "wasm")]
mod wit {
    use super::{Message, Peer};
    use crate::bindings::tollgate::proxy::types;

    pub use types::{WsContent, WsPeer};

    /// From the contract.
    pub fn of_wit_peer(peer: WsPeer) -> Peer {
        match peer {
            WsPeer::Client => Peer::Client,
            WsPeer::Backend => Peer::Backend,
        }
    }

    /// From the contract.
    pub fn of_wit_content(content: WsContent) -> Message {
        match content {
            WsContent::Text(text) => Message::Text(text),
            WsContent::Binary(bytes) => Message::Binary(bytes),
        }
    }
}
#[cfg(target_family = "wasm")]
pub use wit::{WsContent, WsPeer, of_wit_content, of_wit_peer};

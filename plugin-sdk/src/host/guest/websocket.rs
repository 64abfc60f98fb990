//! What a plugin sends to the peers of a WebSocket.

use crate::bindings::tollgate::proxy::types::{WsContent, WsPeer};
use crate::bindings::tollgate::proxy::websocket;
use crate::peer::{Message, Peer};

pub(crate) fn send_message(receiver: Peer, message: Message) {
    let receiver = match receiver {
        Peer::Client => WsPeer::Client,
        Peer::Backend => WsPeer::Backend,
    };
    let content = match message {
        Message::Text(text) => WsContent::Text(text),
        Message::Binary(bytes) => WsContent::Binary(bytes),
    };
    websocket::send(receiver, &content);
}

pub(crate) use websocket::close as close_websocket;

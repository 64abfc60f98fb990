//! What a plugin sends to the peers of a WebSocket.

use crate::in_hand::with;
use crate::peer::{Message, Peer};

pub(crate) fn send_message(receiver: Peer, message: Message) {
    with(|state| {
        if state.websocket.closed.is_none() {
            state.websocket.messages.push((receiver, message));
        }
    });
}

pub(crate) fn close_websocket(code: u16, reason: &str) {
    let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    assert!(
        may_be_sent && reason.len() <= 123,
        "this traps: {code} {reason:?}"
    );
    with(|state| {
        state
            .websocket
            .closed
            .get_or_insert((code, reason.to_owned()));
    });
}

//! What a plugin has sent to the peers of a WebSocket.

use crate::peer::{Message, Peer};

/// Since it was last taken out.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentMessages {
    pub(crate) messages: Vec<(Peer, Message)>,
    pub(crate) closed: Option<(u16, String)>,
}

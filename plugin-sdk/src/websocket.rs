//! The messages of WebSockets.

use alloc::boxed::Box;

pub use crate::peer::{Message, Peer};
use crate::{Fate, Plugin, Request, Response, Result, host};

/// Getting the messages of WebSockets. Export it with `export!(MyPlugin, WebSocket)`.
///
/// An instance of the plugin belongs to one connection from its beginning to its end.
///
/// ```
/// use tollgate_plugin::websocket::{Message, Peer, Peers};
/// use tollgate_plugin::{Connection, Fate, Plugin, Request, Response, Result, WebSocket, testing};
///
/// /// Answers pings of the application by itself, and counts messages.
/// #[derive(serde::Deserialize)]
/// struct Pong;
///
/// impl Plugin for Pong {}
///
/// impl WebSocket for Pong {
///     type Connection = Counted;
///
///     fn websocket(&self, request: &Request, _: &Response) -> Result<Option<Counted>> {
///         Ok(request.path().starts_with("/chat").then(Counted::default))
///     }
/// }
///
/// #[derive(Default)]
/// struct Counted {
///     messages: u32,
/// }
///
/// impl Connection for Counted {
///     fn message(&mut self, sender: Peer, message: Message, peers: &mut Peers) -> Result<Fate> {
///         self.messages += 1;
///         if message == "ping" {
///             peers.send(sender, format!("pong {}", self.messages));
///             return Ok(Fate::Replace);
///         }
///         Ok(Fate::Keep)
///     }
/// }
///
/// tollgate_plugin::export!(Pong, WebSocket);
///
/// let chat = testing::exchange().target("/chat");
/// let seen = chat.websocket::<Pong>([(Peer::Client, "hello"), (Peer::Client, "ping")]);
/// assert_eq!(seen.to(Peer::Backend), ["hello"]);
/// assert_eq!(seen.to(Peer::Client), ["pong 2"]);
/// ```
pub trait WebSocket: Plugin {
    /// What gets the messages of one connection.
    type Connection: Connection;

    /// Called when the backend has accepted a WebSocket, before its response is sent to the client. `None` leaves the connection alone,
    /// at no further cost.
    ///
    /// # Errors
    /// The connection is not open yet: the plugin's `on-failure` decides what the client gets.
    fn websocket(&self, request: &Request, response: &Response)
    -> Result<Option<Self::Connection>>;
}

/// Gets the messages of one connection: a value that lives as long as the connection.
///
/// If a method fails or panics, the connection is closed with the code 1011.
pub trait Connection: 'static {
    /// Called once, before the first message. What it sends is sent as soon as the connection is open. Does nothing by default.
    ///
    /// # Errors
    /// As for [`WebSocket::websocket`].
    fn opened(&mut self, peers: &mut Peers) -> Result<()> {
        let _ = peers;
        Ok(())
    }

    /// Called for each message, whole and decompressed. [`Fate::Keep`]: it goes on. [`Fate::Replace`]: it does not. [`Fate::Stop`]: it
    /// does not, and the connection is closed with 1000 unless [`Peers::close`] was called.
    ///
    /// # Errors
    /// Closes the connection with 1011. The host logs the text.
    fn message(&mut self, sender: Peer, message: Message, peers: &mut Peers) -> Result<Fate>;

    /// Called when the connection has ended, unless a method failed before. Does nothing by default.
    ///
    /// # Errors
    /// The host logs the text.
    fn closed(&mut self) -> Result<()> {
        Ok(())
    }
}

/// So that a plugin can choose between several: `type Connection = Box<dyn Connection>`.
impl<C: Connection + ?Sized> Connection for Box<C> {
    fn opened(&mut self, peers: &mut Peers) -> Result<()> {
        (**self).opened(peers)
    }

    fn message(&mut self, sender: Peer, message: Message, peers: &mut Peers) -> Result<Fate> {
        (**self).message(sender, message, peers)
    }

    fn closed(&mut self) -> Result<()> {
        (**self).closed()
    }
}

/// Both ends of the connection in hand, for what a [`Connection`] sends.
#[derive(Debug)]
pub struct Peers(());

impl Peers {
    pub(crate) fn in_hand() -> Self {
        Self(())
    }

    /// Sends a message to a peer, through the plugins that are between. It waits while 64 KiB wait for the peer, so a slow one holds the
    /// plugin up and no memory fills.
    pub fn send(&mut self, receiver: Peer, message: impl Into<Message>) {
        host::send_message(receiver, message.into());
    }

    /// Closes the connection with both peers, behind what was sent before. `code` is 1000 to 1003, 1007 to 1014, or 3000 to 4999, and
    /// `reason` has 123 bytes at most; anything else traps.
    pub fn close(&mut self, code: u16, reason: &str) {
        host::close_websocket(code, reason);
    }
}

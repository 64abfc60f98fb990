//! Gives a plugin the messages of a WebSocket natively, as the host does.

use super::Exchange;
use super::outcome::Outcome;
use crate::export::{self, HookResult, Slot};
use crate::in_hand;
use crate::websocket::{Message, Peer, WebSocket};
use crate::{Answer, Fate};

/// What became of a WebSocket.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    /// Whether the plugin wanted the messages.
    pub opened: bool,
    /// What went on, with its receiver, in the order in which it did.
    pub sent: Vec<(Peer, Message)>,
    /// How the plugin closed the connection; the messages after that were not given.
    pub closed: Option<(u16, String)>,
    /// Why a hook or the connection failed. If `opened` is set, the connection was closed with 1011.
    pub error: Option<String>,
    /// All else: the heads, the log, the metrics.
    pub outcome: Outcome,
}

impl Conversation {
    /// What this peer got.
    pub fn to(&self, receiver: Peer) -> Vec<Message> {
        let to_it = self.sent.iter().filter(|(peer, _)| *peer == receiver);
        to_it.map(|(_, message)| message.clone()).collect()
    }
}

impl Exchange {
    /// Runs the hooks for a WebSocket that the backend accepts (with 101, or with the answer of
    /// [`backend_response`](Self::backend_response)), and gives the plugin these messages, each with its sender.
    pub fn websocket<P: WebSocket>(
        self,
        messages: impl IntoIterator<Item = (Peer, impl Into<Message>)>,
    ) -> Conversation {
        let mut seen = Conversation::default();
        let backend = Some(self.backend.unwrap_or_else(|| Answer::new(101)));
        let outcome = Self { backend, ..self }.run_with(
            export::load_with_more::<P>,
            |_| {},
            |ran| {
                let slot = Slot::new(None);
                let opened = export::opened(ran.plugin, &slot);
                seen.take_sent();
                ran.error = match opened {
                    Ok(true) => {
                        seen.opened = true;
                        let messages = messages.into_iter();
                        let messages = messages.map(|(peer, message)| (peer, message.into()));
                        seen.converse::<P>(&slot, messages).err()
                    }
                    Ok(false) => {
                        let all = messages.into_iter();
                        let kept = all.map(|(peer, message)| (peer.other(), message.into()));
                        seen.sent.extend(kept);
                        None
                    }
                    Err(error) => Some(error),
                };
            },
        );
        seen.error.clone_from(&outcome.error);
        seen.outcome = outcome;
        seen
    }
}

impl Conversation {
    fn converse<P: WebSocket>(
        &mut self,
        slot: &Slot<<P as WebSocket>::Connection>,
        messages: impl Iterator<Item = (Peer, Message)>,
    ) -> HookResult<()> {
        for (sender, message) in messages {
            if self.closed.is_some() {
                break;
            }
            let fate = export::message(slot, sender, message.clone());
            self.take_sent();
            match fate? {
                Fate::Keep if self.closed.is_none() => self.sent.push((sender.other(), message)),
                Fate::Keep | Fate::Replace => {}
                Fate::Stop => {
                    self.closed.get_or_insert((1000, String::new()));
                }
            }
        }
        let ended = export::closed(slot);
        // What is sent now goes nowhere.
        in_hand::with(|state| std::mem::take(&mut state.websocket));
        ended
    }

    fn take_sent(&mut self) {
        let sent = in_hand::with(|state| std::mem::take(&mut state.websocket));
        self.sent.extend(sent.messages);
        if self.closed.is_none() {
            self.closed = sent.closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::websocket::{Connection, Message, Peer, Peers, WebSocket};
    use crate::{Fate, Plugin, Request, Response, Result, testing};

    #[derive(serde::Deserialize)]
    struct Obeys {
        #[serde(default)]
        leaves: bool,
    }

    impl Plugin for Obeys {}

    impl WebSocket for Obeys {
        type Connection = Box<dyn Connection>;

        fn websocket(&self, _: &Request, _: &Response) -> Result<Option<Box<dyn Connection>>> {
            Ok((!self.leaves).then(|| Box::new(Obeying(0)) as Box<dyn Connection>))
        }
    }

    crate::export!(Obeys, WebSocket);

    struct Obeying(u32);

    impl Connection for Obeying {
        fn opened(&mut self, peers: &mut Peers) -> Result<()> {
            peers.send(Peer::Client, "welcome");
            Ok(())
        }

        fn message(&mut self, sender: Peer, message: Message, peers: &mut Peers) -> Result<Fate> {
            self.0 += 1;
            match message.text() {
                Some("drop") => Ok(Fate::Replace),
                Some("count") => {
                    peers.send(sender, vec![self.0 as u8]);
                    Ok(Fate::Replace)
                }
                Some("stop") => Ok(Fate::Stop),
                Some("close") => {
                    peers.close(4000, "bye");
                    peers.send(sender, "never");
                    Ok(Fate::Keep)
                }
                Some("fail") => Err(crate::Error::new("no")),
                _ => Ok(Fate::Keep),
            }
        }

        fn closed(&mut self) -> Result<()> {
            crate::info!("closed after {}", self.0);
            Ok(())
        }
    }

    #[test]
    fn messages_go_where_they_are_sent() {
        let seen = testing::exchange().websocket::<Obeys>([
            (Peer::Client, "one"),
            (Peer::Backend, "count"),
            (Peer::Backend, "drop"),
            (Peer::Backend, "two"),
        ]);
        assert!(seen.opened && seen.closed.is_none() && seen.error.is_none());
        assert_eq!(
            seen.to(Peer::Backend),
            [Message::from("one"), vec![2].into()]
        );
        assert_eq!(seen.to(Peer::Client), ["welcome", "two"]);
        assert_eq!(seen.outcome.log[0].1, "closed after 4");
        assert_eq!(seen.outcome.response.status, 101);
    }

    #[test]
    fn nothing_follows_the_end() {
        for (order, expected) in [("stop", (1000, "")), ("close", (4000, "bye"))] {
            let seen = testing::exchange()
                .websocket::<Obeys>([(Peer::Client, order), (Peer::Client, "never")]);
            let expected = (expected.0, expected.1.to_owned());
            assert_eq!(seen.closed, Some(expected));
            assert_eq!(seen.sent.len(), 1, "{:?}", seen.sent);
        }
        let seen = testing::exchange()
            .websocket::<Obeys>([(Peer::Client, "fail"), (Peer::Client, "never")]);
        assert_eq!(seen.error.as_deref(), Some("no"));
        assert!(seen.opened && seen.to(Peer::Backend).is_empty());
    }

    #[test]
    fn one_that_is_left_alone_is_copied() {
        let left = testing::exchange().setting("leaves", "true");
        let seen = left.websocket::<Obeys>([(Peer::Client, "drop")]);
        assert!(!seen.opened);
        assert_eq!(seen.to(Peer::Backend), ["drop"]);
    }
}

//! The calls for a WebSocket. The instance belongs to it from the first to the last of them.

use super::{Instance, within_trial};
use crate::interceptor::{InterceptError, Outcome};
use crate::message::websocket::{Content, MessageOutbox, Peer};
use crate::message::{Exchange, Fate};
use crate::plugin::host::CallPace;
use crate::plugin::wasm::PluginVersion;

impl Instance {
    /// Asks whether it wants the messages of the WebSocket that this exchange opens. What it sends, now and later, goes to the
    /// outbox. If it wants them, its later calls see the heads as they are now.
    pub async fn opened(
        &mut self,
        mut exchange: Box<Exchange>,
        outbox: MessageOutbox,
        version: &PluginVersion,
    ) -> Outcome<bool> {
        self.begin(&mut exchange, CallPace::Yielding);
        self.store.data_mut().messages = Some(outbox);
        let run = self.hooks.opened(&mut self.store);
        let called = Self::bounded(&mut self.trial, run).await;
        let wants = self.end(called, &mut exchange, version);
        match wants {
            Ok(true) => *self.store.data_mut().exchange = exchange.without_bodies(),
            _ => self.release(),
        }
        (exchange, wants)
    }

    /// Gives it a message. Waits for as long as it does: whoever polls this knows whom it waits for.
    pub async fn message(
        &mut self,
        sender: Peer,
        content: Content,
        version: &PluginVersion,
    ) -> Result<Fate, InterceptError> {
        self.begin_held();
        let called = self.hooks.message(&mut self.store, sender, content).await;
        self.end_held(Some(called), version)
    }

    /// Tells it that the connection has ended.
    pub async fn closed(&mut self, version: &PluginVersion) -> Result<(), InterceptError> {
        self.begin_held();
        let run = self.hooks.closed(&mut self.store);
        let called = Self::bounded(&mut self.trial, run).await;
        self.end_held(called, version)
    }

    /// Opens and closes a WebSocket in a trial. An error that the plugin returns is no failure: the exchange is made up.
    pub async fn try_websocket(
        &mut self,
        exchange: Box<Exchange>,
        version: &PluginVersion,
    ) -> Outcome<()> {
        let opened = self.opened(exchange, MessageOutbox::nowhere(), version);
        let (exchange, wants) = opened.await;
        let closed = match wants {
            Ok(true) => {
                let closed = self.closed(version).await;
                self.release();
                closed
            }
            other => other.map(|_| ()),
        };
        (exchange, within_trial(closed))
    }
}

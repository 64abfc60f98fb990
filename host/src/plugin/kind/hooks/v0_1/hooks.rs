//! What the host calls of an instance, as functions with the types of this version.

use bytes::Bytes;
use wasmtime::{Store, bail};

use super::bindings::exports::tollgate::proxy::interceptor as generated;
use super::bindings::tollgate::proxy::types;
use super::convert;
use super::messages;
use crate::interceptor::{Hook, Verdict};
use crate::message::Side;
use crate::message::websocket::{Content, Peer};
use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::contract::{BodyCalled, BodyWish, Called, Fate, Hooks};
use crate::plugin::kind::hooks::exported::{Entrance, Exported};

pub struct Functions {
    forward_request: Exported<(), Result<generated::Verdict, String>>,
    return_response: Exported<(), Result<(), String>>,
    start: Option<Exported<(), Result<(), String>>>,
    request_body: Option<BodyFunctions>,
    response_body: Option<BodyFunctions>,
    tick: Option<Exported<(), Result<(), String>>>,
    messages: Option<MessageFunctions>,
}

/// Of the interface that gets the messages of a WebSocket.
struct MessageFunctions {
    opened: Exported<(), Result<bool, String>>,
    message: Exported<(types::WsPeer, types::WsContent), Result<types::Fate, String>>,
    closed: Exported<(), Result<(), String>>,
}

/// Of an interface that rewrites a body.
struct BodyFunctions {
    begin: Exported<(), Result<Option<types::BodyWish>, String>>,
    piece: Exported<(Vec<u8>,), Result<types::Fate, String>>,
    end: Exported<(), Result<(), String>>,
}

impl Functions {
    pub fn find(mut entrance: Entrance<'_>) -> wasmtime::Result<Self> {
        Ok(Self {
            forward_request: entrance.hook(0)?,
            return_response: entrance.hook(1)?,
            start: entrance.function(1, 0)?,
            request_body: BodyFunctions::find(&mut entrance, 2)?,
            response_body: BodyFunctions::find(&mut entrance, 3)?,
            tick: entrance.function(4, 0)?,
            messages: MessageFunctions::find(&mut entrance, 5)?,
        })
    }

    fn of_messages(&self) -> wasmtime::Result<&MessageFunctions> {
        match &self.messages {
            Some(functions) => Ok(functions),
            None => bail!("it gets no messages"),
        }
    }

    fn of_body(&self, side: Side) -> wasmtime::Result<&BodyFunctions> {
        let functions = match side {
            Side::Request => &self.request_body,
            Side::Response => &self.response_body,
        };
        match functions {
            Some(functions) => Ok(functions),
            None => bail!("it does not rewrite this body"),
        }
    }
}

impl BodyFunctions {
    fn find(entrance: &mut Entrance<'_>, interface: usize) -> wasmtime::Result<Option<Self>> {
        let functions = (
            entrance.function(interface, 0)?,
            entrance.function(interface, 1)?,
            entrance.function(interface, 2)?,
        );
        Ok(match functions {
            (Some(begin), Some(piece), Some(end)) => Some(Self { begin, piece, end }),
            _ => None,
        })
    }
}

impl MessageFunctions {
    fn find(entrance: &mut Entrance<'_>, interface: usize) -> wasmtime::Result<Option<Self>> {
        let functions = (
            entrance.function(interface, 0)?,
            entrance.function(interface, 1)?,
            entrance.function(interface, 2)?,
        );
        Ok(match functions {
            (Some(opened), Some(message), Some(closed)) => Some(Self {
                opened,
                message,
                closed,
            }),
            _ => None,
        })
    }
}

#[async_trait::async_trait]
impl Hooks for Functions {
    fn run_straight(&self, store: &mut Store<HooksState>, hook: Hook) -> Called {
        Ok(match hook {
            Hook::ForwardRequest => {
                let result = self.forward_request.call(store, ())?;
                result.map(convert::verdict)
            }
            Hook::ReturnResponse => {
                let result = self.return_response.call(store, ())?;
                result.map(|()| Verdict::Forward)
            }
            Hook::Handle | Hook::Body(_) | Hook::Messages => Ok(Verdict::Forward),
        })
    }

    async fn run_yielding(&self, store: &mut Store<HooksState>, hook: Hook) -> Called {
        Ok(match hook {
            Hook::ForwardRequest => {
                let result = self.forward_request.call_async(store, ()).await?;
                result.map(convert::verdict)
            }
            Hook::ReturnResponse => {
                let result = self.return_response.call_async(store, ()).await?;
                result.map(|()| Verdict::Forward)
            }
            Hook::Handle | Hook::Body(_) | Hook::Messages => Ok(Verdict::Forward),
        })
    }

    fn has_start(&self) -> bool {
        self.start.is_some()
    }

    async fn start(&self, store: &mut Store<HooksState>) -> wasmtime::Result<Result<(), String>> {
        match &self.start {
            Some(start) => start.call_async(store, ()).await,
            None => Ok(Ok(())),
        }
    }

    async fn tick(&self, store: &mut Store<HooksState>) -> wasmtime::Result<Result<(), String>> {
        match &self.tick {
            Some(tick) => tick.call_async(store, ()).await,
            None => bail!("it has no background work"),
        }
    }

    async fn begin_body(
        &self,
        store: &mut Store<HooksState>,
        side: Side,
    ) -> BodyCalled<Option<BodyWish>> {
        let begun = self.of_body(side)?.begin.call_async(store, ()).await?;
        Ok(begun.map(|wish| wish.map(convert::body_wish)))
    }

    async fn piece(
        &self,
        store: &mut Store<HooksState>,
        side: Side,
        data: Bytes,
    ) -> BodyCalled<Fate> {
        let piece = &self.of_body(side)?.piece;
        let fate = piece.call_async(store, (data.to_vec(),)).await?;
        Ok(fate.map(convert::fate))
    }

    async fn end_body(&self, store: &mut Store<HooksState>, side: Side) -> BodyCalled<()> {
        self.of_body(side)?.end.call_async(store, ()).await
    }

    async fn opened(&self, store: &mut Store<HooksState>) -> BodyCalled<bool> {
        self.of_messages()?.opened.call_async(store, ()).await
    }

    async fn message(
        &self,
        store: &mut Store<HooksState>,
        sender: Peer,
        content: Content,
    ) -> BodyCalled<Fate> {
        let message = &self.of_messages()?.message;
        let params = (messages::ws_peer(sender), messages::ws_content(content));
        let fate = message.call_async(store, params).await?;
        Ok(fate.map(convert::fate))
    }

    async fn closed(&self, store: &mut Store<HooksState>) -> BodyCalled<()> {
        self.of_messages()?.closed.call_async(store, ()).await
    }
}

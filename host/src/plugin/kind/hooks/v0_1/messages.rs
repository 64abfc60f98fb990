//! Messages of WebSockets in the types of this version, and `websocket` for components and for core modules.

use super::bindings::tollgate::proxy::types::{WsContent, WsPeer};
use super::bindings::tollgate::proxy::websocket;
use crate::message::websocket::{Content, Peer};
use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::abi::{InterfaceFunctions, variant};

variant!(WsPeer { 0 Client, 1 Backend });
variant!(WsContent { 0 Text(String), 1 Binary(Vec<u8>) });

impl websocket::Host for HooksState {
    async fn send(&mut self, receiver: WsPeer, content: WsContent) -> wasmtime::Result<()> {
        self.send_message(peer(receiver), of_guest(content)).await
    }

    fn close(&mut self, code: u16, reason: String) -> wasmtime::Result<()> {
        self.close_websocket(code, &reason)
    }
}

pub fn add_websocket(functions: &mut InterfaceFunctions<'_>) {
    functions
        .waiting::<(WsPeer, WsContent), ()>("send", |state, (receiver, content)| {
            Box::pin(state.send_message(peer(receiver), of_guest(content)))
        })
        .function::<(u16, &str), ()>("close", |state, (code, reason)| {
            state.close_websocket(code, reason)
        });
}

pub fn ws_peer(peer: Peer) -> WsPeer {
    match peer {
        Peer::Client => WsPeer::Client,
        Peer::Backend => WsPeer::Backend,
    }
}

pub fn ws_content(content: Content) -> WsContent {
    match content {
        Content::Text(text) => WsContent::Text(text),
        Content::Binary(bytes) => WsContent::Binary(bytes),
    }
}

fn peer(peer: WsPeer) -> Peer {
    match peer {
        WsPeer::Client => Peer::Client,
        WsPeer::Backend => Peer::Backend,
    }
}

fn of_guest(content: WsContent) -> Content {
    match content {
        WsContent::Text(text) => Content::Text(text),
        WsContent::Binary(bytes) => Content::Binary(bytes),
    }
}

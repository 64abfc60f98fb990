//! The two hooks of the made-up version: other names, a parameter, other results.

use bytes::Bytes;
use wasmtime::Store;

use super::bindings::exports::tollgate::proxy::interceptor::{Decision, Edit};
use crate::interceptor::{Hook, Verdict};
use crate::message::Side;
use crate::message::websocket::{Content, Peer};
use crate::plugin::host::{self, HooksState};
use crate::plugin::kind::hooks::contract::{BodyCalled, BodyWish, Called, Fate, Hooks};
use crate::plugin::kind::hooks::exported::{Entrance, Exported};

pub struct Functions {
    on_request: Exported<(), Result<Decision, String>>,
    on_response: Exported<(u16,), Result<Edit, String>>,
}

impl Functions {
    pub fn find(mut entrance: Entrance<'_>) -> wasmtime::Result<Self> {
        Ok(Self {
            on_request: entrance.hook(0)?,
            on_response: entrance.hook(1)?,
        })
    }
}

#[async_trait::async_trait]
impl Hooks for Functions {
    fn run_straight(&self, store: &mut Store<HooksState>, hook: Hook) -> Called {
        match hook {
            Hook::ForwardRequest => {
                let decision = self.on_request.call(&mut *store, ())?;
                Ok(decision.and_then(|decision| decide(store.data_mut(), decision)))
            }
            Hook::ReturnResponse => {
                let status = host::response::status(&store.data().exchange);
                let edit = self.on_response.call(&mut *store, (status,))?;
                Ok(edit.and_then(|edit| change(store.data_mut(), edit.status)))
            }
            Hook::Handle | Hook::Body(_) | Hook::Messages => Ok(Ok(Verdict::Forward)),
        }
    }

    async fn run_yielding(&self, store: &mut Store<HooksState>, hook: Hook) -> Called {
        match hook {
            Hook::ForwardRequest => {
                let decision = self.on_request.call_async(&mut *store, ()).await?;
                Ok(decision.and_then(|decision| decide(store.data_mut(), decision)))
            }
            Hook::ReturnResponse => {
                let status = host::response::status(&store.data().exchange);
                let edit = self.on_response.call_async(&mut *store, (status,)).await?;
                Ok(edit.and_then(|edit| change(store.data_mut(), edit.status)))
            }
            Hook::Handle | Hook::Body(_) | Hook::Messages => Ok(Ok(Verdict::Forward)),
        }
    }

    async fn begin_body(&self, _: &mut Store<HooksState>, _: Side) -> BodyCalled<Option<BodyWish>> {
        unreachable!("this version has none")
    }

    async fn piece(&self, _: &mut Store<HooksState>, _: Side, _: Bytes) -> BodyCalled<Fate> {
        unreachable!("this version has none")
    }

    async fn end_body(&self, _: &mut Store<HooksState>, _: Side) -> BodyCalled<()> {
        unreachable!("this version has none")
    }

    async fn opened(&self, _: &mut Store<HooksState>) -> BodyCalled<bool> {
        unreachable!("this version has none")
    }

    async fn message(&self, _: &mut Store<HooksState>, _: Peer, _: Content) -> BodyCalled<Fate> {
        unreachable!("this version has none")
    }

    async fn closed(&self, _: &mut Store<HooksState>) -> BodyCalled<()> {
        unreachable!("this version has none")
    }
}

fn decide(state: &mut HooksState, decision: Decision) -> Result<Verdict, String> {
    match decision {
        Decision::Forward => Ok(Verdict::Forward),
        Decision::Respond(status) => {
            change(state, Some(status))?;
            Ok(Verdict::Respond)
        }
    }
}

fn change(state: &mut HooksState, status: Option<u16>) -> Result<Verdict, String> {
    if let Some(status) = status {
        host::response::set_status(&mut state.exchange, status)
            .map_err(|error| format!("{error:?}"))?;
    }
    Ok(Verdict::Forward)
}

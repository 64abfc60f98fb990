//! What the host calls of an instance, as functions with the types of this version.

use wasmtime::Store;

use super::bindings::exports::tollgate::proxy::interceptor as generated;
use super::convert;
use crate::interceptor::{Hook, Verdict};
use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::contract::{Called, Hooks};
use crate::plugin::kind::hooks::exported::{Entrance, Exported};

pub struct Functions {
    forward_request: Exported<(), Result<generated::Verdict, String>>,
    return_response: Exported<(), Result<(), String>>,
    start: Option<Exported<(), Result<(), String>>>,
}

impl Functions {
    pub fn find(mut entrance: Entrance<'_>) -> wasmtime::Result<Self> {
        Ok(Self {
            forward_request: entrance.hook(0)?,
            return_response: entrance.hook(1)?,
            start: entrance.function(1, 0)?,
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
            Hook::Handle => Ok(Verdict::Forward),
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
            Hook::Handle => Ok(Verdict::Forward),
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
}

//! The two hooks of an instance, as functions with the types of this version.

use wasmtime::component::{ComponentExportIndex, Instance, TypedFunc};
use wasmtime::{Store, StoreContextMut};

use super::bindings::exports::tollgate::proxy::interceptor as generated;
use super::convert;
use crate::interceptor::{Hook, Verdict};
use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::contract::{Called, Hooks};

pub struct Functions {
    forward_request: TypedFunc<(), (Result<generated::Verdict, String>,)>,
    return_response: TypedFunc<(), (Result<(), String>,)>,
}

impl Functions {
    pub fn find(
        mut store: StoreContextMut<'_, HooksState>,
        instance: &Instance,
        [forward_request, return_response]: &[ComponentExportIndex; 2],
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            forward_request: instance.get_typed_func(&mut store, forward_request)?,
            return_response: instance.get_typed_func(&mut store, return_response)?,
        })
    }
}

#[async_trait::async_trait]
impl Hooks for Functions {
    fn run_straight(&self, store: &mut Store<HooksState>, hook: Hook) -> Called {
        Ok(match hook {
            Hook::ForwardRequest => self
                .forward_request
                .call(store, ())?
                .0
                .map(convert::verdict),
            Hook::ReturnResponse => {
                let result = self.return_response.call(store, ())?.0;
                result.map(|()| Verdict::Forward)
            }
            Hook::Handle => Ok(Verdict::Forward),
        })
    }

    async fn run_yielding(&self, store: &mut Store<HooksState>, hook: Hook) -> Called {
        Ok(match hook {
            Hook::ForwardRequest => {
                let (result,) = self.forward_request.call_async(store, ()).await?;
                result.map(convert::verdict)
            }
            Hook::ReturnResponse => {
                let (result,) = self.return_response.call_async(store, ()).await?;
                result.map(|()| Verdict::Forward)
            }
            Hook::Handle => Ok(Verdict::Forward),
        })
    }
}

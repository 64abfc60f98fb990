//! `wasi:keyvalue@0.2.0-draft2`.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, Resource};

use super::{Comparison, KeyValueBucket, KeyValueError, serve_bucket};
use crate::plugin::host::HooksState;
use crate::store::StoreError;
use bindings::wasi::keyvalue::{atomics, batch, store};

pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "src/plugin/host/key_value/draft2.wit",
        world: "wasi:keyvalue/imports",
        imports: {
            default: async | trappable,
            "wasi:keyvalue/store.open": trappable,
        },
        with: {
            "wasi:keyvalue/store.bucket": crate::plugin::host::key_value::KeyValueBucket,
            "wasi:keyvalue/atomics.cas": crate::plugin::host::key_value::Comparison,
        },
    });
}

type Answer<T> = wasmtime::Result<Result<T, store::Error>>;
type Cursor = String;

serve_bucket!();

#[expect(clippy::unnecessary_wraps, reason = "the shape that both drafts have")]
fn key_of(_: &KeyValueBucket, cursor: Cursor) -> Result<Arc<str>, KeyValueError> {
    Ok(cursor.into())
}

fn cursor_of(_: &mut KeyValueBucket, last: String) -> Cursor {
    last
}

impl atomics::HostCas for HooksState {
    async fn new(
        &mut self,
        _: Resource<KeyValueBucket>,
        key: String,
    ) -> Answer<Resource<Comparison>> {
        match self.compare(key).await {
            Ok(comparison) => Ok(Ok(self.guest.table.push(comparison)?)),
            Err(error) => Ok(Err(told(error))),
        }
    }

    async fn current(&mut self, comparison: Resource<Comparison>) -> Answer<Option<Vec<u8>>> {
        Ok(Ok(self.guest.table.get(&comparison)?.found.clone()))
    }

    async fn drop(&mut self, comparison: Resource<Comparison>) -> wasmtime::Result<()> {
        self.guest.table.delete(comparison)?;
        Ok(())
    }
}

impl atomics::Host for HooksState {
    async fn increment(
        &mut self,
        _: Resource<KeyValueBucket>,
        key: String,
        delta: i64,
    ) -> Answer<i64> {
        let sum = async { self.kept()?.increment(&key, delta, None).await };
        Ok(sum.await.map_err(told))
    }

    async fn swap(
        &mut self,
        comparison: Resource<Comparison>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let comparison = self.guest.table.delete(comparison)?;
        let swapped = async {
            let (key, found) = (&comparison.key, comparison.found.as_deref());
            let kept = self.kept()?;
            kept.compare_and_swap(key, found, Some(value), None).await
        };
        match swapped.await {
            Ok(true) => Ok(Ok(())),
            Ok(false) => match self.compare(comparison.key).await {
                Ok(newer) => Ok(Err(atomics::CasError::CasFailed(
                    self.guest.table.push(newer)?,
                ))),
                Err(error) => Ok(Err(atomics::CasError::StoreError(told(error)))),
            },
            Err(error) => Ok(Err(atomics::CasError::StoreError(told(error)))),
        }
    }
}

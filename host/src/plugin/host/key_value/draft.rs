//! `wasi:keyvalue@0.2.0-draft`.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, Resource};

use super::{KeyValueBucket, KeyValueError, serve_bucket};
use crate::plugin::host::HooksState;
use crate::store::StoreError;
use bindings::wasi::keyvalue::{atomics, batch, store};

pub(super) mod bindings {
    wasmtime::component::bindgen!({
        path: "src/plugin/host/key_value/draft.wit",
        world: "wasi:keyvalue/imports",
        imports: { default: async | trappable, "wasi:keyvalue/store.open": trappable },
        with: { "wasi:keyvalue/store.bucket": crate::plugin::host::key_value::KeyValueBucket },
    });
}

type Answer<T> = wasmtime::Result<Result<T, store::Error>>;
type Cursor = u64;

serve_bucket!();

fn key_of(bucket: &KeyValueBucket, cursor: Cursor) -> Result<Arc<str>, KeyValueError> {
    bucket.end_of_page(cursor).ok_or_else(|| {
        KeyValueError::Other(format!(
            "the cursor {cursor} is of no page that was listed, or of one too long ago; begin again without a cursor"
        ))
    })
}

fn cursor_of(bucket: &mut KeyValueBucket, last: String) -> Cursor {
    bucket.page_ends(last.into())
}

impl atomics::Host for HooksState {
    async fn increment(
        &mut self,
        _: Resource<KeyValueBucket>,
        key: String,
        delta: u64,
    ) -> Answer<u64> {
        let sum = async {
            // A delta that no sum can hold, or a sum below 0, is an overflow of this draft's numbers.
            let overflow = || KeyValueError::Other(format!("the number at {key:?} would not fit"));
            let by = i64::try_from(delta).map_err(|_| overflow())?;
            let sum = self.kept()?.increment(&key, by, None).await?;
            u64::try_from(sum).map_err(|_| overflow())
        };
        Ok(sum.await.map_err(told))
    }
}

//! `wasi:keyvalue`, over the same data as `state`: for plugins and libraries that know that interface.
//!
//! Two drafts are in use: [`draft`] is wasmtime's and wasmCloud's, [`draft2`] is Spin's. They differ in the cursor of
//! `list-keys` and in `atomics`. There is no expiry in either; use `state` for that.

mod draft;
mod draft2;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use wasmtime::component::Resource;

use super::state::HooksState;
use crate::store::StoreError;

pub use draft::add_to_linker as add_draft_to_linker;
pub use draft2::add_to_linker as add_draft2_to_linker;

/// The identifier by which a plugin opens its bucket; the name of the bucket is another.
const DEFAULT: &str = "default";

/// The most keys in one answer of `list-keys`.
const PAGE: u32 = 1000;

/// Pages of which a bucket knows the last key, for cursors of the first draft. Who goes on from page to page needs one.
const MOST_PAGES: usize = 100;

/// A bucket that a guest has opened. The data is looked up at each call, so that a handle from a trial never leads to data of
/// the trial when the instance serves.
#[derive(Debug, Default)]
pub struct KeyValueBucket {
    /// The last keys of the pages that were listed last. A cursor of the first draft is a number: the page's own, from 1.
    pages: VecDeque<Arc<str>>,
    /// How many pages were before those.
    forgotten: u64,
}

impl KeyValueBucket {
    /// Takes note of a page by its last key; gives its number.
    fn page_ends(&mut self, last: Arc<str>) -> u64 {
        if self.pages.len() == MOST_PAGES {
            self.pages.pop_front();
            self.forgotten += 1;
        }
        self.pages.push_back(last);
        self.forgotten + self.pages.len() as u64
    }

    /// The last key of a page; none if there is no such page, or if too many were listed since.
    fn end_of_page(&self, number: u64) -> Option<Arc<str>> {
        let at = number.checked_sub(self.forgotten)?.checked_sub(1)?;
        self.pages.get(usize::try_from(at).ok()?).cloned()
    }
}

/// A value that a guest wants to replace if it has not changed meanwhile.
#[derive(Debug, Clone)]
pub struct Comparison {
    key: String,
    /// The value as it was read.
    found: Option<Vec<u8>>,
}

/// Why a call has no result, in both drafts.
#[derive(Debug)]
enum KeyValueError {
    NoSuchStore,
    Other(String),
}

impl From<StoreError> for KeyValueError {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

impl HooksState {
    fn open_bucket(
        &mut self,
        identifier: &str,
    ) -> wasmtime::Result<Result<Resource<KeyValueBucket>, KeyValueError>> {
        let kept = match self.kept() {
            Ok(kept) => kept,
            Err(error) => return Ok(Err(error.into())),
        };
        // `plugin/NAME` or `shared/NAME`
        let name = kept.bucket.rsplit('/').next().unwrap_or_default();
        if identifier != DEFAULT && identifier != name {
            return Ok(Err(KeyValueError::NoSuchStore));
        }
        Ok(Ok(self.guest.table.push(KeyValueBucket::default())?))
    }

    /// A page of keys behind `after`, and the last of them if there may be more.
    async fn page(
        &mut self,
        after: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), KeyValueError> {
        let keys = self.kept()?.keys("", after, PAGE).await?;
        let last = keys.last().filter(|_| keys.len() == PAGE as usize).cloned();
        Ok((keys, last))
    }

    async fn compare(&mut self, key: String) -> Result<Comparison, KeyValueError> {
        let found = self.kept()?.get(&key).await?;
        Ok(Comparison { key, found })
    }
}

/// What both drafts have in common, for the modules `store` and `batch` that wasmtime made of one, and its way to tell errors.
macro_rules! serve_bucket {
    () => {
        impl store::Host for HooksState {
            fn open(&mut self, identifier: String) -> Answer<Resource<KeyValueBucket>> {
                Ok(self.open_bucket(&identifier)?.map_err(told))
            }
        }

        impl store::HostBucket for HooksState {
            async fn get(
                &mut self,
                _: Resource<KeyValueBucket>,
                key: String,
            ) -> Answer<Option<Vec<u8>>> {
                let found = async { self.kept()?.get(&key).await };
                Ok(found.await.map_err(told))
            }

            async fn set(
                &mut self,
                _: Resource<KeyValueBucket>,
                key: String,
                value: Vec<u8>,
            ) -> Answer<()> {
                let done = async { self.kept()?.set(&key, value, None).await };
                Ok(done.await.map_err(told))
            }

            async fn delete(&mut self, _: Resource<KeyValueBucket>, key: String) -> Answer<()> {
                let done = async { self.kept()?.delete(&key).await };
                Ok(done.await.map(drop).map_err(told))
            }

            async fn exists(&mut self, _: Resource<KeyValueBucket>, key: String) -> Answer<bool> {
                let found = async { self.kept()?.get(&key).await };
                Ok(found.await.map(|value| value.is_some()).map_err(told))
            }

            async fn list_keys(
                &mut self,
                bucket: Resource<KeyValueBucket>,
                cursor: Option<Cursor>,
            ) -> Answer<store::KeyResponse> {
                let after = match cursor {
                    None => None,
                    Some(cursor) => match key_of(self.guest.table.get(&bucket)?, cursor) {
                        Ok(key) => Some(key),
                        Err(error) => return Ok(Err(told(error))),
                    },
                };
                let (keys, last) = match self.page(after.as_deref()).await {
                    Ok(page) => page,
                    Err(error) => return Ok(Err(told(error))),
                };
                let bucket = self.guest.table.get_mut(&bucket)?;
                let cursor = last.map(|last| cursor_of(bucket, last));
                Ok(Ok(store::KeyResponse { keys, cursor }))
            }

            async fn drop(&mut self, bucket: Resource<KeyValueBucket>) -> wasmtime::Result<()> {
                self.guest.table.delete(bucket)?;
                Ok(())
            }
        }

        impl batch::Host for HooksState {
            async fn get_many(
                &mut self,
                _: Resource<KeyValueBucket>,
                keys: Vec<String>,
            ) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
                let found = async {
                    let kept = self.kept()?;
                    let mut found = Vec::new();
                    for key in keys {
                        let value = kept.get(&key).await?;
                        found.push(value.map(|value| (key, value)));
                    }
                    Ok::<_, StoreError>(found)
                };
                Ok(found.await.map_err(told))
            }

            async fn set_many(
                &mut self,
                _: Resource<KeyValueBucket>,
                values: Vec<(String, Vec<u8>)>,
            ) -> Answer<()> {
                let done = async {
                    let kept = self.kept()?;
                    for (key, value) in values {
                        kept.set(&key, value, None).await?;
                    }
                    Ok::<_, StoreError>(())
                };
                Ok(done.await.map_err(told))
            }

            async fn delete_many(
                &mut self,
                _: Resource<KeyValueBucket>,
                keys: Vec<String>,
            ) -> Answer<()> {
                let done = async {
                    let kept = self.kept()?;
                    for key in keys {
                        kept.delete(&key).await?;
                    }
                    Ok::<_, StoreError>(())
                };
                Ok(done.await.map_err(told))
            }
        }

        /// Offers the interfaces of this draft.
        ///
        /// # Errors
        /// None that a plugin could cause.
        pub fn add_to_linker(linker: &mut Linker<HooksState>) -> wasmtime::Result<()> {
            store::add_to_linker::<HooksState, HasSelf<HooksState>>(linker, |state| state)?;
            atomics::add_to_linker::<HooksState, HasSelf<HooksState>>(linker, |state| state)?;
            batch::add_to_linker::<HooksState, HasSelf<HooksState>>(linker, |state| state)
        }

        fn told(error: impl Into<KeyValueError>) -> store::Error {
            match error.into() {
                KeyValueError::NoSuchStore => store::Error::NoSuchStore,
                KeyValueError::Other(text) => store::Error::Other(text),
            }
        }
    };
}
use serve_bucket;

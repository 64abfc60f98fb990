//! The plugin's state: its bucket of the host's store.

use std::time::Duration;

use bytes::Bytes;

use super::state::HooksState;
use crate::plugin::wasm::PluginState;
use crate::store::StoreError;

impl HooksState {
    /// The plugin's bucket. A plugin that imports the interface has one, or it would not serve.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], if it has none.
    pub fn kept(&mut self) -> Result<PluginState, StoreError> {
        if let Some(trial) = &mut self.trial {
            return trial.state();
        }
        let state = self.guest.version.services.state.clone();
        state.ok_or_else(|| StoreError::Unavailable("the plugin has no state".to_owned()))
    }
}

/// The functions of the interface, for a plugin's bucket. A time to live is in milliseconds.
impl PluginState {
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.store.get(&self.bucket, key).await?;
        Ok(value.map(Vec::from))
    }

    pub async fn set(&self, key: &str, value: Vec<u8>, ttl: Option<u64>) -> Result<(), StoreError> {
        let ttl = ttl.map(Duration::from_millis);
        self.store
            .set(&self.bucket, key, Bytes::from(value), ttl)
            .await
    }

    pub async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        self.store.delete(&self.bucket, key).await
    }

    pub async fn increment(&self, key: &str, by: i64, ttl: Option<u64>) -> Result<i64, StoreError> {
        let ttl = ttl.map(Duration::from_millis);
        self.store.increment(&self.bucket, key, by, ttl).await
    }

    pub async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<Vec<u8>>,
        ttl: Option<u64>,
    ) -> Result<bool, StoreError> {
        let (ttl, new) = (ttl.map(Duration::from_millis), new.map(Bytes::from));
        let swap = self
            .store
            .compare_and_swap(&self.bucket, key, expected, new, ttl);
        swap.await
    }

    pub async fn keys(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.store.keys(&self.bucket, prefix, after, limit).await
    }
}

//! The store that the rest of the host sees: the same operations whatever is behind them, with the limits on single keys
//! and values.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::clock::{Clock, SystemClock};
use super::config::{Kind, Quotas, StoreConfig};
use super::error::StoreError;
use super::journal::file::Disk;
use super::local::Local;
use super::op::{Answer, Op, Usage};
use super::redis::Redis;

/// How many keys one call lists at most: nobody else is served meanwhile.
pub const MOST_KEYS: usize = 1000;

/// A store of keys and values, in buckets. Each operation is exact, also when others run at the same time, in this host
/// or in others that share a Redis server. Keys are UTF-8, values are bytes.
///
/// A *ttl* is how long an entry is there; it is rounded down to whole milliseconds, but is one at least. None: for good.
///
/// Futures of the local stores are ready when first polled, except for writes with [`Durability::Immediate`]. One that is
/// dropped before it is ready may have done its work.
///
/// [`Durability::Immediate`]: super::config::Durability::Immediate
#[derive(Debug)]
pub struct Store {
    backend: Backend,
    quotas: Quotas,
}

#[derive(Debug)]
enum Backend {
    Local(Local),
    Redis(Box<Redis>),
}

impl Store {
    /// Opens a store. One process needs one; an embedded store is read whole here.
    ///
    /// # Errors
    /// When an embedded store is damaged, newer than this program, in use by another process, or can't be read or written;
    /// when the address of a Redis server is none. A server that is away is no error here.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::open_with(config, Arc::new(SystemClock), &Disk::default())
    }

    /// The same with a clock of one's own. Redis has its own time.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_at(config: &StoreConfig, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with(config, clock, &Disk::default())
    }

    pub(super) fn open_with(
        config: &StoreConfig,
        clock: Arc<dyn Clock>,
        disk: &Disk,
    ) -> Result<Self, StoreError> {
        let quotas = config.quotas;
        let backend = match &config.kind {
            Kind::Memory => Backend::Local(Local::memory(quotas, clock)?),
            Kind::Embedded {
                path,
                durability,
                make_directory,
            } => {
                if *make_directory {
                    make_directory_of(path)?;
                }
                Backend::Local(Local::embedded(path, *durability, quotas, clock, disk)?)
            }
            Kind::Redis {
                url,
                prefix,
                timeout,
            } => {
                let redis = Redis::new(url, prefix, *timeout, quotas)?;
                Backend::Redis(Box::new(redis))
            }
        };
        Ok(Self { backend, quotas })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// From Redis: [`StoreError::Unavailable`], [`StoreError::TimedOut`], as for every other operation.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Option<Bytes>, StoreError> {
        match &self.backend {
            Backend::Local(local) => Ok(local.get(bucket, key)),
            Backend::Redis(redis) => redis.get(bucket, key).await,
        }
    }

    /// The values of several keys, in their order. Local stores may be written in between.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_many(
        &self,
        bucket: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        match &self.backend {
            Backend::Local(local) => Ok(keys.iter().map(|key| local.get(bucket, key)).collect()),
            Backend::Redis(redis) => redis.get_many(bucket, keys).await,
        }
    }

    /// Sets a value, and when it expires: an expiry that was set before no longer holds.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Full`], [`StoreError::Unavailable`], [`StoreError::TimedOut`].
    pub async fn set(
        &self,
        bucket: &str,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> Result<(), StoreError> {
        self.check(key, Some(&value))?;
        self.write(bucket, key, &Op::Set { value, ttl })
            .await
            .map(drop)
    }

    /// Sets several values, one after the other. When one can't be set, those before it have been.
    ///
    /// # Errors
    /// As [`Self::set`]. If a key or value is too large nothing is set.
    pub async fn set_many(
        &self,
        bucket: &str,
        entries: &[(&str, Bytes)],
        ttl: Option<Duration>,
    ) -> Result<(), StoreError> {
        for (key, value) in entries {
            self.check(key, Some(value))?;
        }
        if let Backend::Redis(redis) = &self.backend {
            return redis.set_many(bucket, entries, ttl).await;
        }
        for (key, value) in entries {
            let value = value.clone();
            self.write(bucket, key, &Op::Set { value, ttl }).await?;
        }
        Ok(())
    }

    /// Deletes a key; whether it was there.
    ///
    /// # Errors
    /// As [`Self::set`], but for limits.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        let answer = self.write(bucket, key, &Op::Delete).await?;
        Ok(answer == Answer::Flag(true))
    }

    /// Deletes several keys, one after the other.
    ///
    /// # Errors
    /// As [`Self::delete`].
    pub async fn delete_many(&self, bucket: &str, keys: &[&str]) -> Result<(), StoreError> {
        if let Backend::Redis(redis) = &self.backend {
            return redis.delete_many(bucket, keys).await;
        }
        for key in keys {
            self.write(bucket, key, &Op::Delete).await?;
        }
        Ok(())
    }

    /// Adds to a number, and answers what it is then. The value is the number in decimal ASCII; a key that is absent is 0.
    /// The ttl is that of a key which this call creates. A key that is there keeps its expiry, so that counting with a ttl of
    /// a minute counts what happened in the minute that began with the first call.
    ///
    /// # Errors
    /// [`StoreError::NotANumber`], [`StoreError::Overflow`], and those of [`Self::set`]. The value is as it was, unless
    /// nobody knows.
    pub async fn increment(
        &self,
        bucket: &str,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, StoreError> {
        self.check(key, None)?;
        match self.write(bucket, key, &Op::Increment { by, ttl }).await? {
            Answer::Number(number) => Ok(number),
            Answer::Done | Answer::Flag(_) => Ok(0),
        }
    }

    /// Sets or deletes a key if it is what the caller expects, and says whether it did. None stands for absent; a swap of
    /// absent for absent succeeds and does nothing.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub async fn compare_and_swap(
        &self,
        bucket: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
        ttl: Option<Duration>,
    ) -> Result<bool, StoreError> {
        self.check(key, new.as_ref())?;
        let op = Op::Swap { expected, new, ttl };
        let answer = self.write(bucket, key, &op).await?;
        Ok(answer == Answer::Flag(true))
    }

    /// How long a key is still there; none if it does not expire, and if it is absent.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn time_left(&self, bucket: &str, key: &str) -> Result<Option<Duration>, StoreError> {
        match &self.backend {
            Backend::Local(local) => Ok(local.time_left(bucket, key)),
            Backend::Redis(redis) => redis.time_left(bucket, key).await,
        }
    }

    /// Keys that begin with a prefix, sorted by their bytes: those behind `after`, at most `limit`, and at most
    /// [`MOST_KEYS`]. The last of them is what the next page comes after. No more than asked for: there may be more.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn keys(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let limit = limit.min(MOST_KEYS);
        match &self.backend {
            Backend::Local(local) => Ok(local.keys(bucket, prefix, after, limit)),
            Backend::Redis(redis) => redis.keys(bucket, prefix, after, limit).await,
        }
    }

    /// How much a bucket holds, by which its quotas go. What has expired counts until it is removed.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn usage(&self, bucket: &str) -> Result<Usage, StoreError> {
        match &self.backend {
            Backend::Local(local) => Ok(local.usage(bucket)),
            Backend::Redis(redis) => redis.usage(bucket).await,
        }
    }

    async fn write(&self, bucket: &str, key: &str, op: &Op<'_>) -> Result<Answer, StoreError> {
        match &self.backend {
            Backend::Local(local) => local.write(bucket, key, op).await,
            Backend::Redis(redis) => redis.write(bucket, key, op).await,
        }
    }

    fn check(&self, key: &str, value: Option<&Bytes>) -> Result<(), StoreError> {
        let quotas = &self.quotas;
        let too_large = |what, size, limit| StoreError::TooLarge { what, size, limit };
        if key.len() > quotas.key_bytes {
            return Err(too_large("key", key.len(), quotas.key_bytes));
        }
        match value {
            Some(value) if value.len() > quotas.value_bytes => {
                Err(too_large("value", value.len(), quotas.value_bytes))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a directory that is nobody else's business, if need be.
fn make_directory_of(path: &Path) -> Result<(), StoreError> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(|error| StoreError::CannotOpen {
        path: directory.to_owned(),
        why: error.to_string(),
    })
}

//! Data in a Redis server, for hosts that share it.
//!
//! A value is the key `PREFIX:BUCKET:v:KEY`, and an index of each bucket is beside it (`redis/write.lua`, which also says
//! what is done there in one go). `%` and `:` in prefix and bucket are written `%25` and `%3a`, so that no two keys are the
//! same by chance. Time is that of the server. The server must not evict keys (`maxmemory-policy noeviction`), and must
//! not be a cluster. What a write survives is what the server is configured for (`appendonly`).

mod connection;

use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, Script, ScriptInvocation};

use self::connection::Connection;
use super::clock::time_to_live;
use super::config::Quotas;
use super::error::StoreError;
use super::op::{Answer, Op, Usage};

/// See the module's text.
#[derive(Debug)]
pub struct Redis {
    connection: Connection,
    prefix: String,
    quotas: Quotas,
    script: Script,
}

impl Redis {
    /// Connects to nobody yet: a server that is away fails the calls that need it.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(
        url: &str,
        prefix: &str,
        timeout: Duration,
        quotas: Quotas,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Connection::new(url, timeout)?,
            prefix: escaped(prefix),
            quotas,
            script: Script::new(include_str!("redis/write.lua")),
        })
    }

    pub async fn get(&self, bucket: &str, key: &str) -> Result<Option<Bytes>, StoreError> {
        let command = Cmd::get(self.values(bucket) + key);
        let value: Option<Vec<u8>> = self
            .connection
            .call(async |connection| command.query_async(connection).await)
            .await?;
        Ok(value.map(Bytes::from))
    }

    pub async fn get_many(
        &self,
        bucket: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("MGET");
        let values = self.values(bucket);
        for key in keys {
            command.arg(format!("{values}{key}"));
        }
        let values: Vec<Option<Vec<u8>>> = self
            .connection
            .call(async |connection| command.query_async(connection).await)
            .await?;
        Ok(values
            .into_iter()
            .map(|value| value.map(Bytes::from))
            .collect())
    }

    pub async fn time_left(&self, bucket: &str, key: &str) -> Result<Option<Duration>, StoreError> {
        let mut command = redis::cmd("PTTL");
        command.arg(format!("{}{key}", self.values(bucket)));
        let left: i64 = self
            .connection
            .call(async |connection| command.query_async(connection).await)
            .await?;
        // -1: it does not expire. -2: it is absent.
        Ok(u64::try_from(left).ok().map(Duration::from_millis))
    }

    /// One change, see [`Op`].
    pub async fn write(&self, bucket: &str, key: &str, op: &Op<'_>) -> Result<Answer, StoreError> {
        let call = match op {
            Op::Set { value, ttl } => {
                let mut call = self.script(bucket, "set", *ttl);
                call.arg(key).arg(&value[..]);
                call
            }
            Op::Delete => {
                let mut call = self.script(bucket, "delete", None);
                call.arg(key);
                call
            }
            Op::Increment { by, ttl } => {
                let mut call = self.script(bucket, "increment", *ttl);
                call.arg(key).arg(by.to_string());
                call
            }
            Op::Swap { expected, new, ttl } => {
                let mut call = self.script(bucket, "swap", *ttl);
                call.arg(key);
                for value in [*expected, new.as_deref()] {
                    call.arg(value.unwrap_or_default());
                    call.arg(if value.is_some() { "1" } else { "0" });
                }
                call
            }
        };
        let by = if let Op::Increment { by, .. } = op {
            *by
        } else {
            0
        };
        let answer = self.run(bucket, key, by, call).await?;
        let number = || number(&answer);
        Ok(match op {
            Op::Set { .. } => Answer::Done,
            Op::Delete | Op::Swap { .. } => Answer::Flag(number()? != 0),
            Op::Increment { .. } => Answer::Number(number()?),
        })
    }

    pub async fn set_many(
        &self,
        bucket: &str,
        entries: &[(&str, Bytes)],
        ttl: Option<Duration>,
    ) -> Result<(), StoreError> {
        let mut call = self.script(bucket, "set", ttl);
        for (key, value) in entries {
            call.arg(*key).arg(&value[..]);
        }
        self.run(bucket, "", 0, call).await.map(drop)
    }

    pub async fn delete_many(&self, bucket: &str, keys: &[&str]) -> Result<(), StoreError> {
        let mut call = self.script(bucket, "delete", None);
        for key in keys {
            call.arg(*key);
        }
        self.run(bucket, "", 0, call).await.map(drop)
    }

    pub async fn keys(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let from = match after {
            Some(after) if after >= prefix => format!("({after}"),
            _ => format!("[{prefix}"),
        };
        // No byte of a key is 255, as keys are UTF-8.
        let mut to = [b"(", prefix.as_bytes(), &[0xff]].concat();
        if prefix.is_empty() {
            to = b"+".to_vec();
        }
        let mut call = self.script(bucket, "keys", None);
        call.arg(from).arg(to).arg(limit);
        let found = self.run(bucket, "", 0, call).await?;
        let text = |key| String::from_utf8(key).map_err(|_| strange());
        found.into_iter().map(text).collect()
    }

    pub async fn usage(&self, bucket: &str) -> Result<Usage, StoreError> {
        let call = self.script(bucket, "usage", None);
        let answer = self.run(bucket, "", 0, call).await?;
        let number = |at: usize| {
            let text = answer
                .get(at)
                .and_then(|text| std::str::from_utf8(text).ok());
            text.and_then(|text| text.parse().ok()).ok_or_else(strange)
        };
        Ok(Usage {
            entries: number(0)?,
            bytes: number(1)?,
        })
    }

    /// A call of the script, to which the operation's own arguments are added.
    fn script(&self, bucket: &str, op: &str, ttl: Option<Duration>) -> ScriptInvocation<'_> {
        let start = self.bucket(bucket);
        let mut call = self.script.prepare_invoke();
        for index in ["names", "sizes", "expiry", "bytes"] {
            call.key(format!("{start}{index}"));
        }
        let ttl = ttl.map_or_else(String::new, |ttl| time_to_live(ttl).to_string());
        call.arg(op)
            .arg(self.values(bucket))
            .arg(self.quotas.bucket_bytes)
            .arg(self.quotas.bucket_entries)
            .arg(ttl);
        call
    }

    /// What the script answers behind the word for how it ended.
    async fn run(
        &self,
        bucket: &str,
        key: &str,
        by: i64,
        call: ScriptInvocation<'_>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut answer: Vec<Vec<u8>> = self
            .connection
            .call(async |connection| call.invoke_async(connection).await)
            .await?;
        if answer.is_empty() {
            return Err(strange());
        }
        let ended = answer.remove(0);
        let key = || key.to_owned();
        match &ended[..] {
            b"ok" => Ok(answer),
            b"not a number" => Err(StoreError::NotANumber { key: key() }),
            b"overflow" => Err(StoreError::Overflow { key: key(), by }),
            b"full" => {
                let is_entries = answer.first().is_some_and(|what| what == b"entries");
                let quotas = &self.quotas;
                let (what, limit) = match is_entries {
                    true => ("entries", quotas.bucket_entries),
                    false => ("bytes", quotas.bucket_bytes),
                };
                let bucket = bucket.to_owned();
                Err(StoreError::Full {
                    bucket,
                    what,
                    limit,
                })
            }
            _ => Err(strange()),
        }
    }

    fn bucket(&self, bucket: &str) -> String {
        format!("{}:{}:", self.prefix, escaped(bucket))
    }

    fn values(&self, bucket: &str) -> String {
        self.bucket(bucket) + "v:"
    }
}

fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace(':', "%3a")
}

fn number(answer: &[Vec<u8>]) -> Result<i64, StoreError> {
    let text = answer
        .first()
        .and_then(|text| std::str::from_utf8(text).ok());
    text.and_then(|text| text.parse().ok()).ok_or_else(strange)
}

fn strange() -> StoreError {
    StoreError::Unavailable("Redis gave an answer that its script never gives".to_owned())
}

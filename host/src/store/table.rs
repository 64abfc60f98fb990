//! The entries of a store in memory, with their quotas and their expiry. Knows neither clocks nor locks nor files: what
//! an operation would change is planned here, and applied when it is safe.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::clock::{NEVER, expiry};
use super::config::Quotas;
use super::error::StoreError;
use super::op::{Answer, Op, Usage, number};

/// A value, and when it is no longer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Bytes,
    /// Milliseconds since 1970; [`NEVER`].
    pub expires: u64,
}

impl Entry {
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires <= now
    }

    /// None: it does not expire.
    pub fn time_left(&self, now: u64) -> Option<Duration> {
        let left = Duration::from_millis(self.expires.saturating_sub(now));
        (self.expires != NEVER).then_some(left)
    }
}

/// What a key becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub bucket: Arc<str>,
    pub key: Arc<str>,
    /// None: it is gone.
    pub entry: Option<Entry>,
}

/// What an operation answers, and what it changes if anything.
#[derive(Debug)]
pub struct Plan {
    pub answer: Answer,
    pub change: Option<Change>,
}

/// See the module's text.
#[derive(Debug)]
pub struct Table {
    /// Only those that have entries.
    buckets: HashMap<Arc<str>, Bucket>,
    quotas: Quotas,
}

#[derive(Debug, Default)]
struct Bucket {
    entries: BTreeMap<Arc<str>, Entry>,
    /// Those that expire, soonest first.
    expiring: BTreeSet<(u64, Arc<str>)>,
    /// Of keys and values.
    bytes: u64,
}

impl Table {
    pub fn new(quotas: Quotas) -> Self {
        Self {
            buckets: HashMap::new(),
            quotas,
        }
    }

    pub fn get(&self, bucket: &str, key: &str, now: u64) -> Option<&Entry> {
        let entry = self.buckets.get(bucket)?.entries.get(key)?;
        (!entry.is_expired(now)).then_some(entry)
    }

    /// Keys with a prefix, sorted by their bytes, those behind `after`, at most `limit`.
    pub fn keys(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: u64,
    ) -> Vec<String> {
        let Some(bucket) = self.buckets.get(bucket) else {
            return Vec::new();
        };
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        bucket
            .entries
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(_, entry)| !entry.is_expired(now))
            .take(limit)
            .map(|(key, _)| key.to_string())
            .collect()
    }

    pub fn usage(&self, bucket: &str) -> Usage {
        let bucket = self.buckets.get(bucket);
        bucket.map_or_else(Usage::default, |bucket| Usage {
            entries: bucket.entries.len() as u64,
            bytes: bucket.bytes,
        })
    }

    /// What an operation comes to.
    ///
    /// # Errors
    /// When it can't be done. [`StoreError::Full`] may be for the sake of what has expired: see [`Self::expired`].
    pub fn plan(&self, bucket: &str, key: &str, op: &Op<'_>, now: u64) -> Result<Plan, StoreError> {
        let old = self.get(bucket, key, now);
        let (answer, entry) = match op {
            Op::Set { value, ttl } => {
                let entry = entry(value, expiry(now, *ttl));
                (Answer::Done, Some(Some(entry)))
            }
            Op::Delete => (Answer::Flag(old.is_some()), old.map(|_| None)),
            Op::Increment { by, ttl } => {
                let (number, entry) = incremented(key, old, *by, expiry(now, *ttl))?;
                (Answer::Number(number), Some(Some(entry)))
            }
            Op::Swap { expected, new, ttl } => {
                let is = old.map(|entry| &entry.value[..]);
                let swaps = is == *expected;
                let new = new.as_ref().map(|new| entry(new, expiry(now, *ttl)));
                let changes = swaps && (new.is_some() || is.is_some());
                (Answer::Flag(swaps), changes.then_some(new))
            }
        };
        if let Some(Some(entry)) = &entry {
            self.check_room(bucket, key, entry)?;
        }
        let change = entry.map(|entry| Change {
            bucket: self.name(bucket),
            key: Arc::from(key),
            entry,
        });
        Ok(Plan { answer, change })
    }

    /// Does what was planned.
    pub fn apply(&mut self, change: Change) {
        let Change { bucket, key, entry } = change;
        let is_there = self.buckets.contains_key(&bucket);
        if entry.is_none() && !is_there {
            return;
        }
        let held = self.buckets.entry(bucket.clone()).or_default();
        held.put(key, entry);
        if held.entries.is_empty() {
            self.buckets.remove(&bucket);
        }
    }

    /// The removal of what has expired, of one bucket or of all, at most so much.
    pub fn expired(&self, bucket: Option<&str>, now: u64, most: usize) -> Vec<Change> {
        let of_bucket = |(name, held): (&Arc<str>, &Bucket)| {
            let gone = held
                .expiring
                .iter()
                .take_while(|(expires, _)| *expires <= now);
            let change = |(_, key): &(u64, Arc<str>)| Change {
                bucket: name.clone(),
                key: key.clone(),
                entry: None,
            };
            gone.take(most).map(change).collect::<Vec<_>>()
        };
        let wanted = self
            .buckets
            .iter()
            .filter(|(name, _)| bucket.is_none_or(|bucket| bucket == &***name));
        wanted.flat_map(of_bucket).take(most).collect()
    }

    /// Whether an entry may be put there. What makes a bucket smaller is always allowed.
    fn check_room(&self, bucket: &str, key: &str, entry: &Entry) -> Result<(), StoreError> {
        let held = self.buckets.get(bucket);
        let usage = self.usage(bucket);
        let old = held.and_then(|held| held.entries.get(key));
        let old_bytes = old.map_or(0, |old| size(key, old));
        let bytes = usage.bytes - old_bytes + size(key, entry);
        let full = |what, limit| StoreError::Full {
            bucket: bucket.to_owned(),
            what,
            limit,
        };
        if old.is_none() && usage.entries >= self.quotas.bucket_entries {
            return Err(full("entries", self.quotas.bucket_entries));
        }
        if bytes > usage.bytes && bytes > self.quotas.bucket_bytes {
            return Err(full("bytes", self.quotas.bucket_bytes));
        }
        Ok(())
    }

    /// A bucket's name, shared if the bucket is there.
    fn name(&self, bucket: &str) -> Arc<str> {
        let known = self.buckets.get_key_value(bucket);
        known.map_or_else(|| Arc::from(bucket), |(name, _)| name.clone())
    }
}

impl Bucket {
    fn put(&mut self, key: Arc<str>, entry: Option<Entry>) {
        if let Some(entry) = &entry {
            self.bytes += size(&key, entry);
            if entry.expires != NEVER {
                self.expiring.insert((entry.expires, key.clone()));
            }
        }
        let expires = entry.as_ref().map_or(NEVER, |entry| entry.expires);
        let old = match entry {
            Some(entry) => self.entries.insert(key.clone(), entry),
            None => self.entries.remove(&key),
        };
        if let Some(old) = old {
            self.bytes -= size(&key, &old);
            if old.expires != NEVER && old.expires != expires {
                self.expiring.remove(&(old.expires, key));
            }
        }
    }
}

fn entry(value: &Bytes, expires: u64) -> Entry {
    Entry {
        value: value.clone(),
        expires,
    }
}

/// A number that is there keeps its expiry.
fn incremented(
    key: &str,
    old: Option<&Entry>,
    by: i64,
    expires: u64,
) -> Result<(i64, Entry), StoreError> {
    let key = || key.to_owned();
    let before = old.map_or(Ok(0), |old| {
        number(&old.value).ok_or_else(|| StoreError::NotANumber { key: key() })
    })?;
    let after = before
        .checked_add(by)
        .ok_or_else(|| StoreError::Overflow { key: key(), by })?;
    let entry = Entry {
        value: after.to_string().into(),
        expires: old.map_or(expires, |old| old.expires),
    };
    Ok((after, entry))
}

fn size(key: &str, entry: &Entry) -> u64 {
    (key.len() + entry.value.len()) as u64
}

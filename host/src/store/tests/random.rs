//! Each backend does the same as a plain model, whatever comes in whatever order. The embedded one is opened again now and
//! then, and a copy of its files, taken at any time as a killed process would leave them, holds the same.

use std::collections::BTreeMap;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

use super::*;
use crate::store::StoreError;

const QUOTAS: Quotas = Quotas {
    key_bytes: 6,
    value_bytes: 20,
    bucket_bytes: 150,
    bucket_entries: 12,
};

/// Value, and when it is gone.
type Model = BTreeMap<(String, String), (Vec<u8>, u64)>;

struct Twin {
    model: Model,
    now: u64,
    random: ChaCha8Rng,
}

impl Twin {
    fn below(&mut self, limit: u64) -> u64 {
        self.random.next_u64() % limit
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()].clone()
    }

    fn value(&mut self) -> Vec<u8> {
        match self.below(4) {
            0 => b"abc".to_vec(),
            1 => (self.below(2000) as i64 - 1000).to_string().into_bytes(),
            2 => i64::MAX.to_string().into_bytes(),
            _ => vec![b'x'; usize::try_from(self.below(23)).unwrap()],
        }
    }

    /// Between these and what passes in one go, there are 50 seconds at least: Redis has a clock that goes on.
    fn ttl(&mut self) -> Option<Duration> {
        let hundreds = self.below(4);
        (hundreds > 0).then(|| Duration::from_secs(hundreds * 100 + 50))
    }

    fn get(&self, bucket: &str, key: &str) -> Option<&Vec<u8>> {
        let entry = self.model.get(&(bucket.to_owned(), key.to_owned()));
        entry
            .filter(|(_, gone)| *gone > self.now)
            .map(|(value, _)| value)
    }

    fn put(
        &mut self,
        bucket: &str,
        key: &str,
        value: Vec<u8>,
        gone: u64,
    ) -> Result<(), StoreError> {
        self.model.retain(|_, (_, gone)| *gone > self.now);
        let there: Vec<_> = self
            .model
            .iter()
            .filter(|((of, _), _)| of == bucket)
            .collect();
        let bytes: usize = there
            .iter()
            .map(|((_, key), (value, _))| key.len() + value.len())
            .sum();
        let old = self.get(bucket, key).map(|value| key.len() + value.len());
        let new = key.len() + value.len();
        let full = |what, limit| {
            Err(StoreError::Full {
                bucket: bucket.to_owned(),
                what,
                limit,
            })
        };
        if old.is_none() && there.len() as u64 >= QUOTAS.bucket_entries {
            return full("entries", QUOTAS.bucket_entries);
        }
        if (bytes - old.unwrap_or(0) + new) as u64 > QUOTAS.bucket_bytes {
            return full("bytes", QUOTAS.bucket_bytes);
        }
        let names = (bucket.to_owned(), key.to_owned());
        self.model.insert(names, (value, gone));
        Ok(())
    }

    fn gone(&self, ttl: Option<Duration>) -> u64 {
        ttl.map_or(u64::MAX, |ttl| self.now + ttl.as_secs())
    }
}

fn too_large(key: &str, value: &[u8]) -> Option<StoreError> {
    let error = |what, size, limit| Some(StoreError::TooLarge { what, size, limit });
    if key.len() > QUOTAS.key_bytes {
        return error("key", key.len(), QUOTAS.key_bytes);
    }
    let is_large = value.len() > QUOTAS.value_bytes;
    is_large.then(|| error("value", value.len(), QUOTAS.value_bytes))?
}

async fn write(twin: &mut Twin, store: &Store, bucket: &str, key: &str) {
    let ttl = twin.ttl();
    let value = twin.value();
    let names = (bucket.to_owned(), key.to_owned());
    match twin.below(4) {
        0 => {
            let expected = match too_large(key, &value) {
                Some(error) => Err(error),
                None => twin.put(bucket, key, value.clone(), twin.gone(ttl)),
            };
            let done = store.set(bucket, key, value.into(), ttl).await;
            assert_eq!(done, expected);
        }
        1 => {
            let was = twin.get(bucket, key).is_some();
            twin.model.remove(&names);
            assert_eq!(store.delete(bucket, key).await, Ok(was));
        }
        2 => {
            let by = twin.pick(&[1, -1, 1000, i64::MAX, i64::MIN]);
            let expected = incremented(twin, bucket, key, by, ttl);
            assert_eq!(store.increment(bucket, key, by, ttl).await, expected);
        }
        _ => {
            let is = twin.get(bucket, key).cloned();
            let guess = Some(b"abc".to_vec());
            let expected = twin.pick(&[is.clone(), is.clone(), None, guess]);
            let new = twin.pick(&[None, Some(value.clone()), Some(value)]);
            let too_large = too_large(key, new.as_deref().unwrap_or_default());
            let result = match (too_large, &new) {
                (Some(error), _) => Err(error),
                (None, _) if is != expected => Ok(false),
                (None, None) => Ok(twin.model.remove(&names).is_some() || is.is_none()),
                (None, Some(new)) => twin
                    .put(bucket, key, new.clone(), twin.gone(ttl))
                    .map(|()| true),
            };
            let new = new.map(Bytes::from);
            let done = store
                .compare_and_swap(bucket, key, expected.as_deref(), new, ttl)
                .await;
            assert_eq!(done, result);
        }
    }
}

fn incremented(
    twin: &mut Twin,
    bucket: &str,
    key: &str,
    by: i64,
    ttl: Option<Duration>,
) -> Result<i64, StoreError> {
    if let Some(error) = too_large(key, b"") {
        return Err(error);
    }
    let names = (bucket.to_owned(), key.to_owned());
    let key = || key.to_owned();
    let old = twin.get(bucket, &key()).cloned();
    let gone = match &old {
        Some(_) => twin.model[&names].1,
        None => twin.gone(ttl),
    };
    let text = String::from_utf8(old.unwrap_or_else(|| b"0".to_vec())).unwrap();
    let number: i64 = text
        .parse()
        .map_err(|_| StoreError::NotANumber { key: key() })?;
    let sum = number
        .checked_add(by)
        .ok_or_else(|| StoreError::Overflow { key: key(), by })?;
    twin.put(bucket, &key(), sum.to_string().into_bytes(), gone)?;
    Ok(sum)
}

/// All that is there is what the model has.
async fn compare(twin: &Twin, store: &Store) {
    for bucket in BUCKETS {
        let there = twin
            .model
            .iter()
            .filter(|((of, _), (_, gone))| of == bucket && *gone > twin.now);
        let keys: Vec<_> = there.map(|((_, key), _)| key.clone()).collect();
        assert_eq!(store.keys(bucket, "", None, 100).await.unwrap(), keys);
        for key in &keys {
            let value = store.get(bucket, key).await.unwrap();
            assert_eq!(value.as_deref(), twin.get(bucket, key).map(Vec::as_slice));
        }
    }
}

const BUCKETS: [&str; 2] = ["one", "t:wo"];

#[tokio::test]
async fn every_backend_does_what_the_model_does() {
    for which in ALL {
        let seed = rand_seed();
        println!("{which:?}, seed {seed}");
        let mut lab = Lab::new(which, QUOTAS);
        let mut twin = Twin {
            model: Model::new(),
            now: lab.clock.now() / 1000,
            random: ChaCha8Rng::seed_from_u64(seed),
        };
        let keys: Vec<String> = (0..20)
            .map(|n| format!("k{n}{}", "-".repeat(n % 5)))
            .collect();
        let steps = if which == Which::Memory { 20_000 } else { 3000 };
        for _ in 0..steps {
            let (bucket, key) = (twin.pick(&BUCKETS), twin.pick(&keys));
            match twin.below(200) {
                0 if lab.server.is_none() || twin.below(5) == 0 => {
                    lab.pass(100).await;
                    twin.now += 100;
                }
                1 => compare(&twin, lab.store()).await,
                2 if matches!(which, Which::Eventual | Which::Immediate) => lab.reopen(),
                3 if matches!(which, Which::Eventual | Which::Immediate) => {
                    compare(&twin, &copy_of(&lab)).await;
                }
                4..60 => {
                    let expected = twin.get(bucket, &key).cloned().map(Bytes::from);
                    assert_eq!(lab.get(bucket, &key).await, expected);
                }
                _ => write(&mut twin, lab.store(), bucket, &key).await,
            }
        }
        compare(&twin, lab.store()).await;
    }
}

/// What another process finds if this one is killed now. The keeper does nothing meanwhile, as the log is short.
fn copy_of(lab: &Lab) -> Store {
    let folder = tempfile::tempdir().unwrap();
    for name in ["state.redb", "state.redb.log0", "state.redb.log1"] {
        std::fs::copy(lab.folder.path().join(name), folder.path().join(name)).unwrap();
    }
    let config = StoreConfig {
        kind: embedded(&folder.path().join("state.redb"), Durability::Eventual),
        quotas: QUOTAS,
    };
    Store::open_at(&config, lab.clock.clone()).unwrap()
}

/// A new one each time; a failure names it.
fn rand_seed() -> u64 {
    match std::env::var("STORE_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => crate::store::SystemClock.now(),
    }
}

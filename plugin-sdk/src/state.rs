//! Data that outlives an exchange: values by key in the plugin's bucket. The plugin needs the permission `state`.
//!
//! Each function takes effect at one moment, also between hosts that share a Redis server. In the trial of a version the bucket
//! is empty and forgotten afterwards.
//!
//! ```
//! use std::time::Duration;
//! use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict, state, testing};
//!
//! /// So many requests in a minute, and no more.
//! #[derive(serde::Deserialize)]
//! struct Quota {
//!     most: i64,
//! }
//!
//! impl Plugin for Quota {
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         let user = request.field("x-user").map(|user| user.to_string()).unwrap_or_default();
//!         let count = state::increment_for(&user, 1, Duration::from_secs(60))?;
//!         Ok(if count > self.most { Answer::new(429).into() } else { Verdict::Forward })
//!     }
//! }
//!
//! let quota = |count: &str| {
//!     let exchange = testing::exchange().setting("most", "2").field("x-user", "ann");
//!     exchange.state("ann", count).run::<Quota>()
//! };
//! assert_eq!(quota("1").response.status, 200);
//! assert_eq!(quota("2").response.status, 429);
//! assert_eq!(quota("1").state["ann"], b"2");
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::host;

pub use crate::error::StateError;

/// The value of a key; `None` if there is none or it has expired.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, StateError> {
    host::state_get(key)
}

/// Sets a value, which never expires.
pub fn set(key: &str, value: impl AsRef<[u8]>) -> Result<(), StateError> {
    host::state_set(key, value.as_ref(), None)
}

/// Sets a value, which expires after this time.
pub fn set_for(key: &str, value: impl AsRef<[u8]>, ttl: Duration) -> Result<(), StateError> {
    host::state_set(key, value.as_ref(), Some(millis(ttl)))
}

/// Removes a key. False if there was none.
pub fn delete(key: &str) -> Result<bool, StateError> {
    host::state_delete(key)
}

/// Adds to a whole number, written in decimal, and gives the sum. An absent key counts as 0.
pub fn increment(key: &str, by: i64) -> Result<i64, StateError> {
    host::state_increment(key, by, None)
}

/// The same with a key that expires this long after it was created: a counter for a fixed period.
pub fn increment_for(key: &str, by: i64, ttl: Duration) -> Result<i64, StateError> {
    host::state_increment(key, by, Some(millis(ttl)))
}

/// Replaces a value if it is as expected; `None` is an absent key. False if it was not as expected; nothing was changed then.
pub fn compare_and_swap(
    key: &str,
    expected: Option<&[u8]>,
    new: Option<&[u8]>,
) -> Result<bool, StateError> {
    host::state_swap(key, expected, new, None)
}

/// The same with a value that expires after this time.
pub fn compare_and_swap_for(
    key: &str,
    expected: Option<&[u8]>,
    new: Option<&[u8]>,
    ttl: Duration,
) -> Result<bool, StateError> {
    host::state_swap(key, expected, new, Some(millis(ttl)))
}

/// Keys that begin with a prefix, in the order of their bytes, behind `after`, at most `limit` and at most 1000.
pub fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, StateError> {
    host::state_keys(prefix, after, limit)
}

fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

//! Where an issuer's keys come from: the settings, or a JWKS that is fetched.
//!
//! A JWKS is fetched by one instance and kept in the plugin's state, where all others find it. Each instance has a copy, and
//! compares it with the state once in each `retry` interval. A claim in the state sees to it that of all instances, also
//! of several hosts, one sends a request, and at most one in each interval: whatever tokens clients send, an issuer gets
//! no more requests than that.

use std::cell::{Ref, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tollgate_plugin::{client, state, warn};

use crate::keys::{self, Key};
use crate::verified::Verified;

/// A request for keys takes at most this long, and less than the retry interval.
const TIMEOUT: u64 = 5_000;

/// Of a JWKS.
const MOST_BYTES: usize = 512 * 1024;

/// Values of the claim.
const UNDER_WAY: &[u8] = b"under way";
const DONE: &[u8] = b"done";
const FAILED: &[u8] = b"failed";

/// Keys of one issuer.
#[derive(Debug)]
pub enum Source {
    Fixed(Rc<Vec<Key>>, RefCell<Verified>),
    Jwks(Box<Jwks>),
}

/// No keys can be had, so nobody can be let through.
#[derive(Debug, PartialEq, Eq)]
pub struct Absent;

/// What a look for newer keys found.
#[derive(Debug)]
pub enum Newer {
    Keys(Rc<Vec<Key>>),
    /// There are none.
    None,
    /// Another instance asks the issuer at the moment.
    UnderWay,
}

impl Source {
    pub fn fixed(keys: Vec<Key>) -> Self {
        Self::Fixed(Rc::new(keys), RefCell::default())
    }

    /// The keys to use. `now` is in milliseconds since 1970, as everywhere here.
    pub fn keys(&self, now: u64) -> Result<Rc<Vec<Key>>, Absent> {
        match self {
            Self::Fixed(keys, _) => Ok(Rc::clone(keys)),
            Self::Jwks(jwks) => jwks.keys(now),
        }
    }

    /// Looks for a key that is not among those to use.
    pub fn newer(&self, now: u64) -> Newer {
        match self {
            Self::Fixed(..) => Newer::None,
            Self::Jwks(jwks) => jwks.newer(now),
        }
    }

    /// Whether a signature was verified with the keys to use.
    pub fn is_verified(&self, token: &[u8; 32]) -> bool {
        match self {
            Self::Fixed(_, verified) => verified.borrow().has(token),
            Self::Jwks(jwks) => jwks.held().verified.has(token),
        }
    }

    pub fn remember(&self, token: [u8; 32]) {
        match self {
            Self::Fixed(_, verified) => verified.borrow_mut().add(token),
            Self::Jwks(jwks) => jwks.held.borrow_mut().verified.add(token),
        }
    }
}

/// Intervals, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Keys that are older are fetched again.
    pub refresh: u64,
    /// How long no second request is sent.
    pub retry: u64,
    /// Keys that are older are not used.
    pub max_age: u64,
}

/// A JWKS at a URL.
#[derive(Debug)]
pub struct Jwks {
    pub url: String,
    times: Times,
    held: RefCell<Held>,
}

/// This instance's copy.
#[derive(Debug, Default)]
struct Held {
    keys: Rc<Vec<Key>>,
    /// Of the JWKS that they were read from.
    digest: Option<[u8; 32]>,
    /// When the issuer sent them.
    fetched: u64,
    /// When the state was last looked at.
    seen: u64,
    /// When this instance last wanted newer ones.
    tried: u64,
    verified: Verified,
}

enum Claim {
    Mine,
    UnderWay,
    Failed,
    Done,
}

impl Jwks {
    pub fn new(url: String, times: Times) -> Self {
        Self {
            url,
            times,
            held: RefCell::default(),
        }
    }

    fn held(&self) -> Ref<'_, Held> {
        self.held.borrow()
    }

    fn keys(&self, now: u64) -> Result<Rc<Vec<Key>>, Absent> {
        if self.held().digest.is_none() || now.saturating_sub(self.held().seen) >= self.times.retry
        {
            self.look(now);
        }
        let is_usable = self.age(now).is_some_and(|age| age < self.times.max_age);
        let is_fresh = self.age(now).is_some_and(|age| age < self.times.refresh);
        let has_waited = now.saturating_sub(self.held().tried) >= self.times.retry;
        if !is_fresh && (has_waited || !is_usable) {
            match self.claim(now) {
                Claim::Mine => self.fetch_or_warn(now),
                // Better a second request than an answer without a look at the keys.
                Claim::UnderWay | Claim::Done if !is_usable => self.fetch_or_warn(now),
                Claim::UnderWay | Claim::Done | Claim::Failed => {}
            }
        }
        match self.age(now) {
            Some(age) if age < self.times.max_age => Ok(Rc::clone(&self.held().keys)),
            _ => Err(Absent),
        }
    }

    fn newer(&self, now: u64) -> Newer {
        let before = self.held().digest;
        self.look(now);
        if self.held().digest == before {
            match self.claim(now) {
                Claim::Mine => self.fetch_or_warn(now),
                Claim::UnderWay => return Newer::UnderWay,
                Claim::Done | Claim::Failed => {}
            }
        }
        match self.held().digest == before {
            true => Newer::None,
            false => Newer::Keys(Rc::clone(&self.held().keys)),
        }
    }

    /// Fetches the keys when half of their time is over, so that no request has to wait for them.
    ///
    /// # Errors
    /// Why the issuer's answer is of no use.
    pub fn refresh(&self, now: u64) -> Result<(), String> {
        self.look(now);
        if self
            .age(now)
            .is_some_and(|age| age < self.times.refresh / 2)
        {
            return Ok(());
        }
        match self.claim(now) {
            Claim::Mine => self.fetch(now),
            Claim::UnderWay | Claim::Done | Claim::Failed => Ok(()),
        }
    }

    #[cfg(test)]
    pub fn remembered(&self) -> usize {
        self.held().verified.len()
    }

    /// How old the keys are, if there are any.
    fn age(&self, now: u64) -> Option<u64> {
        let held = self.held();
        held.digest.map(|_| now.saturating_sub(held.fetched))
    }

    /// Looks whether another instance has fetched newer keys.
    fn look(&self, now: u64) {
        self.held.borrow_mut().seen = now;
        let value = match state::get(&self.key("jwks")) {
            Ok(Some(value)) => value,
            Ok(None) => return,
            Err(error) => {
                return warn!(
                    "the keys of {} cannot be read from the state: {error}",
                    self.url
                );
            }
        };
        let line_end = value
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(value.len());
        let (fetched, json) = (
            &value[..line_end],
            value.get(line_end + 1..).unwrap_or_default(),
        );
        let fetched = std::str::from_utf8(fetched)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        // The clock of another host may be ahead.
        let fetched = u64::min(fetched, now);
        let is_newer = self.held().digest.is_none() || fetched > self.held().fetched;
        if is_newer && let Err(why) = self.take(json, fetched) {
            warn!(
                "the keys of {} in the state cannot be used: {why}",
                self.url
            );
        }
    }

    /// Asks to be the one who sends a request.
    fn claim(&self, now: u64) -> Claim {
        let tried = std::mem::replace(&mut self.held.borrow_mut().tried, now);
        let ttl = Duration::from_millis(self.times.retry);
        let key = self.key("claim");
        let claimed = state::compare_and_swap_for(&key, None, Some(UNDER_WAY), ttl);
        match claimed
            .and_then(|is_mine| Ok((is_mine, if is_mine { None } else { state::get(&key)? })))
        {
            Ok((true, _)) => Claim::Mine,
            Ok((false, Some(value))) if value == UNDER_WAY => Claim::UnderWay,
            Ok((false, Some(value))) if value == FAILED => Claim::Failed,
            Ok((false, _)) => Claim::Done,
            // Without the state each instance is for itself.
            Err(error) => {
                warn!(
                    "the state cannot be used, so each instance fetches {} for itself: {error}",
                    self.url
                );
                match now.saturating_sub(tried) >= self.times.retry {
                    true => Claim::Mine,
                    false => Claim::Failed,
                }
            }
        }
    }

    /// Fetches the keys. Those that there are stay in use if that fails.
    fn fetch(&self, now: u64) -> Result<(), String> {
        let fetched = self
            .ask()
            .and_then(|json| self.take(&json, now).map(|()| json));
        let ttl = Duration::from_millis(self.times.retry);
        let outcome = if fetched.is_ok() { DONE } else { FAILED };
        // Before the claim: whoever finds it done finds the keys too.
        if let Ok(json) = &fetched {
            let value = [now.to_string().as_bytes(), b"\n", json.as_slice()].concat();
            let max_age = Duration::from_millis(self.times.max_age);
            if let Err(error) = state::set_for(&self.key("jwks"), value, max_age) {
                warn!(
                    "the keys of {} cannot be written to the state: {error}",
                    self.url
                );
            }
        }
        if let Err(error) = state::set_for(&self.key("claim"), outcome, ttl) {
            warn!("the state cannot be written: {error}");
        }
        fetched
            .map(|_| ())
            .map_err(|why| format!("the keys of {} could not be fetched: {why}", self.url))
    }

    fn fetch_or_warn(&self, now: u64) {
        if let Err(why) = self.fetch(now) {
            warn!("{why}");
        }
    }

    fn ask(&self) -> Result<Vec<u8>, String> {
        let request = client::request("GET", &self.url)
            .field("accept", "application/jwk-set+json, application/json")
            .timeout(Duration::from_millis(TIMEOUT.min(self.times.retry)));
        let response = request.send().map_err(|error| error.to_string())?;
        if response.status != 200 {
            return Err(format!(
                "the answer has the status {}, expected 200",
                response.status
            ));
        }
        if response.body.len() > MOST_BYTES {
            return Err(format!("the answer has more than {MOST_BYTES} bytes"));
        }
        Ok(response.body)
    }

    /// Takes keys into use, if there are any.
    fn take(&self, json: &[u8], fetched: u64) -> Result<(), String> {
        let digest: [u8; 32] = Sha256::digest(json).into();
        if self.held().digest != Some(digest) {
            let (keys, refused) = keys::read_set(json)?;
            for why in refused {
                warn!("a key of {} is not used: {why}", self.url);
            }
            let mut held = self.held.borrow_mut();
            held.keys = Rc::new(keys);
            held.digest = Some(digest);
            // With a key that is gone, nothing is verified any more.
            held.verified = Verified::default();
        }
        self.held.borrow_mut().fetched = fetched;
        Ok(())
    }

    fn key(&self, what: &str) -> String {
        format!("{what} {}", self.url)
    }
}

//! The exchange that a native build keeps for the running thread in place of a host, and the host's rules on it.

mod message;
mod metrics;
mod websocket;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::field::Field;
use crate::outbound::{IncomingResponse, OutgoingRequest, SendError};
use crate::{FieldError, Level};

use message::is_token;
pub(crate) use message::{Body, Message};
pub(crate) use metrics::MetricKind;
pub use metrics::Recorded;
pub(crate) use websocket::SentMessages;

thread_local! {
    static IN_HAND: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Everything that the host knows about an exchange.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) method: String,
    pub(crate) scheme: String,
    pub(crate) target: String,
    pub(crate) request: Message,
    pub(crate) status: u16,
    pub(crate) response: Message,
    /// What `forward_request` set on the response before it forwarded.
    pub(crate) error_fields: Vec<Field>,
    pub(crate) id: String,
    pub(crate) client_address: String,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) log: Vec<(Level, String)>,
    /// Of the body that is rewritten: what went on so far.
    pub(crate) emitted: Vec<Vec<u8>>,
    /// Of the WebSocket whose messages it gets.
    pub(crate) websocket: SentMessages,
    pub(crate) slept: Duration,
    pub(crate) kept: BTreeMap<String, Kept>,
    /// Of outbound requests, by URI.
    pub(crate) answers: Vec<(String, Result<IncomingResponse, SendError>)>,
    pub(crate) asked: Vec<OutgoingRequest>,
    pub(crate) metrics: Recorded,
    /// Where the request goes, and where it could.
    pub(crate) backend: String,
    pub(crate) backends: Vec<String>,
    /// Whether `forward_request` runs.
    pub(crate) may_choose: bool,
    /// Since 1970.
    pub(crate) now: Duration,
    pub(crate) random: u64,
}

/// A value in the plugin's state.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) value: Vec<u8>,
    /// Since 1970.
    pub(crate) until: Option<Duration>,
}

/// Takes the exchange out of hand when dropped, so that a panic in one test doesn't reach the next one.
pub(crate) struct Guard(());

/// Puts an exchange in hand.
pub(crate) fn install(state: State) -> Guard {
    let before = IN_HAND.replace(Some(state));
    assert!(before.is_none(), "an exchange runs on this thread already");
    Guard(())
}

/// Lets a host function work on the current exchange.
pub(crate) fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    IN_HAND.with_borrow_mut(|state| match state {
        Some(state) => act(state),
        None => panic!("no exchange in hand: run the plugin through tollgate_plugin::testing"),
    })
}

impl Guard {
    pub(crate) fn take(self) -> State {
        IN_HAND.take().unwrap_or_default()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        IN_HAND.take();
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            target: "/".to_owned(),
            request: Message::default(),
            status: 200,
            response: Message::default(),
            error_fields: Vec::new(),
            id: "test".to_owned(),
            client_address: "127.0.0.1:50000".to_owned(),
            notes: BTreeMap::new(),
            settings: Vec::new(),
            log: Vec::new(),
            emitted: Vec::new(),
            websocket: SentMessages::default(),
            slept: Duration::ZERO,
            kept: BTreeMap::new(),
            answers: Vec::new(),
            asked: Vec::new(),
            metrics: Recorded::default(),
            backend: "default".to_owned(),
            backends: Vec::new(),
            may_choose: false,
            now: Duration::from_secs(1_767_225_600),
            random: 0,
        }
    }
}

impl State {
    pub(crate) fn set_method(&mut self, method: &str) -> Result<(), FieldError> {
        if !is_token(method) || method == "CONNECT" {
            return Err(FieldError::InvalidValue(format!(
                "{method:?} is not a method"
            )));
        }
        self.method = method.to_owned();
        Ok(())
    }

    pub(crate) fn set_target(&mut self, target: &str) -> Result<(), FieldError> {
        let form = target.starts_with('/') || target == "*";
        if !form
            || target
                .bytes()
                .any(|byte| byte <= b' ' || byte == 0x7f || byte == b'#')
        {
            return Err(FieldError::InvalidValue(format!(
                "the target {target:?} is not a path that begins with / and has no space or #"
            )));
        }
        self.target = target.to_owned();
        Ok(())
    }

    pub(crate) fn set_status(&mut self, status: u16) -> Result<(), FieldError> {
        if !(200..=599).contains(&status) {
            return Err(FieldError::InvalidValue(format!(
                "the status {status} is not in 200 to 599"
            )));
        }
        self.status = status;
        Ok(())
    }

    /// What is kept under a key and has not expired.
    pub(crate) fn kept(&self, key: &str) -> Option<&Kept> {
        let kept = self.kept.get(key)?;
        kept.until
            .is_none_or(|until| until > self.now)
            .then_some(kept)
    }

    /// The next number of SplitMix64.
    pub(crate) fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

//! Keys that are fetched: several instances over time, which share a state.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_plugin::client::SendError;
use tollgate_plugin::testing::{self, Outcome};
use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};

use super::{NOW, good, jwks};
use crate::settings::JwtAuth;
use crate::source::Source;

const URL: &str = "https://id.example/jwks.json";

thread_local! {
    static INSTANCES: RefCell<Vec<JwtAuth>> = const { RefCell::new(Vec::new()) };
}

/// One of the instances, which stay from one exchange to the next.
#[derive(Deserialize)]
struct Instance {
    number: usize,
}

impl Plugin for Instance {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        INSTANCES.with_borrow(|all| all[self.number].forward_request(request))
    }
}

/// What the issuer answers.
#[derive(Clone)]
enum Issuer {
    Keys(Vec<u8>),
    Answer(Answer),
    Down,
}

/// Instances, their state, and the issuer.
struct World {
    state: BTreeMap<String, Vec<u8>>,
    claimed: u64,
    issuer: Issuer,
    requests: usize,
}

impl World {
    fn new(instances: usize) -> Self {
        let settings = json!({
            "issuers": [{ "issuer": "https://id.example/", "audience": "api", "jwks": URL }],
            "retry_seconds": 10, "refresh_seconds": 300, "max_age_seconds": 3600,
        });
        INSTANCES.with_borrow_mut(|all| {
            *all = (0..instances)
                .map(|_| serde_json::from_value(settings.clone()).unwrap())
                .collect();
        });
        Self {
            state: BTreeMap::new(),
            claimed: 0,
            issuer: Issuer::Keys(vec![1]),
            requests: 0,
        }
    }

    /// What an instance makes of a token, so many seconds later than [`NOW`]. True if it goes on.
    fn ask(&mut self, instance: usize, at: u64, token: &str) -> Outcome {
        if at >= self.claimed + 10 {
            // The time to live of a claim; the test has no other.
            self.state.remove(&format!("claim {URL}"));
        }
        let had_claim = self.state.contains_key(&format!("claim {URL}"));
        let mut exchange = testing::exchange()
            .now(Duration::from_secs(NOW + at))
            .field("authorization", format!("Bearer {token}"))
            .setting("number", instance as u64);
        for (key, value) in &self.state {
            exchange = exchange.state(key, value);
        }
        let exchange = match &self.issuer {
            Issuer::Keys(numbers) => exchange.outbound(URL, Answer::new(200).text(jwks(numbers))),
            Issuer::Answer(answer) => exchange.outbound(URL, answer.clone()),
            Issuer::Down => {
                exchange.outbound_error(URL, SendError::Unreachable("nobody is there".to_owned()))
            }
        };
        let outcome = exchange.run::<Instance>();
        assert_eq!(outcome.error, None);
        self.state = outcome.state.clone();
        if !had_claim && self.state.contains_key(&format!("claim {URL}")) {
            self.claimed = at;
        }
        self.requests += outcome.outbound.len();
        outcome
    }

    fn status(&mut self, instance: usize, at: u64, token: &str) -> u16 {
        let outcome = self.ask(instance, at, token);
        match outcome.reached_backend {
            true => 200,
            false => outcome.response.status,
        }
    }
}

fn token(number: u8) -> String {
    good(number, &json!({ "exp": NOW + 1_000_000 }))
}

#[test]
fn one_instance_fetches_and_all_have_the_keys() {
    let mut world = World::new(3);
    let outcome = world.ask(0, 0, &token(1));
    assert!(outcome.reached_backend, "{outcome:?}");
    assert_eq!(outcome.outbound[0].uri, URL);
    assert_eq!(outcome.outbound[0].timeout, Some(Duration::from_secs(5)));
    for instance in [1, 2, 0] {
        assert_eq!(world.status(instance, 1, &token(1)), 200);
    }
    assert_eq!(world.requests, 1);
    // After the refresh interval one of them fetches again, and the others take that.
    for instance in [0, 1, 2] {
        assert_eq!(world.status(instance, 299, &token(1)), 200);
    }
    assert_eq!(world.requests, 1);
    for instance in [2, 1, 0] {
        assert_eq!(world.status(instance, 320, &token(1)), 200);
    }
    assert_eq!(world.requests, 2);
}

#[test]
fn a_new_key_is_fetched_when_it_is_first_seen() {
    let mut world = World::new(2);
    assert_eq!(world.status(0, 0, &token(1)), 200);
    assert_eq!(world.status(1, 0, &token(1)), 200);
    world.issuer = Issuer::Keys(vec![1, 2]);
    assert_eq!(world.status(0, 20, &token(2)), 200);
    assert_eq!(world.requests, 2);
    // The other instance finds it in the state.
    assert_eq!(world.status(1, 20, &token(2)), 200);
    assert_eq!(world.requests, 2);
}

#[test]
fn unknown_keys_cause_one_request_in_an_interval() {
    let mut world = World::new(2);
    assert_eq!(world.status(0, 0, &token(1)), 200);
    for second in 1..=40 {
        assert_eq!(world.status(second as usize % 2, second, &token(9)), 401);
    }
    assert_eq!(world.requests, 1 + 4);
    assert_eq!(world.status(1, 41, &token(1)), 200);
}

#[test]
fn an_instance_that_finds_a_request_under_way_says_so() {
    let mut world = World::new(1);
    assert_eq!(world.status(0, 0, &token(1)), 200);
    world.claimed = 20;
    world.ask(0, 20, &token(1));
    world
        .state
        .insert(format!("claim {URL}"), b"under way".to_vec());
    world.claimed = 20;
    let outcome = world.ask(0, 21, &token(2));
    assert_eq!(
        (
            outcome.response.status,
            outcome.response.field("retry-after")
        ),
        (503, Some("1"))
    );
    assert_eq!(world.status(0, 21, &token(1)), 200);
    // Without keys it does not wait for the other.
    let mut world = World::new(1);
    world
        .state
        .insert(format!("claim {URL}"), b"under way".to_vec());
    assert_eq!(world.status(0, 1, &token(1)), 200);
}

#[test]
fn a_key_that_is_gone_takes_its_tokens_with_it() {
    let mut world = World::new(2);
    world.issuer = Issuer::Keys(vec![1, 2]);
    for instance in [0, 1] {
        assert_eq!(world.status(instance, 0, &token(1)), 200);
        assert_eq!(world.status(instance, 0, &token(2)), 200);
    }
    world.issuer = Issuer::Keys(vec![2]);
    assert_eq!(world.status(0, 301, &token(1)), 401);
    // The other one looks once in an interval.
    assert_eq!(world.status(1, 312, &token(1)), 401);
    assert_eq!(world.status(1, 312, &token(2)), 200);
}

#[test]
fn a_remembered_token_expires_all_the_same() {
    let mut world = World::new(1);
    let short = good(1, &json!({ "exp": NOW + 10 }));
    assert_eq!(world.status(0, 0, &short), 200);
    let remembered = INSTANCES.with_borrow(|all| match &all[0].issuers[0].source {
        Source::Jwks(jwks) => jwks.remembered(),
        Source::Fixed(..) => 0,
    });
    assert_eq!(remembered, 1);
    assert_eq!(world.status(0, 39, &short), 200);
    assert_eq!(world.status(0, 40, &short), 401);
}

#[test]
fn old_keys_serve_while_the_issuer_is_down_and_not_for_ever() {
    let mut world = World::new(2);
    assert_eq!(world.status(0, 0, &token(1)), 200);
    world.issuer = Issuer::Down;
    for at in [301, 302, 305, 1_000, 3_599] {
        assert_eq!(world.status(at as usize % 2, at, &token(1)), 200, "{at}");
    }
    assert_eq!(world.requests, 1 + 3);
    let outcome = world.ask(0, 3_620, &token(1));
    assert_eq!(
        (
            outcome.response.status,
            outcome.response.field("retry-after")
        ),
        (503, Some("10"))
    );
    assert_eq!(outcome.response.field("www-authenticate"), None);
    // For the rest of the interval nobody asks.
    let requests = world.requests;
    assert_eq!(
        (world.status(1, 3_621, &token(1)), world.requests),
        (503, requests)
    );
    world.issuer = Issuer::Keys(vec![1]);
    assert_eq!(world.status(1, 3_631, &token(1)), 200);
    assert_eq!(world.status(0, 3_631, &token(1)), 200);
}

#[test]
fn without_keys_nobody_passes() {
    let answers = [
        Issuer::Down,
        Issuer::Answer(Answer::new(404).text(jwks(&[1]))),
        Issuer::Answer(Answer::new(200).text("<html>")),
        Issuer::Answer(Answer::new(200).text(r#"{"keys":[]}"#)),
        Issuer::Answer(Answer::new(200).text(r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#)),
        Issuer::Answer(Answer::new(200).text(" ".repeat(600_000))),
    ];
    for issuer in answers {
        let mut world = World::new(2);
        world.issuer = issuer.clone();
        assert_eq!(world.status(0, 0, &token(1)), 503);
        assert_eq!(world.status(1, 1, &token(1)), 503);
        assert_eq!(world.requests, 1);
        // Old keys are not given up for such an answer either.
        let mut world = World::new(1);
        assert_eq!(world.status(0, 0, &token(1)), 200);
        world.issuer = issuer;
        assert_eq!(world.status(0, 400, &token(1)), 200);
        assert_eq!(world.requests, 2);
    }
}

#[test]
fn what_is_in_the_state_is_not_trusted_blindly() {
    for value in [
        "",
        "x",
        "\n",
        "1767225600000\n<html>",
        "99999999999999999999\n{}",
        "1767225600000",
    ] {
        let mut world = World::new(1);
        world
            .state
            .insert(format!("jwks {URL}"), value.as_bytes().to_vec());
        assert_eq!(world.status(0, 0, &token(1)), 200, "{value}");
        assert_eq!(world.requests, 1);
    }
    // A clock that is ahead does not make keys fresh for ever.
    let mut world = World::new(1);
    let ahead = format!("{}\n{}", (NOW + 1_000_000) * 1000, jwks(&[1]));
    world
        .state
        .insert(format!("jwks {URL}"), ahead.into_bytes());
    assert_eq!(world.status(0, 0, &token(1)), 200);
    assert_eq!(world.requests, 0);
    world.issuer = Issuer::Keys(vec![2]);
    assert_eq!(world.status(0, 320, &token(2)), 200);
}

#[test]
fn keys_are_fetched_ahead_of_time_in_the_background() {
    let settings = json!({
        "issuers": [{ "issuer": "https://id.example/", "audience": "api", "jwks": URL }, { "issuer": "b", "secret": "x".repeat(32) }],
    });
    let tick = |at: u64, state: &BTreeMap<String, Vec<u8>>, answer: Answer| {
        let exchange = testing::exchange()
            .now(Duration::from_secs(NOW + at))
            .settings(settings.clone());
        let exchange = state.iter().fold(exchange, |exchange, (key, value)| {
            exchange.state(key, value)
        });
        exchange.outbound(URL, answer).tick::<JwtAuth>()
    };
    let keys = || Answer::new(200).text(jwks(&[1]));
    let first = tick(0, &BTreeMap::new(), keys());
    assert_eq!((first.error, first.outbound.len()), (None, 1));
    // A request finds them without a request of its own.
    let mut world = World::new(1);
    world.state = first.state.clone();
    assert_eq!((world.status(0, 1, &token(1)), world.requests), (200, 0));

    let mut state = first.state;
    state.remove(&format!("claim {URL}"));
    assert_eq!(tick(149, &state, keys()).outbound.len(), 0);
    assert_eq!(tick(150, &state, keys()).outbound.len(), 1);
    let failed = tick(150, &state, Answer::new(500));
    let why = format!(
        "the keys of {URL} could not be fetched: the answer has the status 500, expected 200"
    );
    assert_eq!(failed.error.as_deref(), Some(why.as_str()));
    assert_eq!(
        failed.state[&format!("jwks {URL}")],
        state[&format!("jwks {URL}")]
    );
    // Nobody asks twice in an interval.
    assert_eq!(tick(151, &failed.state, keys()).outbound.len(), 0);
}

#[test]
fn remembered_tokens_are_bounded() {
    let mut verified = crate::verified::Verified::default();
    for number in 0..3_000_u32 {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        verified.add(hash);
        verified.add(hash);
    }
    assert_eq!(verified.len(), 1_000);
    assert!(!verified.has(&[0; 32]));
}

#[test]
fn settings_are_json_too() {
    let all: Value = json!({ "issuers": [{ "jwks": URL }] });
    let auth: JwtAuth = serde_json::from_value(all).unwrap();
    assert_eq!(auth.issuers[0].name, None);
}

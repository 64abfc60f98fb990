//! Subscriptions of HTTP endpoints, as the state keeps them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tollgate_plugin::{Result, random, state};

use crate::signatures::hex;

/// Where the backend posts to; the token of a subscription follows.
pub const PLACE: &str = "/_aws-extras/sns/";

/// Subscriptions at most: what one answer of the state can list.
pub const MOST: u32 = 1000;

/// How long a subscription waits for its confirmation: three days.
const PENDING: Duration = Duration::from_secs(3 * 86_400);

const BY_TOKEN: &str = "sns/s/";

/// A subscription of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub endpoint: String,
    pub protocol: String,
    pub topic: String,
    pub arn: String,
    pub is_confirmed: bool,
    pub is_raw: bool,
    /// What the endpoint sends back to confirm.
    pub confirmation: String,
    /// How the client that subscribed calls the proxy.
    pub base: String,
}

/// The name of a subscription in our URLs. The same topic and endpoint always have the same one, so that the backend sees that it
/// has the subscription already. Nobody can guess it who does not know the state.
pub fn token(topic: &str, protocol: &str, endpoint: &str) -> Result<String> {
    let secret = secret()?;
    let hash = Sha256::new()
        .chain_update(secret)
        .chain_update([0])
        .chain_update(topic);
    let hash = hash
        .chain_update([0])
        .chain_update(protocol)
        .chain_update([0])
        .chain_update(endpoint);
    Ok(hex(&hash.finalize()))
}

fn secret() -> Result<Vec<u8>> {
    const KEY: &str = "sns/secret";
    if let Some(secret) = state::get(KEY)? {
        return Ok(secret);
    }
    // Two may make one at the same time; the first counts.
    state::compare_and_swap(KEY, None, Some(long_random().as_bytes()))?;
    Ok(state::get(KEY)?.unwrap_or_default())
}

/// 64 hexadecimal digits.
pub fn long_random() -> String {
    (0..4).map(|_| format!("{:016x}", random::u64())).collect()
}

pub fn by_token(token: &str) -> Result<Option<Subscription>> {
    let value = state::get(&format!("{BY_TOKEN}{token}"))?;
    Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
}

/// The subscription of this ARN, with its token.
pub fn by_arn(arn: &str) -> Result<Option<(String, Subscription)>> {
    let Some(token) = state::get(&format!("sns/a/{arn}"))? else {
        return Ok(None);
    };
    let token = String::from_utf8_lossy(&token).into_owned();
    Ok(by_token(&token)?.map(|found| (token, found)))
}

/// The subscription that waits for this confirmation, with its token.
pub fn by_confirmation(confirmation: &str) -> Result<Option<(String, Subscription)>> {
    for (token, found) in all()? {
        if found.confirmation == confirmation {
            return Ok(Some((token, found)));
        }
    }
    Ok(None)
}

/// All of them, with their tokens.
pub fn all() -> Result<Vec<(String, Subscription)>> {
    let mut found = Vec::new();
    for key in state::keys(BY_TOKEN, None, MOST)? {
        let token = key[BY_TOKEN.len()..].to_owned();
        if let Some(subscription) = by_token(&token)? {
            found.push((token, subscription));
        }
    }
    Ok(found)
}

/// Whether one more has room.
pub fn have_room() -> Result<bool> {
    Ok(state::keys(BY_TOKEN, None, MOST)?.len() < MOST as usize)
}

pub fn write(token: &str, subscription: &Subscription) -> Result<()> {
    let value = serde_json::to_vec(subscription)?;
    let (key, by_arn) = (
        format!("{BY_TOKEN}{token}"),
        format!("sns/a/{}", subscription.arn),
    );
    if subscription.is_confirmed {
        state::set(&key, value)?;
        state::set(&by_arn, token)?;
    } else {
        state::set_for(&key, value, PENDING)?;
        state::set_for(&by_arn, token, PENDING)?;
    }
    Ok(())
}

pub fn remove(token: &str, subscription: &Subscription) -> Result<()> {
    state::delete(&format!("{BY_TOKEN}{token}"))?;
    state::delete(&format!("sns/a/{}", subscription.arn))?;
    Ok(())
}

//! A rate limit: a token bucket for each client address, value of a field, or path.
//!
//! The bucket is in the plugin's state, and is changed by compare-and-swap: of requests at the same time none is counted
//! twice or not at all, also where several hosts share the state.

mod bucket;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tollgate_plugin::{
    Answer, Error, Plugin, Request, Response, Result, Verdict, clocks, exchange, info, state,
};

use bucket::{Bucket, Taken};
use settings::{By, RateLimit};

/// Attempts to change a bucket that others change at the same time.
const ATTEMPTS: u32 = 20;

/// Under which the fields for the response are kept until it is there.
const NOTE: &str = "rate-limit.fields";

impl Plugin for RateLimit {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let key = self.key(request);
        let taken = self.take(&key)?;
        let fields = self.fields(taken);
        if taken.is_allowed {
            exchange::set_note(NOTE, fields);
            return Ok(Verdict::Forward);
        }
        info!(
            "refused {} {}: the limit of {key} is reached",
            request.method(),
            request.target()
        );
        let wait = taken.wait.as_millis().div_ceil(1000).max(1);
        let answer = Answer::new(429)
            .field("retry-after", wait.to_string())
            .text("too many requests; try again later\n");
        exchange::set_note(NOTE, fields);
        Ok(answer.into())
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        let Some(fields) = exchange::note(NOTE) else {
            return Ok(());
        };
        let fields = String::from_utf8(fields)?;
        if let Some((policy, limit)) = fields.split_once('\n') {
            response.set_field("ratelimit-policy", policy)?;
            response.set_field("ratelimit", limit)?;
        }
        Ok(())
    }
}

impl RateLimit {
    /// Whose bucket a request takes from.
    fn key(&self, request: &Request) -> String {
        match &self.by {
            By::All => "all".to_owned(),
            By::Client => {
                let peer = exchange::client_address();
                // Without the port: each connection has another one.
                let address = peer
                    .rsplit_once(':')
                    .map_or(peer.as_str(), |(address, _)| address);
                format!("client {address}")
            }
            By::Path => format!("path {}", request.path()),
            By::Field(name) => match request.field(name) {
                Some(value) => format!("{name} {value}"),
                // Those without the field have one bucket together.
                None => format!("no {name}"),
            },
        }
    }

    /// Takes a token out of a bucket, if there is one.
    fn take(&self, key: &str) -> Result<Taken> {
        for _ in 0..ATTEMPTS {
            let now = clocks::unix_ms();
            let before = state::get(key)?;
            let bucket = before.as_deref().and_then(Bucket::read);
            let mut bucket = bucket.unwrap_or_else(|| Bucket::full(&self.limit, now));
            let taken = bucket.take(&self.limit, now);
            if !taken.is_allowed {
                return Ok(taken);
            }
            let after = bucket.write();
            // A bucket that is full again need not be kept.
            let ttl = self.limit.time_to_fill() + Duration::from_secs(1);
            if state::compare_and_swap_for(key, before.as_deref(), Some(&after), ttl)? {
                return Ok(taken);
            }
        }
        Err(Error::new(format!(
            "the bucket of {key} was changed by others {ATTEMPTS} times in a row"
        )))
    }

    /// The values of `ratelimit-policy` and `ratelimit` (draft-ietf-httpapi-ratelimit-headers), one line each.
    fn fields(&self, taken: Taken) -> String {
        let limit = &self.limit;
        let window = limit.period.as_secs().max(1);
        let reset = taken.wait.as_millis().div_ceil(1000);
        format!(
            "\"default\";q={};w={window}\n\"default\";r={};t={reset}",
            limit.requests, taken.left
        )
    }
}

tollgate_plugin::export!(RateLimit);

//! What a client hears whose request does not go on (RFC 6750, section 3).

use std::fmt;

use tollgate_plugin::Answer;

use crate::claims::Lack;

/// Why a request does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has no token. That is no error: the answer only says what is wanted.
    Missing,
    /// It is not clear which token is meant.
    Unclear(&'static str),
    /// The token is not valid.
    Invalid(String),
    /// The token is valid and not good for this.
    Scope,
    /// The issuer's keys cannot be had.
    NoKeys,
    /// Newer keys of the issuer are on their way.
    NoKeysYet,
}

impl From<Lack> for Refusal {
    fn from(lack: Lack) -> Self {
        match lack {
            Lack::Invalid(why) => Self::Invalid(why),
            Lack::Scope => Self::Scope,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the request has no token",
            Self::Unclear(why) => why,
            Self::Invalid(why) => why,
            Self::Scope => "the token lacks a scope",
            Self::NoKeys => "the keys of the token's issuer cannot be had",
            Self::NoKeysYet => "newer keys of the token's issuer are being fetched",
        })
    }
}

impl Refusal {
    /// The answer. `retry` is in milliseconds.
    pub fn answer(&self, realm: &str, scopes: &[String], retry: u64) -> Answer {
        let (status, error) = match self {
            Self::Missing => (401, None),
            Self::Unclear(_) => (400, Some("invalid_request")),
            Self::Invalid(_) => (401, Some("invalid_token")),
            Self::Scope => (403, Some("insufficient_scope")),
            Self::NoKeys => return unavailable(retry.div_ceil(1000), self),
            Self::NoKeysYet => return unavailable(1, self),
        };
        let mut challenge = format!("Bearer realm=\"{realm}\"");
        if let Some(error) = error {
            challenge += &format!(
                ", error=\"{error}\", error_description=\"{}\"",
                quotable(&self.to_string())
            );
        }
        if *self == Self::Scope {
            challenge += &format!(", scope=\"{}\"", scopes.join(" "));
        }
        Answer::new(status)
            .field("www-authenticate", challenge)
            .field("cache-control", "no-store")
            .text(format!("{self}\n"))
    }
}

fn unavailable(seconds: u64, why: &Refusal) -> Answer {
    Answer::new(503)
        .field("retry-after", seconds.to_string())
        .field("cache-control", "no-store")
        .text(format!("{why}\n"))
}

/// As a description may be written (RFC 6750, section 3): names of claims could have anything in them.
fn quotable(text: &str) -> String {
    let is_allowed = |one: char| matches!(one, ' '..='~') && one != '"' && one != '\\';
    text.chars()
        .map(|one| if is_allowed(one) { one } else { '?' })
        .collect()
}

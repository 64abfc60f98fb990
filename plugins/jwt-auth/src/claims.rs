//! What a token must say. The time is an argument.

use serde_json::{Map, Value};

use crate::token::Token;

/// What is asked of the claims, whoever issued the token.
#[derive(Debug)]
pub struct Rules {
    /// Seconds by which clocks may differ.
    pub leeway: u64,
    pub requires_exp: bool,
    /// Claims that must be there.
    pub required: Vec<String>,
    /// Claims that must have one of these values.
    pub values: Vec<(String, Vec<Value>)>,
    /// All of which the token must have.
    pub scopes: Vec<String>,
    /// What the header may call the token, as [`crate::token::normal_type`] writes it; any if empty.
    pub types: Vec<String>,
}

/// Why a token is not good enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It is not valid: text for its sender.
    Invalid(String),
    /// It is valid and lacks a scope.
    Scope,
}

/// Audiences of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The token may name any.
    Any,
    /// The token must name one of these. If there are none, it must not name any: who does not know its own name is not
    /// meant (RFC 7519, section 4.1.3).
    OneOf(Vec<String>),
}

fn invalid(why: impl Into<String>) -> Lack {
    Lack::Invalid(why.into())
}

impl Rules {
    /// Checks a token whose signature is good. `now` is in milliseconds since 1970.
    pub fn check(&self, token: &Token<'_>, audience: &Audience, now: u64) -> Result<(), Lack> {
        let claims = &token.claims;
        if !self.types.is_empty()
            && !token
                .typ
                .as_ref()
                .is_some_and(|typ| self.types.contains(typ))
        {
            return Err(invalid("the token is of another type"));
        }
        self.check_times(claims, now)?;
        check_audience(claims, audience)?;
        for name in &self.required {
            if matches!(claim(claims, name), None | Some(Value::Null)) {
                return Err(invalid(format!("the token lacks the claim {name}")));
            }
        }
        for (name, allowed) in &self.values {
            let is_allowed = |value: &Value| allowed.iter().any(|one| is_same(one, value));
            let fits = match claim(claims, name) {
                Some(Value::Array(values)) => values.iter().any(is_allowed),
                Some(value) => is_allowed(value),
                None => false,
            };
            if !fits {
                return Err(invalid(format!(
                    "the claim {name} does not have the wanted value"
                )));
            }
        }
        let scopes = scopes(claims);
        match self
            .scopes
            .iter()
            .all(|scope| scopes.contains(&scope.as_str()))
        {
            true => Ok(()),
            false => Err(Lack::Scope),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this era are exact in a double"
    )]
    fn check_times(&self, claims: &Map<String, Value>, now: u64) -> Result<(), Lack> {
        let (now, leeway) = (now as f64 / 1000.0, self.leeway as f64);
        match time(claims, "exp")? {
            // At that time it has expired (RFC 7519, section 4.1.4).
            Some(exp) if now >= exp + leeway => return Err(invalid("the token has expired")),
            None if self.requires_exp => return Err(invalid("the token lacks the claim exp")),
            _ => {}
        }
        match time(claims, "nbf")? {
            Some(nbf) if now + leeway < nbf => Err(invalid("the token is not valid yet")),
            _ => Ok(()),
        }
    }
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519, section 2: NumericDate).
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Lack> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64().filter(|time| time.is_finite()) {
            Some(time) => Ok(Some(time)),
            None => Err(invalid(format!("the claim {name} is not a time"))),
        },
    }
}

fn check_audience(claims: &Map<String, Value>, audience: &Audience) -> Result<(), Lack> {
    let Audience::OneOf(ours) = audience else {
        return Ok(());
    };
    let is_ours = |value: &Value| {
        value
            .as_str()
            .is_some_and(|name| ours.iter().any(|one| one == name))
    };
    let fits = match claims.get("aud") {
        None => ours.is_empty(),
        Some(Value::Array(names)) => names.iter().any(is_ours),
        Some(name) => is_ours(name),
    };
    match fits {
        true => Ok(()),
        false => Err(invalid("the token is for another audience")),
    }
}

/// Scopes as RFC 8693 (section 4.2) writes them, and as `scp`, which is in use too: text with spaces, or a list.
fn scopes(claims: &Map<String, Value>) -> Vec<&str> {
    let mut all = Vec::new();
    for name in ["scope", "scp"] {
        match claims.get(name) {
            Some(Value::String(text)) => all.extend(text.split(' ')),
            Some(Value::Array(list)) => all.extend(list.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    all
}

/// Whether two values are the same. A number is, however it is written.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// A claim by its name, or by a JSON Pointer (RFC 6901) if that begins with `/`.
pub fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else {
        return claims.get(name);
    };
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let value = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
    rest.map_or(Some(value), |rest| value.pointer(&format!("/{rest}")))
}

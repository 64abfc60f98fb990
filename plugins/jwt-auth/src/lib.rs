//! Lets requests through that have a valid JSON Web Token (RFC 7519), and tells the backend what it says.
//!
//! The way of a request: `place` (where its token is) → `token` (what it says, not yet believed) → `source` (the issuer's
//! keys) → `keys` (whether one of them signed it) → `claims` (whether it says enough) → `answer` (what the client hears if
//! not).

mod answer;
mod claims;
mod keys;
mod place;
mod settings;
mod source;
#[cfg(test)]
mod tests;
mod token;
mod verified;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tollgate_plugin::{Background, Error, Plugin, Request, Result, Verdict, clocks, debug};

use answer::Refusal;
use claims::claim;
use keys::{Key, SYMMETRIC};
use place::Found;
use settings::{Issuer, JwtAuth, normal_name};
use source::{Newer, Source};
use token::Token;

/// Keys that are tried for one token. Only tokens or keys without `kid` leave more than one.
const MOST_TRIED: usize = 8;

impl Plugin for JwtAuth {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        // Whoever the client is: only this plugin says what these fields say.
        self.remove_fields(request)?;
        let token = match place::find(&self.places, request) {
            Found::Token(token) => token,
            Found::Nothing if self.optional => return Ok(Verdict::Forward),
            Found::Nothing => return Ok(self.refuse(request, &Refusal::Missing)),
            Found::Unclear(why) => return Ok(self.refuse(request, &Refusal::Unclear(why))),
        };
        let fields = self
            .verify(&token, clocks::unix_ms())
            .and_then(|claims| self.fields_of(&claims));
        match fields {
            Ok(fields) => {
                if !self.forwards_token {
                    for place in &self.places {
                        place.clear(request)?;
                    }
                }
                request.set_fields(fields)?;
                Ok(Verdict::Forward)
            }
            Err(refusal) => Ok(self.refuse(request, &refusal)),
        }
    }
}

impl Background for JwtAuth {
    fn tick(&self) -> Result<()> {
        let now = clocks::unix_ms();
        let mut failed = Vec::new();
        for issuer in &self.issuers {
            if let Source::Jwks(jwks) = &issuer.source {
                failed.extend(jwks.refresh(now).err());
            }
        }
        match failed.is_empty() {
            true => Ok(()),
            false => Err(Error::new(failed.join("; "))),
        }
    }
}

impl JwtAuth {
    fn refuse(&self, request: &Request, refusal: &Refusal) -> Verdict {
        debug!("refused {} {}: {refusal}", request.method(), request.path());
        refusal
            .answer(&self.realm, &self.rules.scopes, self.retry)
            .into()
    }

    fn remove_fields(&self, request: &mut Request) -> Result<()> {
        if self.fields.is_empty() {
            return Ok(());
        }
        for (name, _) in request.fields() {
            let normal = normal_name(&name);
            if self
                .fields
                .iter()
                .any(|(ours, _)| normal_name(ours) == normal)
            {
                request.delete_field(&name)?;
            }
        }
        Ok(())
    }

    /// The claims of a token that is good.
    fn verify(&self, text: &str, now: u64) -> Result<Map<String, Value>, Refusal> {
        let token = Token::read(text).map_err(|why| Refusal::Invalid(why.to_owned()))?;
        let issuer = self.issuer(&token)?;
        if !issuer.algorithms.contains(&token.algorithm) {
            return Err(Refusal::Invalid(format!(
                "the algorithm {} is not allowed",
                token.algorithm.name()
            )));
        }
        check_signature(&issuer.source, &token, text, now)?;
        self.rules.check(&token, &issuer.audience, now)?;
        Ok(token.claims)
    }

    fn issuer(&self, token: &Token<'_>) -> Result<&Issuer, Refusal> {
        let name = token.claims.get("iss").and_then(Value::as_str);
        let is_meant = |issuer: &&Issuer| issuer.name.is_none() || issuer.name.as_deref() == name;
        let found = self.issuers.iter().find(is_meant);
        found.ok_or_else(|| Refusal::Invalid("the token is of another issuer".to_owned()))
    }

    /// What the backend is told.
    fn fields_of(&self, claims: &Map<String, Value>) -> Result<Vec<(String, String)>, Refusal> {
        let mut fields = Vec::new();
        for (name, wanted) in &self.fields {
            let text = match claim(claims, wanted) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            // Receivers take the spaces around a value away, and " admin" is not "admin".
            if text.trim() != text || text.chars().any(char::is_control) {
                return Err(Refusal::Invalid(format!(
                    "the claim {wanted} cannot be sent in a header field"
                )));
            }
            fields.push((name.clone(), text));
        }
        Ok(fields)
    }
}

fn check_signature(
    source: &Source,
    token: &Token<'_>,
    text: &str,
    now: u64,
) -> Result<(), Refusal> {
    // Before the look at what is known to be good: it may make that too old.
    let keys = source.keys(now).map_err(|_| Refusal::NoKeys)?;
    // HMAC costs no more than the hash.
    let hash = (!SYMMETRIC.contains(&token.algorithm)).then(|| Sha256::digest(text).into());
    if hash.is_some_and(|hash| source.is_verified(&hash)) {
        return Ok(());
    }
    let mut signed = signed(&keys, token);
    if signed == Signed::Unknown {
        match source.newer(now) {
            Newer::Keys(keys) => signed = self::signed(&keys, token),
            Newer::UnderWay => return Err(Refusal::NoKeysYet),
            Newer::None => {}
        }
    }
    match signed {
        Signed::Yes => {
            if let Some(hash) = hash {
                source.remember(hash);
            }
            Ok(())
        }
        Signed::No => Err(Refusal::Invalid("the signature is not valid".to_owned())),
        Signed::Unknown => Err(Refusal::Invalid(
            "the token is signed with no key of its issuer".to_owned(),
        )),
    }
}

/// Whose signature a token has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signed {
    /// That of one of the keys.
    Yes,
    /// It names a key, and the signature is not that key's.
    No,
    /// That of no key that is known.
    Unknown,
}

fn signed(keys: &[Key], token: &Token<'_>) -> Signed {
    let is_candidate = |key: &&Key| {
        key.fits(token.algorithm)
            && (token.kid.is_none() || key.kid.is_none() || key.kid == token.kid)
    };
    let mut signed = Signed::Unknown;
    for key in keys.iter().filter(is_candidate).take(MOST_TRIED) {
        if key.verifies(token.algorithm, token.message, &token.signature) {
            return Signed::Yes;
        }
        if key.kid.is_some() && key.kid == token.kid {
            signed = Signed::No;
        }
    }
    signed
}

tollgate_plugin::export!(JwtAuth, Background);

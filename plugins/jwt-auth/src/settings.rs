//! What the plugin can be told.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::claims::{Audience, Rules};
use crate::keys::{ASYMMETRIC, Algorithm, Jwk, Key, SYMMETRIC};
use crate::place::Place;
use crate::source::{Jwks, Source, Times};
use crate::token::normal_type;

/// The longest URL of a JWKS: it is a key of the state.
const MOST_URL: usize = 400;

/// Seconds by which clocks may differ at most.
const MOST_LEEWAY: u64 = 600;

/// The settings, ready for use.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub struct JwtAuth {
    pub issuers: Vec<Issuer>,
    pub rules: Rules,
    pub places: Vec<Place>,
    pub forwards_token: bool,
    pub optional: bool,
    /// Names of fields, in lower case, and the claims that they get.
    pub fields: Vec<(String, String)>,
    pub realm: String,
    /// In milliseconds.
    pub retry: u64,
}

/// Who issues tokens.
#[derive(Debug)]
pub struct Issuer {
    /// What the claim `iss` must be; anything if it is not known.
    pub name: Option<String>,
    pub audience: Audience,
    pub algorithms: Vec<Algorithm>,
    pub source: Source,
}

/// The settings as written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    issuers: Vec<WrittenIssuer>,
    from: Vec<String>,
    optional: bool,
    forward_token: bool,
    fields: BTreeMap<String, String>,
    required: Vec<String>,
    claims: BTreeMap<String, Value>,
    scopes: Vec<String>,
    types: Vec<String>,
    require_exp: bool,
    leeway_seconds: u64,
    refresh_seconds: u64,
    retry_seconds: u64,
    max_age_seconds: u64,
    realm: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            from: vec!["authorization".to_owned()],
            optional: false,
            forward_token: true,
            fields: BTreeMap::new(),
            required: Vec::new(),
            claims: BTreeMap::new(),
            scopes: Vec::new(),
            types: Vec::new(),
            require_exp: true,
            leeway_seconds: 30,
            refresh_seconds: 300,
            retry_seconds: 10,
            max_age_seconds: 86_400,
            realm: "tollgate".to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIssuer {
    issuer: Option<String>,
    #[serde(default)]
    audience: OneOrMany,
    algorithms: Option<Vec<Algorithm>>,
    jwks: Option<String>,
    keys: Option<Vec<Jwk>>,
    secret: Option<String>,
    secret_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl TryFrom<Settings> for JwtAuth {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let times = times(&settings)?;
        if settings.leeway_seconds > MOST_LEEWAY {
            return Err(format!(
                "setting leeway_seconds is {}: expected at most {MOST_LEEWAY}",
                settings.leeway_seconds
            ));
        }
        let is_quotable = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if !settings.realm.bytes().all(is_quotable) {
            return Err(format!(
                "setting realm is {:?}: expected ASCII without quotes and backslashes",
                settings.realm
            ));
        }
        // RFC 6749, section 3.3.
        let is_scope = |scope: &String| {
            !scope.is_empty() && scope.bytes().all(|byte| byte != b' ' && is_quotable(byte))
        };
        if let Some(scope) = settings.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(format!(
                "setting scopes has {scope:?}: expected ASCII without spaces, quotes and backslashes"
            ));
        }
        let mut places = Vec::new();
        for text in &settings.from {
            let place = Place::read(text);
            places.push(place.ok_or_else(|| {
                format!("setting from has {text:?}: expected authorization, field:NAME, cookie:NAME or query:NAME")
            })?);
        }
        if places.is_empty() {
            return Err(
                "setting from is empty: expected a place, such as authorization".to_owned(),
            );
        }
        let rules = Rules {
            leeway: settings.leeway_seconds,
            requires_exp: settings.require_exp,
            required: settings.required,
            values: values(settings.claims)?,
            scopes: settings.scopes,
            types: settings.types.iter().map(|typ| normal_type(typ)).collect(),
        };
        Ok(Self {
            issuers: issuers(settings.issuers, times)?,
            rules,
            fields: fields(settings.fields, &places)?,
            places,
            forwards_token: settings.forward_token,
            optional: settings.optional,
            realm: settings.realm,
            retry: times.retry,
        })
    }
}

/// Claims, each with the values that it may have.
fn values(claims: BTreeMap<String, Value>) -> Result<Vec<(String, Vec<Value>)>, String> {
    let mut values = Vec::new();
    for (name, value) in claims {
        let allowed = match value {
            Value::Array(members) => members,
            value => vec![value],
        };
        if allowed.is_empty()
            || allowed
                .iter()
                .any(|value| value.is_array() || value.is_object())
        {
            return Err(format!(
                "setting claims has {name:?}: expected a text, a number, a boolean, or a list of these"
            ));
        }
        values.push((name, allowed));
    }
    Ok(values)
}

fn times(settings: &Settings) -> Result<Times, String> {
    let (retry, refresh, max_age) = (
        settings.retry_seconds,
        settings.refresh_seconds,
        settings.max_age_seconds,
    );
    if retry == 0 || retry > refresh || refresh > max_age || max_age > 365 * 86_400 {
        return Err(format!(
            "retry_seconds is {retry}, refresh_seconds {refresh} and max_age_seconds {max_age}: each must be at least 1 and \
             at least as long as the one before, and none longer than a year"
        ));
    }
    Ok(Times {
        retry: retry * 1000,
        refresh: refresh * 1000,
        max_age: max_age * 1000,
    })
}

fn fields(
    written: BTreeMap<String, String>,
    places: &[Place],
) -> Result<Vec<(String, String)>, String> {
    let mut fields = Vec::new();
    for (name, claim) in written {
        let name = name.to_ascii_lowercase();
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!(
                "setting fields has {name:?}: expected the name of a header field"
            ));
        }
        let has_token = |place: &Place| match place {
            Place::Authorization => name == "authorization",
            Place::Field(field) => *field == name,
            Place::Cookie(_) => name == "cookie",
            Place::Query(_) => false,
        };
        if places.iter().any(has_token)
            || matches!(
                name.as_str(),
                "host" | "cookie" | "content-length" | "transfer-encoding"
            )
        {
            return Err(format!(
                "setting fields has {name}: expected a field that is of no other use"
            ));
        }
        if fields
            .iter()
            .any(|(known, _): &(String, String)| normal_name(known) == normal_name(&name))
        {
            return Err(format!("setting fields has {name} twice"));
        }
        fields.push((name, claim));
    }
    Ok(fields)
}

/// Servers that hand fields on as variables (CGI, WSGI) tell `-` and `_` not apart.
pub fn normal_name(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn issuers(written: Vec<WrittenIssuer>, times: Times) -> Result<Vec<Issuer>, String> {
    let count = written.len();
    let mut issuers: Vec<Issuer> = Vec::new();
    for one in written {
        let name = one.issuer.clone();
        if name.is_none() && count > 1 {
            return Err("setting issuers: with more than one, each needs its issuer, or keys of one would be good for another".to_owned());
        }
        if issuers.iter().any(|other| other.name == name) {
            return Err(format!(
                "setting issuers has {} twice",
                name.unwrap_or_default()
            ));
        }
        let told = name.clone().unwrap_or_else(|| "without a name".to_owned());
        issuers.push(
            issuer(one, times)
                .map_err(|why| format!("setting issuers, the issuer {told}: {why}"))?,
        );
    }
    if issuers.is_empty() {
        return Err(
            "setting issuers is missing: expected a list with a table for each issuer".to_owned(),
        );
    }
    Ok(issuers)
}

fn issuer(written: WrittenIssuer, times: Times) -> Result<Issuer, String> {
    let audiences = match written.audience {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    };
    let audience = match audiences.iter().any(|one| one == "*") {
        true => Audience::Any,
        false => Audience::OneOf(audiences),
    };
    let secret = match (written.secret, written.secret_base64) {
        (Some(_), Some(_)) => return Err("it has both secret and secret_base64".to_owned()),
        (Some(text), None) => Some(text.into_bytes()),
        (None, Some(text)) => {
            let bytes = BASE64_STANDARD.decode(text.trim());
            Some(bytes.map_err(|_| "secret_base64 is not base64".to_owned())?)
        }
        (None, None) => None,
    };
    let is_symmetric = secret.is_some();
    let default = if is_symmetric {
        vec![Algorithm::HS256]
    } else {
        ASYMMETRIC.to_vec()
    };
    let algorithms = written.algorithms.unwrap_or(default);
    let (allowed, of): (&[Algorithm], _) = match is_symmetric {
        true => (&SYMMETRIC, "a secret"),
        false => (&ASYMMETRIC, "public keys"),
    };
    if algorithms.is_empty() {
        return Err("algorithms is empty".to_owned());
    }
    if let Some(other) = algorithms.iter().find(|one| !allowed.contains(one)) {
        return Err(format!("the algorithm {} is not one of {of}", other.name()));
    }
    let source = source(
        written.jwks,
        written.keys.as_deref(),
        secret,
        &algorithms,
        times,
    )?;
    Ok(Issuer {
        name: written.issuer,
        audience,
        algorithms,
        source,
    })
}

fn source(
    jwks: Option<String>,
    keys: Option<&[Jwk]>,
    secret: Option<Vec<u8>>,
    algorithms: &[Algorithm],
    times: Times,
) -> Result<Source, String> {
    match (jwks, keys, secret) {
        (Some(url), None, None) => {
            if !(url.starts_with("https://") || url.starts_with("http://")) || url.len() > MOST_URL
            {
                return Err(format!(
                    "jwks is {url:?}: expected a URL of at most {MOST_URL} bytes"
                ));
            }
            Ok(Source::Jwks(Box::new(Jwks::new(url, times))))
        }
        (None, Some(keys), None) => {
            let keys: Result<Vec<Key>, String> = keys.iter().map(Key::read).collect();
            let keys = keys.map_err(|why| format!("one of its keys cannot be used: {why}"))?;
            if keys.is_empty() {
                return Err("keys is empty".to_owned());
            }
            Ok(Source::fixed(keys))
        }
        (None, None, Some(secret)) => {
            let least = algorithms.iter().map(|algorithm| match algorithm {
                Algorithm::HS384 => 48,
                Algorithm::HS512 => 64,
                _ => 32,
            });
            let least = least.max().unwrap_or(32);
            if secret.len() < least {
                return Err(format!(
                    "its secret has {} bytes: expected at least {least} (RFC 7518, section 3.2)",
                    secret.len()
                ));
            }
            Ok(Source::fixed(vec![Key::secret(secret)]))
        }
        _ => Err("expected one of jwks, keys, secret and secret_base64".to_owned()),
    }
}

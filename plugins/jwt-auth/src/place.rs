//! Where a request has its token.

use tollgate_plugin::{FieldError, Request, url};

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The field `authorization`, with the scheme `Bearer` (RFC 6750, section 2.1).
    Authorization,
    /// A field that has nothing but the token.
    Field(String),
    Cookie(String),
    /// A parameter of the query.
    Query(String),
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Token(String),
    /// More than one (RFC 6750, section 2: only one may be used), or one that is no text.
    Unclear(&'static str),
}

impl Place {
    /// Reads a place from the settings.
    pub fn read(text: &str) -> Option<Self> {
        if text == "authorization" {
            return Some(Self::Authorization);
        }
        let (kind, name) = text.split_once(':')?;
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        match kind {
            "field" => Some(Self::Field(name.to_ascii_lowercase())),
            "cookie" => Some(Self::Cookie(name.to_owned())),
            "query" => Some(Self::Query(name.to_owned())),
            _ => None,
        }
    }

    /// Every token in this place.
    fn all(&self, request: &Request) -> Vec<Option<String>> {
        let named = |pairs: Vec<(String, String)>, name: &str| -> Vec<Option<String>> {
            let found = pairs.into_iter().filter(|(one, _)| one == name);
            found.map(|(_, value)| Some(value)).collect()
        };
        match self {
            Self::Authorization => {
                let values = request.field_values("authorization");
                // Two fields are unclear, whatever is in them: a backend could take the other one.
                if values.len() > 1 {
                    return vec![None, None];
                }
                values
                    .iter()
                    .filter_map(|value| bearer(value.as_bytes()))
                    .collect()
            }
            Self::Field(name) => {
                let values = request.field_values(name);
                values
                    .iter()
                    .map(|value| value.as_str().map(|text| text.trim().to_owned()))
                    .collect()
            }
            Self::Cookie(name) => named(request.cookies(), name),
            Self::Query(name) => named(request.query_params(), name),
        }
    }

    /// Takes the token out of the request, so that the backend does not get it.
    pub fn clear(&self, request: &mut Request) -> Result<(), FieldError> {
        match self {
            Self::Authorization => {
                let values = request.field_values("authorization");
                if values
                    .iter()
                    .any(|value| bearer(value.as_bytes()).is_some())
                {
                    request.delete_field("authorization")?;
                }
                Ok(())
            }
            Self::Field(name) => request.delete_field(name),
            Self::Cookie(name) => {
                let left: Vec<String> = request
                    .field_values("cookie")
                    .iter()
                    .flat_map(|field| {
                        field
                            .text()
                            .split(';')
                            .map(|pair| pair.trim().to_owned())
                            .collect::<Vec<_>>()
                    })
                    .filter(|pair| {
                        !pair.is_empty() && pair.split('=').next().map(str::trim) != Some(name)
                    })
                    .collect();
                match left.is_empty() {
                    true => request.delete_field("cookie"),
                    false => request.set_field("cookie", left.join("; ")),
                }
            }
            Self::Query(name) => {
                let Some(query) = request.query() else {
                    return Ok(());
                };
                let is_other = |part: &&str| {
                    url::decode(&part.split('=').next().unwrap_or_default().replace('+', " "))
                        != *name
                };
                let left: Vec<&str> = query.split('&').filter(is_other).collect();
                let path = request.path();
                match left.is_empty() {
                    true => request.set_target(path),
                    false => request.set_target(format!("{path}?{}", left.join("&"))),
                }
            }
        }
    }
}

/// What stands behind `Bearer`. Another scheme is not this plugin's.
fn bearer(value: &[u8]) -> Option<Option<String>> {
    let text = String::from_utf8_lossy(value);
    let (scheme, token) = text.split_once(' ').unwrap_or((&text, ""));
    let is_clean = std::str::from_utf8(value).is_ok();
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| is_clean.then(|| token.trim().to_owned()))
}

/// Looks in all places.
pub fn find(places: &[Place], request: &Request) -> Found {
    let mut all: Vec<Option<String>> = places.iter().flat_map(|place| place.all(request)).collect();
    match (all.pop(), all.is_empty()) {
        (None, _) => Found::Nothing,
        (Some(Some(token)), true) => Found::Token(token),
        (Some(None), true) => Found::Unclear("the token is not text"),
        (Some(_), false) => {
            Found::Unclear("the request has more than one token, or more than one field for it")
        }
    }
}

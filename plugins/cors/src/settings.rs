//! What the plugin can be told, with LocalStack's values as defaults.

use serde::Deserialize;

use crate::origin::Pattern;

/// The settings, ready for use.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub(crate) struct Cors {
    pub(crate) origins: Vec<Pattern>,
    pub(crate) allow_methods: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) allow_credentials: bool,
    pub(crate) max_age: Option<u32>,
    pub(crate) enforce: bool,
    pub(crate) check_referer: bool,
    pub(crate) exempt: Vec<Exemption>,
}

/// The settings as written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    allow_origins: Vec<String>,
    extra_allow_origins: Vec<String>,
    allow_methods: Vec<String>,
    allow_headers: Vec<String>,
    extra_allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    extra_expose_headers: Vec<String>,
    allow_credentials: bool,
    max_age: Option<u32>,
    enforce: bool,
    check_referer: bool,
    exempt: Vec<String>,
}

/// Requests that the plugin leaves alone: a pattern on authority and path, `*` standing for any text.
#[derive(Debug)]
pub(crate) struct Exemption(String);

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_origins: list(
                "https://app.localstack.cloud http://app.localstack.cloud \
                 http://localhost:* https://localhost:* http://127.0.0.1:* https://127.0.0.1:* \
                 http://localhost.localstack.cloud:* https://localhost.localstack.cloud:*",
            ),
            extra_allow_origins: Vec::new(),
            allow_methods: list("HEAD GET PUT POST DELETE OPTIONS PATCH"),
            allow_headers: list(
                "authorization cache-control content-length content-md5 content-type etag location \
                 x-amz-acl x-amz-content-sha256 x-amz-date x-amz-request-id x-amz-security-token x-amz-tagging \
                 x-amz-target x-amz-user-agent x-amz-version-id x-amzn-requestid x-api-key x-localstack-target \
                 amz-sdk-invocation-id amz-sdk-request",
            ),
            extra_allow_headers: Vec::new(),
            expose_headers: list(
                "etag x-amz-version-id content-encoding content-range location x-amz-* x-amzn-*",
            ),
            extra_expose_headers: Vec::new(),
            allow_credentials: false,
            max_age: None,
            enforce: true,
            check_referer: true,
            exempt: Vec::new(),
        }
    }
}

impl TryFrom<Settings> for Cors {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let with = |list: Vec<String>, extra: Vec<String>| [list, extra].concat();
        let origins = with(settings.allow_origins, settings.extra_allow_origins);
        let origins = origins
            .iter()
            .map(|text| Pattern::parse(text))
            .collect::<Result<_, _>>();
        for method in &settings.allow_methods {
            check_token("allow_methods", method, "a method such as PUT")?;
        }
        let headers = [
            ("allow_headers", &settings.allow_headers),
            ("extra_allow_headers", &settings.extra_allow_headers),
            ("expose_headers", &settings.expose_headers),
            ("extra_expose_headers", &settings.extra_expose_headers),
        ];
        for (key, names) in headers {
            for name in names {
                check_token(key, name, "the name of a field, or *")?;
            }
        }
        if settings.exempt.iter().any(String::is_empty) {
            return Err(
                "setting exempt has \"\": expected authority and path, such as *.s3.*".to_owned(),
            );
        }
        Ok(Self {
            origins: origins
                .map_err(|why| format!("settings allow_origins and extra_allow_origins: {why}"))?,
            allow_methods: settings.allow_methods,
            allow_headers: with(settings.allow_headers, settings.extra_allow_headers),
            expose_headers: with(settings.expose_headers, settings.extra_expose_headers),
            allow_credentials: settings.allow_credentials,
            max_age: settings.max_age,
            enforce: settings.enforce,
            check_referer: settings.check_referer,
            exempt: settings.exempt.into_iter().map(Exemption).collect(),
        })
    }
}

impl Exemption {
    pub(crate) fn covers(&self, authority: &str, path: &str) -> bool {
        fits(&self.0, &format!("{authority}{path}"))
    }
}

/// Whether a text is one that the pattern stands for: `*` is any text.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Checks that a text is of the form that methods and field names have (RFC 9110, section 5.6.2).
fn check_token(key: &str, text: &str, expected: &str) -> Result<(), String> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if text.is_empty() || !text.bytes().all(is_part) {
        return Err(format!("setting {key} has {text:?}: expected {expected}"));
    }
    Ok(())
}

fn list(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_covers_authority_and_path() {
        for (pattern, authority, path, covers) in [
            (
                "*/restapis/*/_user_request_/*",
                "h:1",
                "/restapis/a/s/_user_request_/x",
                true,
            ),
            (
                "*/restapis/*/_user_request_/*",
                "h:1",
                "/restapis/a/s",
                false,
            ),
            ("*.s3.*", "b.s3.localhost", "/k", true),
            ("s3.localhost/*", "s3.localhost", "/k", true),
            ("s3.localhost/*", "b.s3.localhost", "/k", false),
            ("h/exact", "h", "/exact", true),
            ("h/exact", "h", "/exact/more", false),
            ("h/a*a", "h", "/a", false),
        ] {
            assert_eq!(
                Exemption(pattern.into()).covers(authority, path),
                covers,
                "{pattern} {authority}{path}"
            );
        }
    }
}

//! Fields and body of one message, with the host's rules on them.

use crate::field::{Field, is_owned_by_host};
use crate::{BodyError, FieldError};

/// As many fields as the host allows.
const MAX_FIELDS: usize = 1000;

/// Fields, names in lower case, and the body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Body,
    /// Fields of [`DESCRIBING`] that the plugin set in the hook that runs, so that they are about its own body.
    described: Vec<String>,
}

/// Fields that describe the bytes of a body, and that the host corrects when a plugin replaces it.
const DESCRIBING: [&str; 7] = [
    "content-encoding",
    "accept-ranges",
    "content-digest",
    "content-md5",
    "digest",
    "repr-digest",
    "etag",
];

/// Where a body is.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// On its way; nobody has asked for it.
    Streaming(Vec<u8>),
    /// Kept by the host, because a plugin read or set it.
    Kept(Vec<u8>),
    /// Gone on to its receiver; what was sent stays for the test to look at.
    PassedOn,
    /// Can't be had.
    Broken(BodyError),
}

impl Default for Body {
    fn default() -> Self {
        Self::Streaming(Vec::new())
    }
}

impl Body {
    pub(crate) fn pass_on(&mut self) {
        if let Self::Streaming(_) = self {
            *self = Self::PassedOn;
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Streaming(bytes) | Self::Kept(bytes) => bytes,
            Self::PassedOn | Self::Broken(_) => &[],
        }
    }

    /// Whether a plugin read or set it.
    pub(crate) fn was_wanted(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

impl Message {
    pub(crate) fn values(&self, name: &str) -> Vec<Vec<u8>> {
        let of_name = |(of, _): &&Field| of.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(of_name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    pub(crate) fn set(&mut self, fields: &[Field]) -> Result<(), FieldError> {
        let mut set = Vec::new();
        for (name, value) in fields {
            set.push((writable(name)?, sendable(name, value)?));
        }
        let mut all = self.fields.clone();
        all.retain(|(name, _)| !set.iter().any(|(of, _)| of == name));
        let names: Vec<String> = set.iter().map(|(name, _)| name.clone()).collect();
        all.extend(set);
        self.replace(all)?;
        self.described.extend(names);
        Ok(())
    }

    pub(crate) fn append(&mut self, name: &str, value: &[u8]) -> Result<(), FieldError> {
        let field = (writable(name)?, sendable(name, value)?);
        let mut all = self.fields.clone();
        let name = field.0.clone();
        all.push(field);
        self.replace(all)?;
        self.described.push(name);
        Ok(())
    }

    /// Adds a field as it comes from the peer: the host's own ones may be among them.
    pub(crate) fn receive(&mut self, name: &str, value: &[u8]) -> Result<(), FieldError> {
        if !is_token(name) {
            return Err(FieldError::InvalidName(name.to_owned()));
        }
        self.fields
            .push((name.to_ascii_lowercase(), sendable(name, value)?));
        Ok(())
    }

    pub(crate) fn delete(&mut self, name: &str) -> Result<(), FieldError> {
        let name = writable(name)?;
        self.fields.retain(|(of, _)| *of != name);
        Ok(())
    }

    pub(crate) fn read(&mut self) -> Result<Vec<u8>, BodyError> {
        match std::mem::replace(&mut self.body, Body::PassedOn) {
            Body::Streaming(bytes) | Body::Kept(bytes) => {
                self.body = Body::Kept(bytes.clone());
                Ok(bytes)
            }
            Body::PassedOn => Err(BodyError::AlreadyStreamed),
            Body::Broken(error) => {
                self.body = Body::Broken(error.clone());
                Err(error)
            }
        }
    }

    pub(crate) fn write(&mut self, body: &[u8]) {
        self.body = Body::Kept(body.to_vec());
        let own = |name: &String| self.described.contains(name);
        let mut fields = std::mem::take(&mut self.fields);
        fields.retain(|(name, _)| {
            name == "etag" || own(name) || !DESCRIBING.contains(&name.as_str())
        });
        for (name, value) in &mut fields {
            if name == "etag" && !own(name) && value.starts_with(b"\"") {
                value.splice(0..0, *b"W/");
            }
        }
        self.fields = fields;
    }

    /// The body will be rewritten as it flows: the fields that describe its bytes are corrected.
    pub(crate) fn begin_rewriting(&mut self) {
        self.fields.retain(|(name, _)| {
            let is_of_bytes = DESCRIBING.contains(&name.as_str()) && name != "content-encoding";
            name == "etag" || (name != "content-length" && !is_of_bytes)
        });
        for (name, value) in &mut self.fields {
            if name == "etag" && value.starts_with(b"\"") {
                value.splice(0..0, *b"W/");
            }
        }
    }

    /// The next hook sets fields of its own.
    pub(crate) fn begin_hook(&mut self) {
        self.described.clear();
    }

    fn replace(&mut self, all: Vec<Field>) -> Result<(), FieldError> {
        if all.len() > MAX_FIELDS {
            return Err(FieldError::TooMany);
        }
        self.fields = all;
        Ok(())
    }
}

/// Whether this is a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// The name in lower case, if a plugin may set it.
fn writable(name: &str) -> Result<String, FieldError> {
    if !is_token(name) {
        return Err(FieldError::InvalidName(name.to_owned()));
    }
    let lower = name.to_ascii_lowercase();
    if is_owned_by_host(&lower) {
        return Err(FieldError::OwnedByHost(lower));
    }
    Ok(lower)
}

fn sendable(name: &str, value: &[u8]) -> Result<Vec<u8>, FieldError> {
    if value
        .iter()
        .any(|byte| byte.is_ascii_control() && *byte != b'\t')
    {
        return Err(FieldError::InvalidValue(format!(
            "the value of {name} has a control character"
        )));
    }
    Ok(value.to_vec())
}

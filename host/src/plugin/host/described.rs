//! Fields that describe the very bytes of a body: once a plugin has replaced those, they are wrong.

use http::{HeaderMap, HeaderName, HeaderValue, header};

const COUNT: usize = 6;

/// Fields that go when the body is replaced, `etag` aside.
const REMOVED: [HeaderName; COUNT] = [
    header::CONTENT_ENCODING,
    header::ACCEPT_RANGES,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// The bit of `etag`, behind those of [`REMOVED`].
const ETAG: u8 = 1 << COUNT;

/// Which of these fields a plugin set itself in the call in hand, so that they are about its own body: a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Described(u8);

/// The same for both messages of an exchange.
#[derive(Debug, Clone, Copy, Default)]
pub struct DescribedSides {
    pub request: Described,
    pub response: Described,
}

impl Described {
    /// By the names of these fields.
    pub fn by(fields: &[(String, Vec<u8>)]) -> Self {
        let mut described = Self::default();
        for (name, _) in fields {
            described.note(name);
        }
        described
    }

    /// The plugin has set this field.
    pub fn note(&mut self, name: &str) {
        self.0 |= bit(name);
    }

    pub fn add(&mut self, more: Self) {
        self.0 |= more.0;
    }

    /// Removes the fields that described the body that was replaced. A validator stays as a weak one (RFC 9110, section
    /// 8.8.1): the plugin makes the same of the same body again.
    pub fn correct_others(self, fields: &mut HeaderMap) {
        for (index, name) in REMOVED.iter().enumerate() {
            if self.0 & (1 << index) == 0 {
                fields.remove(name);
            }
        }
        if self.0 & ETAG == 0
            && let Some(etag) = fields.remove(header::ETAG)
            && let Some(weak) = weakened(&etag)
        {
            fields.insert(header::ETAG, weak);
        }
    }
}

fn bit(name: &str) -> u8 {
    let is_it = |known: &HeaderName| name.eq_ignore_ascii_case(known.as_str());
    match REMOVED.iter().position(is_it) {
        Some(index) => 1 << index,
        None if is_it(&header::ETAG) => ETAG,
        None => 0,
    }
}

/// None for what is no validator.
fn weakened(etag: &HeaderValue) -> Option<HeaderValue> {
    let bytes = etag.as_bytes();
    if bytes.starts_with(b"W/") {
        return Some(etag.clone());
    }
    if !bytes.starts_with(b"\"") {
        return None;
    }
    HeaderValue::from_bytes(&[b"W/", bytes].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(set: &[&str], fields: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_static(value));
        }
        let mut described = Described::default();
        for name in set {
            described.note(name);
        }
        described.correct_others(&mut map);
        map.iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn what_described_the_old_bytes_goes_and_a_validator_is_weakened() {
        let all = [
            ("content-encoding", "gzip"),
            ("content-type", "text/html"),
            ("digest", "md5=x"),
            ("content-digest", "sha-256=:x:"),
            ("repr-digest", "sha-256=:x:"),
            ("content-md5", "x"),
            ("accept-ranges", "bytes"),
            ("etag", "\"a\""),
        ];
        let left = [("content-type", "text/html"), ("etag", "W/\"a\"")];
        let left = left.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(corrected(&[], &all), left);
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        assert_eq!(corrected(&names, &all).len(), all.len());
        assert_eq!(
            corrected(&["Content-Encoding"], &all)[0],
            ("content-encoding".to_owned(), "gzip".to_owned())
        );
    }

    #[test]
    fn a_weak_validator_stays_and_none_is_made_up() {
        assert_eq!(
            corrected(&[], &[("etag", "W/\"a\"")])[0].1,
            "W/\"a\"".to_owned()
        );
        assert_eq!(corrected(&[], &[("etag", "a")]), []);
    }
}

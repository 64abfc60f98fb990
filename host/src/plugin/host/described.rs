//! Fields that describe the very bytes of a body: once a plugin has replaced those, they are wrong.

use crate::message::{Checked, Fields, Known};

/// Fields that go when the body is replaced.
const REMOVED: u64 = Known::set(&[
    Known::AcceptRanges,
    Known::ContentDigest,
    Known::ContentEncoding,
    Known::ContentMd5,
    Known::Digest,
    Known::ReprDigest,
]);

/// Which of these fields, and `etag`, a plugin set itself in the call in hand, so that they are about its own body:
/// [`Known::bit`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Described(u64);

/// The same for both messages of an exchange.
#[derive(Debug, Clone, Copy, Default)]
pub struct DescribedSides {
    pub request: Described,
    pub response: Described,
}

impl Described {
    /// By the names of these fields.
    pub fn by<V>(fields: &[(impl AsRef<str>, V)]) -> Self {
        let mut described = Self::default();
        for (name, _) in fields {
            described.note(Known::of(name.as_ref().as_bytes()));
        }
        described
    }

    /// The plugin has set this field.
    pub fn note(&mut self, name: Known) {
        self.0 |= name.bit() & (REMOVED | Known::Etag.bit());
    }

    pub fn add(&mut self, more: Self) {
        self.0 |= more.0;
    }

    /// The same of a body that is rewritten as it flows, and keeps its coding.
    pub fn correct_rewritten(fields: &mut Fields) {
        fields.remove(Known::ContentLength);
        let coding = Self(Known::ContentEncoding.bit());
        coding.correct_others(fields);
    }

    /// Removes the fields that described the body that was replaced. A validator stays as a weak one (RFC 9110, section
    /// 8.8.1): the plugin makes the same of the same body again.
    pub fn correct_others(self, fields: &mut Fields) {
        fields.remove_all(REMOVED & !self.0);
        if self.0 & Known::Etag.bit() != 0 {
            return;
        }
        let Some(etag) = fields.get(Known::Etag) else {
            return;
        };
        let weak = weakened(etag);
        match weak.as_deref().and_then(Checked::new) {
            Some(weak) => fields.insert(Known::Etag, weak),
            None => {
                fields.remove(Known::Etag);
            }
        }
    }
}

/// None for what is no validator.
fn weakened(etag: &[u8]) -> Option<Vec<u8>> {
    if etag.starts_with(b"W/") {
        return Some(etag.to_vec());
    }
    etag.starts_with(b"\"").then(|| [b"W/", etag].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(set: &[&str], fields: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let mut fields: Fields = fields.iter().copied().collect();
        let mut described = Described::default();
        for name in set {
            described.note(Known::of(name.as_bytes()));
        }
        described.correct_others(&mut fields);
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        fields
            .iter()
            .map(|(name, value)| (name.to_lower(), text(value)))
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

//! The values that are masked in the heads of one exchange, to be found again in what its plugins logged.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{MASKED, Masks};
use crate::message::Fields;
use crate::message::trace::Full;

/// Shorter values stand in a text by chance.
const SHORTEST: usize = 6;

/// Values, the longest first.
#[derive(Debug, Default)]
pub struct InHeads(Vec<String>);

impl InHeads {
    /// Those of the request and the response, as they came and as each step left them.
    pub fn of(full: &Full, masks: &Masks) -> Self {
        let mut values = BTreeSet::new();
        add(&mut values, &full.request.head.fields, masks);
        for step in &full.steps {
            let request = step
                .request
                .as_ref()
                .and_then(|change| change.head.as_ref());
            let response = step
                .response
                .as_ref()
                .and_then(|change| change.head.as_ref());
            let heads = [
                request.map(|head| &head.fields),
                response.map(|head| &head.fields),
            ];
            for fields in heads.into_iter().flatten() {
                add(&mut values, fields, masks);
            }
        }
        Self::from(values)
    }

    fn from(values: BTreeSet<String>) -> Self {
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values)
    }

    /// The text with masks in the places of these values.
    pub fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for value in &self.0 {
            if masked.contains(value.as_str()) {
                masked = Cow::Owned(masked.replace(value.as_str(), MASKED));
            }
        }
        masked
    }
}

/// The values of masked fields, and the parts of them that are secrets by themselves: what is behind the scheme, and each cookie's value.
fn add(values: &mut BTreeSet<String>, fields: &Fields, masks: &Masks) {
    for (name, value) in fields.iter() {
        if !masks.is_field(name.as_str()) {
            continue;
        }
        let value = String::from_utf8_lossy(value);
        let value = value.trim();
        let mut keep = |part: &str| {
            if part.len() >= SHORTEST {
                values.insert(part.to_owned());
            }
        };
        keep(value);
        if let Some((_, credentials)) = value.split_once(' ') {
            keep(credentials.trim());
        }
        let is = |known: &str| name.as_str().eq_ignore_ascii_case(known);
        // The attributes of a cookie that is set are no secrets.
        let cookies = match (is("cookie"), is("set-cookie")) {
            (true, _) => usize::MAX,
            (_, true) => 1,
            _ => 0,
        };
        let pairs = value.split(';').filter_map(|pair| pair.split_once('='));
        for (_, value) in pairs.take(cookies) {
            keep(value.trim().trim_matches('"'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_found_first_and_short_ones_are_left() {
        let masks = Masks::new(&crate::record::RecordConfig::default());
        let mut values = BTreeSet::new();
        let fields = [
            ("Authorization", "Bearer open-sesame"),
            ("cookie", "a=1; session=\"s-4711-x\""),
            ("accept", "text/plain"),
            // One is the beginning of another.
            ("x-api-key", "key-47"),
            ("x-auth-token", "key-4711"),
        ];
        let fields: Fields = fields.into_iter().collect();
        add(&mut values, &fields, &masks);
        let heads = InHeads::from(values);
        let text = "got Bearer open-sesame, open-sesame, key-4711 and s-4711-x from text/plain, 1";
        assert_eq!(
            heads.masked(text),
            "got [masked], [masked], [masked] and [masked] from text/plain, 1"
        );
        assert!(matches!(heads.masked("nothing"), Cow::Borrowed(_)));
    }
}

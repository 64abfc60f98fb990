//! Fields in other shapes: the map of the `http` crate, lists, text for people.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::line::Line;
use super::{AsName, AsValue, Fields};

impl From<&HeaderMap> for Fields {
    fn from(map: &HeaderMap) -> Self {
        let mut fields = Self {
            lines: Vec::with_capacity(map.len()),
            bytes: Vec::with_capacity(map.len() * 32),
            ..Self::default()
        };
        for (name, value) in map {
            fields.append(name, value);
        }
        fields
    }
}

impl From<&Fields> for HeaderMap {
    /// In lower case. What the type can't hold, which no field here is, would be left out.
    fn from(fields: &Fields) -> Self {
        // It holds 24,000 fields; heads are bounded far below that.
        let mut map = HeaderMap::try_with_capacity(fields.len()).unwrap_or_default();
        // One copy, which the values share.
        let bytes = Bytes::copy_from_slice(&fields.bytes);
        for line in &fields.lines {
            let name = HeaderName::from_bytes(fields.name(line).as_bytes());
            let value = HeaderValue::from_maybe_shared(bytes.slice(line.value_range()));
            if let (Ok(name), Ok(value)) = (name, value) {
                let _ = map.try_append(name, value);
            }
        }
        map
    }
}

impl<N: AsName, V: AsValue> FromIterator<(N, V)> for Fields {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(iter: T) -> Self {
        let mut fields = Self::new();
        for (name, value) in iter {
            fields.append(name, value);
        }
        fields
    }
}

impl Fields {
    /// Whether both are the same byte for byte, as what was cloned and not changed is. Quicker than `==`, and what was changed and
    /// changed back is not the same.
    pub fn is_identical(&self, other: &Self) -> bool {
        let place = |line: &Line| (line.start, line.end);
        let lines = self.lines.iter().map(place);
        self.bytes.len() == other.bytes.len()
            && lines.eq(other.lines.iter().map(place))
            && self.bytes == other.bytes
    }
}

/// The same fields in the same order; the case of names doesn't count.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        let mut both = self.iter().zip(other.iter());
        let same = both.all(|((name, value), (of, other))| name.is(of) && value == other);
        same && self.len() == other.len()
    }
}

impl Eq for Fields {}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self
            .iter()
            .map(|(name, value)| (name.as_str(), value.escape_ascii().to_string()));
        f.debug_map().entries(lines).finish()
    }
}

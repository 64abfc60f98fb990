//! The list in `content-encoding` (RFC 9110, section 8.4).

use super::error::CodingError;
use super::known::Coding;
use crate::message::syntax;

/// The codings of a body, in the order in which they were applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codings(Vec<Coding>);

impl Codings {
    /// More than anybody sends. Each is work for every byte, and a window of its own.
    pub const MOST: usize = 3;

    /// Reads the values of all `content-encoding` fields of a head, in their order. Names are compared without case; `identity` and empty
    /// items count for nothing.
    ///
    /// # Errors
    /// [`CodingError::Unsupported`] with the name, and [`CodingError::TooMany`].
    pub fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CodingError> {
        let mut codings = Vec::new();
        for name in values.into_iter().flat_map(syntax::items) {
            if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            let known = Coding::ALL
                .iter()
                .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
            let Some((_, coding)) = known else {
                let name = &name[..name.len().min(40)];
                return Err(CodingError::Unsupported(name.escape_ascii().to_string()));
            };
            if codings.len() == Self::MOST {
                return Err(CodingError::TooMany { most: Self::MOST });
            }
            codings.push(*coding);
        }
        Ok(Self(codings))
    }

    /// Whether the body is not coded.
    pub fn is_identity(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they were applied: the last one is undone first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Coding> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Coding> for Codings {
    fn from_iter<I: IntoIterator<Item = Coding>>(codings: I) -> Self {
        Self(codings.into_iter().collect())
    }
}

//! A message as it is kept.

use serde::{Deserialize, Serialize};

/// A request or a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub line: StartLine,
    pub fields: Vec<Field>,
    pub content: Content,
    pub trailers: Vec<Field>,
}

/// What stands before the fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartLine {
    Request {
        method: String,
        /// As it came, percent-encoded; ASCII but for what a client sent in spite of the rules, which is shown as U+FFFD.
        target: String,
        /// The host and port that the client asked for; empty if it named none.
        authority: String,
    },
    Response {
        status: u16,
    },
}

/// A header field. Names keep their letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    #[serde(with = "crate::record::blob")]
    pub value: Bytes,
}

/// Bytes of any kind.
pub type Bytes = Vec<u8>;

/// A body, up to the limit of what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The first bytes.
    #[serde(with = "crate::record::blob")]
    pub kept: Bytes,
    /// How many there were in all, as far as it went.
    pub length: u64,
    /// Whether it went to its end. A body that nobody read to its end is not complete.
    pub complete: bool,
}

impl Content {
    /// A body of which every byte is kept.
    pub fn whole(kept: Bytes) -> Self {
        Self {
            length: kept.len() as u64,
            kept,
            complete: true,
        }
    }
}

impl Message {
    /// The first field of this name, whatever the case of its letters.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.fields.iter();
        let field = fields.find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| field.value.as_slice())
    }
}

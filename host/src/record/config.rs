//! What is recorded, and how much of it is kept.

use super::tape::TapeConfig;

/// The table `[record]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordConfig {
    pub enabled: bool,
    /// Where exchanges are appended, too; never there without `enabled`.
    pub tape: Option<TapeConfig>,
    /// The most exchanges in memory.
    pub exchanges: usize,
    /// The most bytes of memory that they take, roughly.
    pub bytes: u64,
    /// The first bytes of each body that are kept.
    pub body: usize,
    /// Whether what usually holds a secret is masked, beside what the two lists below name.
    pub mask_defaults: bool,
    /// Names of fields.
    pub mask_fields: Vec<String>,
    /// Keys of JSON objects, of forms and queries, and names of XML elements.
    pub mask_keys: Vec<String>,
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            tape: None,
            exchanges: 1000,
            bytes: 64 << 20,
            body: 64 << 10,
            mask_defaults: true,
            mask_fields: Vec::new(),
            mask_keys: Vec::new(),
        }
    }
}

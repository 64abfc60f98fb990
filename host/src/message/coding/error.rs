//! Why a body's codings can't be undone.

use super::known::Coding;

/// Why a body's codings can't be undone. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// The name as it came, at most 40 bytes of it, escaped.
    #[error("the content coding \"{0}\" is not supported: gzip, deflate, br and zstd are")]
    Unsupported(String),
    #[error("the body has more than {most} content codings")]
    TooMany { most: usize },
    #[error("the body is not what {0} makes")]
    Corrupt(Coding),
    /// Data or length differ from what the end of the coded data says.
    #[error("the checksum of {0} does not fit the body")]
    Checksum(Coding),
    #[error("the body ends before the end of its {0} data")]
    Truncated(Coding),
    #[error("more bytes follow the end of the {0} data")]
    Trailing(Coding),
    /// It needs more memory than RFC 9659 allows.
    #[error("the window of {coding} is larger than {limit} bytes")]
    Window { coding: Coding, limit: usize },
    #[error("the decoded body has more than {limit} bytes")]
    TooLong { limit: u64 },
    #[error("the decoded body is more than {ratio} times as long as the coded one")]
    Ratio { ratio: u64 },
    /// An encoder failed, which no input should make it do.
    #[error("the {0} encoder failed")]
    Encoder(Coding),
}

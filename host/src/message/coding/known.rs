//! The content codings that are known here (RFC 9110, section 8.4.1).

use std::fmt;

/// A content coding that can be undone and done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Also `x-gzip` (RFC 9110, section 8.4.1.3; RFC 1952).
    Gzip,
    /// The zlib format (RFC 1950). Raw deflate (RFC 1951), which some senders mean by it, is read too, as browsers do.
    Deflate,
    /// Brotli (RFC 7932).
    Br,
    /// Zstandard (RFC 8878, and RFC 9659 for the window).
    Zstd,
}

impl Coding {
    pub(super) const ALL: [(&str, Self); 5] = [
        ("gzip", Self::Gzip),
        ("x-gzip", Self::Gzip),
        ("deflate", Self::Deflate),
        ("br", Self::Br),
        ("zstd", Self::Zstd),
    ];

    /// As `content-encoding` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Br => "br",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! Exchanges in a file: the tape.
//!
//! A tape begins with a header and goes on with records, one for each exchange. All numbers are little-endian.
//!
//! ```text
//! header = "tolltape"  version: u32  created: u64 (µs since 1970)  check: u32
//! record = length: u32  version: u32  checksum: u64  check: u32  body: length bytes
//! ```
//!
//! `checksum` is XXH3-64 of the body; `check` is the lower half of XXH3-64 of what stands before it in the header or the record. So a
//! length is known to be right before anything is read by it, and a body before it is decoded. The body is a [`Recorded`] in bincode.
//!
//! Records are only appended. What a crash leaves behind is a last record that is incomplete; readers skip it, and the next writer cuts
//! it off. A tape that is too large or too old becomes `FILE.1`, `FILE.1` becomes `FILE.2`, and a new one begins.
//!
//! [`Recorded`]: super::Recorded

mod codec;
mod config;
mod error;
mod file;
mod frame;
mod reader;
#[cfg(test)]
mod tests;
mod weight;
mod writer;

pub use codec::{decode, encode};
pub use config::TapeConfig;
pub use error::TapeError;
pub use file::TapeFile;
pub use frame::Header;
pub use reader::TapeReader;
pub use weight::weight;
pub use writer::{TapeCounts, TapeWriter};

//! Content codings, undone and done again as a body flows (RFC 9110, section 8.4): a state machine of bytes, without I/O and
//! without a clock.
//!
//! ```ignore
//! decoder.push(chunk);                        // and `end` behind the last one
//! while let Some(bytes) = decoder.step()? { … }
//! ```
//!
//! An [`Encoder`] is used in the same way. Both give their output in steps of at most 64 KiB, so what a chunk unpacks to is never in memory
//! at once, and a coder that nobody asks for the next step does nothing.
//!
//! **Memory** of one coder (measured, heap). A decoder's window is as large as the sender chose, up to:
//!
//! | coding | decoder, most | encoder | in a stream of small events | why no more |
//! | --- | --- | --- | --- | --- |
//! | gzip, deflate | 46 KiB | 371 KiB | 0.3 MiB | a window has 32 KiB (RFC 1951) |
//! | br | 16.5 MiB | 2.0 MiB | 0.5 MiB | a window has at most 16 MiB (RFC 7932, section 9.1); a "large window" is refused |
//! | zstd | 8.5 MiB | 2.0 MiB | 0.8 MiB | a window above 8 MiB is refused, as RFC 9659 has it |
//!
//! What senders choose for streams is usually less: a decoder of br or zstd with their usual windows of 4 and 2 MiB takes 4.2 and 2.5 MiB.
//! A body has up to three codings, with a coder for each.
//!
//! **Levels.** A body that flows is coded once and read once, so CPU time counts more than the last percents of size. On 2 MiB of Rust
//! code, and on 2 MiB of JSON records, CPU time for each MiB of the body, and size (2 vCPUs; they were busy, so times are a fifth too high or
//! low):
//!
//! | coding | level | code | JSON | decoding | one event of 174 bytes, flushed |
//! | --- | --- | --- | --- | --- | --- |
//! | gzip | **4** | 17 ms, 26.0 % | 11 ms, 19.3 % | 2 to 3 ms | 4 µs, 13 bytes |
//! | gzip | 6, zlib's default | 20 to 25 ms, 25.3 % | 14 to 18 ms, 18.9 % | | |
//! | gzip | 1 | 7 ms, 38.7 % | 5 ms, 30.0 % | | |
//! | br | **4**, window 256 KiB | 22 ms, 26.1 % | 13 ms, 18.5 % | 3 to 5 ms | 7 µs, 15 bytes |
//! | br | 5 | 46 ms, 27.2 % | 33 ms, 18.5 % | | |
//! | br | 3 | 19 ms, 26.9 % | 10 ms, 19.2 % | | |
//! | zstd | **3**, window 512 KiB | 6 ms, 25.8 % | 4 ms, 17.3 % | 1 ms | 1.5 µs, 14 bytes |
//! | zstd | 5 | 12 ms, 23.8 % | 12 ms, 17.4 % | | |
//! | zstd | 1 | 5 ms, 28.8 % | 2 ms, 17.8 % | | |
//!
//! flate2's other pure backend, miniz_oxide, takes 36 ms for gzip 4 where zlib-rs takes 17. There is no pure Rust encoder of zstd that reaches
//! the C library, which is compiled with the C compiler that ring and mimalloc need anyway.

mod br;
mod codings;
mod decoder;
mod deflate;
mod encoder;
mod error;
#[cfg(test)]
mod fuzz;
mod gzip;
mod known;
mod step;
#[cfg(test)]
mod tests;
mod zstd;

pub use codings::Codings;
pub use decoder::{DecodeLimits, Decoder};
pub use encoder::Encoder;
pub use error::CodingError;
pub use known::Coding;

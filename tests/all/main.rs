//! Every test of the whole: one file a subject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails loudly")]

/// Messages without plugins: nothing is lost, added or decoded.
mod passthrough;

//! Codes by which the commands end.

/// The command line or the project's description is wrong (`EX_USAGE` of sysexits.h).
pub const USAGE: u8 = 64;

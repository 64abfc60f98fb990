//! The prefix of a gRPC message (gRPC over HTTP/2, "Length-Prefixed-Message"): a byte of flags, and the length in four bytes, the
//! most significant first.

/// Bytes of a prefix.
pub const PREFIX: usize = 5;

/// The prefix of a message of `length` bytes; none if that doesn't fit into it.
pub fn prefix(flags: u8, length: usize) -> Option<[u8; PREFIX]> {
    let [a, b, c, d] = u32::try_from(length).ok()?.to_be_bytes();
    Some([flags, a, b, c, d])
}

/// The length in the prefix that begins in `before` and goes on in `after`; none while the prefix is incomplete.
pub(super) fn length(before: &[u8], after: &[u8]) -> Option<usize> {
    let mut bytes = before.iter().chain(after).copied().skip(1);
    let mut next = || bytes.next();
    let length = u32::from_be_bytes([next()?, next()?, next()?, next()?]);
    usize::try_from(length).ok()
}

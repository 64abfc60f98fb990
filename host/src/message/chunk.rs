//! Bytes that wait to be taken.

use bytes::{Bytes, BytesMut};

/// Puts more behind what waits. While nothing does, nothing is copied.
pub(super) fn append(waiting: &mut Bytes, more: Bytes) {
    if waiting.is_empty() {
        *waiting = more;
        return;
    }
    let mut both = BytesMut::with_capacity(waiting.len() + more.len());
    both.extend_from_slice(waiting);
    both.extend_from_slice(&more);
    *waiting = both.freeze();
}

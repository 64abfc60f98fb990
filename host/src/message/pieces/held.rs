//! The beginning of a piece that ends in a later chunk: a buffer that never has room for more than the piece may have.

use bytes::Bytes;

#[derive(Debug, Default)]
pub(super) struct Held(Vec<u8>);

impl Held {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Adds bytes. The buffer grows by doubling, so that many small chunks cost no more than a few large ones, but not above `most`
    /// bytes unless it must.
    pub(super) fn push(&mut self, bytes: &[u8], most: usize) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let doubled = self.0.capacity().saturating_mul(2).min(most);
            self.0.reserve_exact(doubled.max(needed) - self.0.len());
        }
        self.0.extend_from_slice(bytes);
    }

    /// Gives the bytes away, without a copy.
    pub(super) fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.0))
    }
}

//! Tokens whose signature was verified, by their hash: to verify one again costs more than everything else.
//!
//! Only the signature is remembered. All claims, and so the times, are checked anew for each request. It is forgotten with
//! the keys: a key that an issuer withdraws takes its tokens with it.

use std::collections::{HashSet, VecDeque};

/// Tokens that an instance remembers.
const MOST: usize = 1_000;

/// The newest tokens, the oldest first.
#[derive(Debug, Default)]
pub struct Verified {
    known: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Verified {
    pub fn has(&self, token: &[u8; 32]) -> bool {
        self.known.contains(token)
    }

    pub fn add(&mut self, token: [u8; 32]) {
        if !self.known.insert(token) {
            return;
        }
        self.order.push_back(token);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        assert_eq!(self.known.len(), self.order.len());
        self.order.len()
    }
}

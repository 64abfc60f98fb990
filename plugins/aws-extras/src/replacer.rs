//! Puts other texts in the place of fixed ones, in a body as it flows.

use tollgate_plugin::{Fate, Result, Rewriter, Sink};

/// The texts, and what may still become one of them.
#[derive(Debug)]
pub struct Replacer {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The end of what came, which begins one of the texts.
    held: Vec<u8>,
}

impl Replacer {
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        let bytes = |(from, to): (String, String)| (from.into_bytes(), to.into_bytes());
        let pairs = pairs
            .into_iter()
            .map(bytes)
            .filter(|(from, _)| !from.is_empty());
        Self {
            pairs: pairs.collect(),
            held: Vec::new(),
        }
    }

    /// The text that stands at the begin of `bytes`, with what takes its place.
    fn at(&self, bytes: &[u8]) -> Option<&(Vec<u8>, Vec<u8>)> {
        self.pairs.iter().find(|(from, _)| bytes.starts_with(from))
    }

    /// Whether `bytes` may become a text when more comes.
    fn may_begin(&self, bytes: &[u8]) -> bool {
        self.pairs
            .iter()
            .any(|(from, _)| from.len() > bytes.len() && from.starts_with(bytes))
    }
}

impl Rewriter for Replacer {
    fn piece(&mut self, piece: &[u8], sink: &mut Sink) -> Result<Fate> {
        let mut bytes = std::mem::take(&mut self.held);
        let was_held = !bytes.is_empty();
        bytes.extend_from_slice(piece);
        let mut out = Vec::with_capacity(bytes.len());
        let mut changed = was_held;
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if let Some((from, to)) = self.at(rest) {
                out.extend_from_slice(to);
                at += from.len();
                changed = true;
            } else if self.may_begin(rest) {
                self.held = rest.to_vec();
                changed = true;
                break;
            } else {
                out.push(rest[0]);
                at += 1;
            }
        }
        if !changed {
            return Ok(Fate::Keep);
        }
        if !out.is_empty() {
            sink.emit(out);
        }
        Ok(Fate::Replace)
    }

    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        if !self.held.is_empty() {
            sink.emit(&self.held);
        }
        Ok(())
    }
}

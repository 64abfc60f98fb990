//! One body: its pieces go through a scanner, and the log gets what was found, never the secrets themselves.

use tollgate_plugin::{Error, Fate, Result, Rewriter, Sink, info, warn};

use crate::scanner::{Form, Kind, Scanned, Scanner};
use crate::settings::Redact;

/// Rewrites one body.
pub struct Redactor {
    scanner: Scanner,
    side: &'static str,
    passes_unreadable: bool,
    /// The first bytes, until there are two.
    start: Vec<u8>,
    out: Vec<u8>,
}

impl Redactor {
    pub fn new(settings: &Redact, form: Form, side: &'static str) -> Self {
        Self {
            scanner: Scanner::new(settings.kinds, form, settings.replacements.clone()),
            side,
            passes_unreadable: settings.passes_unreadable(),
            start: Vec::new(),
            out: Vec::new(),
        }
    }

    /// Looks at the first two bytes: text of UTF-16 shows itself there, by its mark or by a zero.
    fn check_start(&mut self, piece: &[u8]) -> Result<()> {
        let missing = 2 - self.start.len();
        self.start.extend(piece.iter().take(missing));
        let is_wide =
            matches!(self.start[..], [0xff, 0xfe] | [0xfe, 0xff]) || self.start.contains(&0);
        if !is_wide {
            return Ok(());
        }
        let what = format!("the {} is text of UTF-16 or no text", self.side);
        if self.passes_unreadable {
            warn!("passed with all that is in it: {what}");
            return Ok(());
        }
        Err(Error::new(format_args!(
            "{what}, and so its secrets can't be found"
        )))
    }
}

impl Rewriter for Redactor {
    fn piece(&mut self, piece: &[u8], sink: &mut Sink) -> Result<Fate> {
        if self.start.len() < 2 {
            self.check_start(piece)?;
        }
        self.out.clear();
        if self.scanner.push(piece, &mut self.out) == Scanned::Unchanged {
            return Ok(Fate::Keep);
        }
        if !self.out.is_empty() {
            sink.emit(&self.out);
        }
        Ok(Fate::Replace)
    }

    fn end(&mut self, sink: &mut Sink) -> Result<()> {
        self.out.clear();
        self.scanner.end(&mut self.out);
        if !self.out.is_empty() {
            sink.emit(&self.out);
        }
        let found = Kind::ALL.iter().zip(self.scanner.found());
        let found = found.filter(|(_, count)| **count > 0);
        let found: Vec<String> = found
            .map(|(kind, count)| format!("{}: {count}", kind.name()))
            .collect();
        if !found.is_empty() {
            info!("replaced in the {}: {}", self.side, found.join(", "));
        }
        Ok(())
    }
}

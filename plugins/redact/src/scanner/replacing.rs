//! What becomes of a secret that was found, and what stands before it.

use super::{Form, Kind, PAST, SECRET_KEY, Scanner, patterns};

/// Where the output is made.
pub struct Output<'a> {
    pub to: &'a mut Vec<u8>,
    /// The text up to here is done with.
    pub done: usize,
}

impl Scanner {
    /// A run of characters of a key ends here.
    pub(super) fn end_key(&mut self, text: &[u8], output: &mut Output<'_>) {
        let Some((start, SECRET_KEY)) = self.key.take() else {
            return;
        };
        let run: Vec<u8> = text[start..self.at]
            .iter()
            .copied()
            .filter(|byte| *byte != b'\\')
            .collect();
        let mut before = self.past.clone();
        before.extend_from_slice(&text[..start]);
        let before = &before[before.len().saturating_sub(PAST)..];
        // With an equals sign behind it, it is base64 of something shorter.
        if text.get(self.at) != Some(&b'=') && patterns::is_secret_key(&run, before) {
            self.replace(text, start..self.at, Kind::AwsKey, output);
        }
    }

    /// Puts the replacement in the place of this text.
    pub(super) fn replace(
        &mut self,
        text: &[u8],
        secret: std::ops::Range<usize>,
        kind: Kind,
        output: &mut Output<'_>,
    ) {
        output.copy(text, secret.start);
        output
            .to
            .extend_from_slice(self.replacements[kind as usize].as_bytes());
        output.done = secret.end;
        self.at = secret.end;
        (self.key, self.local) = (None, None);
        self.found[kind as usize] += 1;
    }

    /// The byte that stands so many places before one.
    pub(super) fn byte_before(&self, text: &[u8], at: usize, back: usize) -> Option<u8> {
        match at.checked_sub(back) {
            Some(place) => text.get(place).copied(),
            None => {
                let place = (self.past.len() + at).checked_sub(back)?;
                self.past.get(place).copied()
            }
        }
    }

    /// Whether the digits here stand behind a decimal point.
    pub(super) fn is_fraction(&self, text: &[u8]) -> bool {
        self.byte_before(text, self.at, 1) == Some(b'.')
            && self
                .byte_before(text, self.at, 2)
                .is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Whether the digits at the end of this text are a number in JSON, in whose place a string must stand.
    pub(super) fn is_json_value(&self, text: &[u8]) -> bool {
        let is_number = text[self.at..].iter().all(u8::is_ascii_digit);
        if self.form == Form::Plain || self.in_string || !is_number {
            return false;
        }
        let mut back = 1;
        let mut before = |skips: &[u8]| loop {
            let byte = self.byte_before(text, self.at, back);
            if !byte.is_some_and(|byte| skips.contains(&byte)) {
                return byte;
            }
            back += 1;
        };
        match before(b" \t\r\n") {
            Some(b'[' | b',') => true,
            Some(b':') => before(b" \t\r\n:") == Some(b'"'),
            Some(_) => false,
            None => self.form == Form::Json,
        }
    }
}

impl Output<'_> {
    /// Lets the text up to this place go on.
    pub fn copy(&mut self, text: &[u8], end: usize) {
        self.to.extend_from_slice(&text[self.done..end]);
        self.done = end;
    }
}

//! Finds secrets in text that comes in pieces, and replaces them.
//!
//! Each byte is taken once, in order. What a pattern could still need is held back, at most 640 bytes; the rest of a long secret is
//! dropped as it comes. It is written by hand and not with regular expressions: those would have to look at what is held again with
//! each piece, can't say how much of it they still need, and know neither a checksum nor where an escape of JSON ends.

mod classes;
mod dropping;
mod kinds;
mod patterns;
mod replacing;
#[cfg(test)]
mod tests;

use classes::{ALNUM, KEY, LOCAL, SPECIAL, is};
use dropping::{Drop, Step};
pub use kinds::{Form, Kind, Kinds};
use patterns::{Ahead, More};
use replacing::Output;

/// Bytes of the name of an address (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;

/// A secret key has so many characters.
const SECRET_KEY: usize = 40;

/// How much is known of the text that has gone on.
const PAST: usize = 64;

/// What became of a piece.
#[derive(Debug, PartialEq, Eq)]
pub enum Scanned {
    /// It may go on as it is.
    Unchanged,
    /// What was written goes on in its place.
    Changed,
}

/// The state of one body.
pub struct Scanner {
    kinds: Kinds,
    form: Form,
    replacements: [String; Kind::ALL.len()],
    found: [u32; Kind::ALL.len()],
    /// What is held back. Places are counted from its start.
    held: Vec<u8>,
    /// The next byte to take.
    at: usize,
    /// The run of characters of a key that ends here: where it begins, and how many there are.
    key: Option<(usize, usize)>,
    /// Where the name of an address may begin that ends here.
    local: Option<usize>,
    /// The word that is being taken is too long to be anything.
    in_long_word: bool,
    /// In a string of JSON.
    in_string: bool,
    drop: Option<Drop>,
    /// The end of the text before, as it came.
    past: Vec<u8>,
}

impl Scanner {
    pub fn new(kinds: Kinds, form: Form, replacements: [String; Kind::ALL.len()]) -> Self {
        Self {
            kinds,
            form,
            replacements,
            found: [0; Kind::ALL.len()],
            held: Vec::new(),
            at: 0,
            key: None,
            local: None,
            in_long_word: false,
            in_string: false,
            drop: None,
            past: Vec::with_capacity(2 * PAST),
        }
    }

    /// Takes a piece, and writes what can go on.
    pub fn push(&mut self, piece: &[u8], to: &mut Vec<u8>) -> Scanned {
        if !self.held.is_empty() {
            let mut text = std::mem::take(&mut self.held);
            text.extend_from_slice(piece);
            let (done, hold) = self.scan(&text, false, to);
            to.extend_from_slice(&text[done..hold]);
            self.settle(&text, hold);
            text.drain(..hold);
            self.held = text;
            return Scanned::Changed;
        }
        let (done, hold) = self.scan(piece, false, to);
        self.settle(piece, hold);
        if done == 0 && to.is_empty() && hold == piece.len() {
            return Scanned::Unchanged;
        }
        to.extend_from_slice(&piece[done..hold]);
        self.held.extend_from_slice(&piece[hold..]);
        Scanned::Changed
    }

    /// Writes what is left.
    pub fn end(&mut self, to: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.held);
        let (done, _) = self.scan(&text, true, to);
        to.extend_from_slice(&text[done..]);
    }

    /// How many of each kind were replaced.
    pub fn found(&self) -> &[u32] {
        &self.found
    }

    /// Takes what it can. Tells up to where the text is done with, and from where on it must be held.
    fn scan(&mut self, text: &[u8], is_whole: bool, to: &mut Vec<u8>) -> (usize, usize) {
        let mut output = Output { to, done: 0 };
        let ahead = Ahead { text, is_whole };
        while self.step(ahead, &mut output) == Ok(true) {}
        let key = self.key.filter(|(_, count)| *count <= SECRET_KEY);
        let starts = [key.map(|(start, _)| start), self.local];
        let hold = starts.into_iter().flatten().fold(self.at, usize::min);
        (output.done, hold)
    }

    /// Text before this place has gone on.
    fn settle(&mut self, text: &[u8], hold: usize) {
        self.at -= hold;
        self.key = self
            .key
            .map(|(start, count)| (start.saturating_sub(hold), count));
        self.local = self.local.map(|start| start - hold);
        if hold >= PAST {
            self.past.clear();
        }
        self.past
            .extend_from_slice(&text[hold.saturating_sub(PAST)..hold]);
        let more = self.past.len().saturating_sub(PAST);
        self.past.drain(..more);
    }

    /// Takes a word, a character, or an escape. False when nothing is left.
    fn step(&mut self, ahead: Ahead<'_>, output: &mut Output<'_>) -> Result<bool, More> {
        if let Some(drop) = self.drop {
            return self.drop_more(drop, ahead, output);
        }
        let Some(&byte) = ahead.text.get(self.at) else {
            if ahead.is_whole {
                self.end_key(ahead.text, output);
            }
            return Ok(false);
        };
        if is(byte, ALNUM) {
            return self.word(ahead, output).map(|()| true);
        }
        self.in_long_word = false;
        if !is(byte, KEY | LOCAL | SPECIAL) {
            self.end_key(ahead.text, output);
            self.local = None;
            self.at += 1;
            return Ok(true);
        }
        self.character(byte, ahead, output).map(|()| true)
    }

    /// Takes a run of letters and digits.
    fn word(&mut self, ahead: Ahead<'_>, output: &mut Output<'_>) -> Result<(), More> {
        let (text, start) = (ahead.text, self.at);
        let length = text[start..].iter().position(|byte| !is(*byte, ALNUM));
        let end = length.map_or(text.len(), |length| start + length);
        let word = &text[start..end];
        let goes_on = length.is_none() && !ahead.is_whole;
        if goes_on && !self.in_long_word && self.could_be_more(word) {
            return Err(More);
        }
        let is_known = !self.in_long_word && !goes_on && self.find_in_word(word, ahead, output)?;
        self.in_long_word = goes_on;
        if is_known {
            return Ok(());
        }
        self.at = end;
        self.extend_key(start, word.len());
        self.extend_local(start);
        Ok(())
    }

    /// Whether a word that goes on may have to be replaced.
    fn could_be_more(&self, word: &[u8]) -> bool {
        let length = word.len();
        let taken = self.key.map_or(0, |(_, count)| count);
        let is_start = |of: &[u8]| {
            of.get(..length)
                .is_some_and(|start| word.eq_ignore_ascii_case(start))
        };
        (self.kinds.has(Kind::EmailAddress) && length <= LONGEST_LOCAL)
            || (self.kinds.has(Kind::AwsKey) && (length <= 20 || taken + length <= SECRET_KEY))
            || (self.kinds.has(Kind::BearerToken) && is_start(b"bearer"))
            || (self.kinds.has(Kind::CardNumber)
                && length <= 19
                && word.iter().all(u8::is_ascii_digit))
    }

    /// Finds what begins or lies in a word. True if it was taken.
    fn find_in_word(
        &mut self,
        word: &[u8],
        ahead: Ahead<'_>,
        output: &mut Output<'_>,
    ) -> Result<bool, More> {
        let (start, end) = (self.at, self.at + word.len());
        if word.len() == 20 && self.kinds.has(Kind::AwsKey) && patterns::is_access_key_id(word) {
            self.replace(ahead.text, start..end, Kind::AwsKey, output);
            return Ok(true);
        }
        if word.len() == 6
            && self.kinds.has(Kind::BearerToken)
            && word.eq_ignore_ascii_case(b"bearer")
            && let Some(token) = patterns::bearer(ahead, end)?
        {
            self.replace(ahead.text, token..token, Kind::BearerToken, output);
            self.drop = Some(Drop::Token);
            return Ok(true);
        }
        if word[0].is_ascii_digit()
            && self.kinds.has(Kind::CardNumber)
            && !self.is_fraction(ahead.text)
            && let Some(end) = patterns::card(ahead, start)?
        {
            let is_value = self.is_json_value(&ahead.text[..end]);
            let quote: &[u8] = if is_value { b"\"" } else { b"" };
            output.copy(ahead.text, start);
            output.to.extend_from_slice(quote);
            self.replace(ahead.text, start..end, Kind::CardNumber, output);
            output.to.extend_from_slice(quote);
            return Ok(true);
        }
        Ok(false)
    }

    /// Takes one character that isn't in a word.
    fn character(
        &mut self,
        byte: u8,
        ahead: Ahead<'_>,
        output: &mut Output<'_>,
    ) -> Result<(), More> {
        let is_slash = byte == b'\\' && ahead.byte(self.at + 1)? == Some(b'/');
        if !is(byte, KEY) && !is_slash {
            self.end_key(ahead.text, output);
        }
        match byte {
            b'@' => return self.address(ahead, output),
            b'\\' if is_slash => {
                self.local = None;
                self.extend_key(self.at, 1);
                self.at += 2;
                return Ok(());
            }
            b'\\' => return self.escape(ahead),
            b'-' if self.kinds.has(Kind::PrivateKey) => {
                if let Some(end) = patterns::private_key(ahead, self.at)? {
                    self.replace(ahead.text, self.at..end, Kind::PrivateKey, output);
                    self.drop = Some(Drop::private_key(self.form == Form::Events));
                    return Ok(());
                }
            }
            b'"' => self.in_string = !self.in_string,
            // A string of JSON has no line break, so the end of a line sets this right.
            b'\n' => self.in_string = false,
            _ => {}
        }
        let start = self.at;
        self.at += 1;
        if is(byte, KEY) {
            self.extend_key(start, 1);
        }
        if is(byte, LOCAL) {
            self.extend_local(start);
        } else {
            self.local = None;
        }
        Ok(())
    }

    /// Takes an `@`, and the address around it.
    fn address(&mut self, ahead: Ahead<'_>, output: &mut Output<'_>) -> Result<(), More> {
        let at = self.at;
        if let Some(start) = self.local {
            let name = &ahead.text[start..at];
            let dashes = name.iter().take_while(|byte| b".-+".contains(byte)).count();
            if dashes < name.len()
                && !name.ends_with(b".")
                && let Some(end) = patterns::domain(ahead, at + 1)?
            {
                self.replace(ahead.text, start + dashes..end, Kind::EmailAddress, output);
                self.drop = Some(Drop::Domain);
                return Ok(());
            }
        }
        self.local = None;
        self.at = at + 1;
        Ok(())
    }

    /// Takes backslashes, and the character that they escape, which is no part of the word behind them. Escapes may be escaped again.
    fn escape(&mut self, ahead: Ahead<'_>) -> Result<(), More> {
        /// An even number, so that it doesn't matter how a longer row is divided.
        const MOST: usize = 16;
        let mut end = self.at;
        while end < self.at + MOST && ahead.byte(end)? == Some(b'\\') {
            end += 1;
        }
        let count = end - self.at;
        let escaped = if count == MOST {
            None
        } else {
            ahead.byte(end)?
        };
        end += match escaped {
            // It is not escaped, and ends a string.
            Some(b'"') if count.is_multiple_of(2) => 0,
            Some(b'u') => {
                let mut hex = 0;
                while hex < 4
                    && ahead
                        .byte(end + 1 + hex)?
                        .is_some_and(|byte| byte.is_ascii_hexdigit())
                {
                    hex += 1;
                }
                if hex == 4 { 5 } else { 1 }
            }
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'"' => 1,
            Some(_) | None => 0,
        };
        self.local = None;
        self.at = end;
        Ok(())
    }

    /// Drops more of a secret.
    fn drop_more(
        &mut self,
        mut drop: Drop,
        ahead: Ahead<'_>,
        output: &mut Output<'_>,
    ) -> Result<bool, More> {
        let step = drop.step(ahead, self.at)?;
        self.drop = Some(drop);
        let dropped = match step {
            Step::Keep(count) => {
                self.at += count;
                return Ok(true);
            }
            Step::Drop(count) => count,
            Step::Over => 0,
            Step::OverAfter(count) => count,
        };
        if !matches!(step, Step::Drop(_)) {
            self.drop = None;
        }
        output.copy(ahead.text, self.at);
        self.at += dropped;
        output.done = self.at;
        Ok(true)
    }

    fn extend_key(&mut self, start: usize, count: usize) {
        if self.kinds.has(Kind::AwsKey) {
            let (start, before) = self.key.unwrap_or((start, 0));
            self.key = Some((start, (before + count).min(SECRET_KEY + 1)));
        }
    }

    /// The name of an address may reach up to here.
    fn extend_local(&mut self, start: usize) {
        if self.kinds.has(Kind::EmailAddress) {
            let start = self.local.unwrap_or(start);
            self.local = Some(start.max(self.at.saturating_sub(LONGEST_LOCAL)));
        }
    }
}

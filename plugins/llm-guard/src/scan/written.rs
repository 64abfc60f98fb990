//! Text as the symbols that a scan looks at, each with how it was written.
//!
//! Plain text is what it is. The arguments of a tool are JSON text: there an escape is one character to the scan
//! (`\u0041` hides no `A`, and `\nAcme` begins a word), and goes on as it was written. A string's quotes are no
//! character at all, so that no match reaches over them and what remains is still JSON.

use super::automaton::BARRIER;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// JSON, or fragments of it.
    Json,
}

/// A character as the scan sees it.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    pub shown: char,
    written: Written,
    /// Whether a marker in its place needs quotes: it is JSON, outside of its strings.
    pub bare: bool,
}

#[derive(Clone, Copy, Debug)]
enum Written {
    AsShown,
    Quote,
    /// `\n`
    Short(char),
    /// `\u000a`
    Long([char; 4]),
}

/// Makes symbols of text that comes in pieces.
#[derive(Debug)]
pub struct Reader {
    kind: Kind,
    in_string: bool,
    /// An escape that is not complete yet.
    escape: Vec<char>,
}

impl Reader {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            in_string: false,
            escape: Vec::new(),
        }
    }

    /// Adds the symbols of the next characters. The last call gets what an incomplete escape leaves.
    pub fn read(&mut self, text: &str, last: bool, symbols: &mut Vec<Symbol>) {
        if self.kind == Kind::Plain {
            symbols.extend(
                text.chars()
                    .map(|shown| self.symbol(shown, Written::AsShown)),
            );
            return;
        }
        for one in text.chars() {
            self.json(one, symbols);
        }
        if last {
            self.give_up_escape(symbols);
        }
    }

    fn symbol(&self, shown: char, written: Written) -> Symbol {
        Symbol {
            shown,
            written,
            bare: self.kind == Kind::Json && !self.in_string,
        }
    }

    fn json(&mut self, one: char, symbols: &mut Vec<Symbol>) {
        if !self.escape.is_empty() {
            return self.escaped(one, symbols);
        }
        match one {
            '\\' if self.in_string => self.escape.push(one),
            '"' => {
                symbols.push(self.symbol(BARRIER, Written::Quote));
                self.in_string = !self.in_string;
            }
            _ => symbols.push(self.symbol(one, Written::AsShown)),
        }
    }

    fn escaped(&mut self, one: char, symbols: &mut Vec<Symbol>) {
        let is_long = self.escape.get(1) == Some(&'u');
        if self.escape.len() == 1 && one != 'u' {
            self.escape.clear();
            let shown = match one {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                other => other,
            };
            symbols.push(self.symbol(shown, Written::Short(one)));
        } else if is_long && !one.is_ascii_hexdigit() {
            // Not JSON: as it stands.
            self.give_up_escape(symbols);
            self.json(one, symbols);
        } else {
            self.escape.push(one);
            if let ['\\', 'u', a, b, c, d] = self.escape[..] {
                self.escape.clear();
                let code = [a, b, c, d]
                    .iter()
                    .fold(0, |code, digit| code * 16 + digit.to_digit(16).unwrap_or(0));
                let shown = char::from_u32(code).filter(|shown| *shown != BARRIER);
                let written = Written::Long([a, b, c, d]);
                symbols.push(self.symbol(shown.unwrap_or(char::REPLACEMENT_CHARACTER), written));
            }
        }
    }

    fn give_up_escape(&mut self, symbols: &mut Vec<Symbol>) {
        for one in std::mem::take(&mut self.escape) {
            symbols.push(self.symbol(one, Written::AsShown));
        }
    }
}

impl Symbol {
    /// Adds it as it was written.
    pub fn write(self, out: &mut String) {
        match self.written {
            Written::AsShown => out.push(self.shown),
            Written::Quote => out.push('"'),
            Written::Short(letter) => out.extend(['\\', letter]),
            Written::Long([a, b, c, d]) => out.extend(['\\', 'u', a, b, c, d]),
        }
    }
}

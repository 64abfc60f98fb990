//! JSON with the places of its values, so that one string can be changed and every other byte stays.

use std::ops::Range;

/// Depth of lists and objects at most.
const DEEPEST: usize = 128;

/// A value and where it is.
#[derive(Debug)]
pub struct Value {
    pub span: Range<usize>,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    /// `null`, `true`, `false`.
    Word,
    Number,
    Text(String),
    List(Vec<Value>),
    Map(Vec<Member>),
}

/// A member of an object.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    /// Where the name is, with its quotes.
    pub span: Range<usize>,
    pub value: Value,
}

impl Value {
    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members()
            .iter()
            .find(|member| member.name == name)
            .map(|member| &member.value)
    }

    pub fn members(&self) -> &[Member] {
        match &self.what {
            What::Map(members) => members,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Self] {
        match &self.what {
            What::List(items) => items,
            _ => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The member as it is written.
    pub fn raw<'a>(&self, name: &str, json: &'a str) -> Option<&'a str> {
        self.get(name)
            .and_then(|value| json.get(value.span.clone()))
    }

    pub fn count(&self, name: &str, json: &str) -> Option<u64> {
        self.raw(name, json).and_then(|raw| raw.parse().ok())
    }
}

/// Reads a JSON text. What two readers could read in two ways, such as a name that is there twice, is an error.
pub fn parse(json: &str) -> Result<Value, String> {
    let mut parser = Parser { json, at: 0 };
    let value = parser.value(0)?;
    parser.space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.wrong("there is something behind the value")),
    }
}

struct Parser<'a> {
    json: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn wrong(&self, why: &str) -> String {
        format!("byte {}: {why}", self.at)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        self.space();
        let start = self.at;
        let what = match self.peek() {
            Some(b'"') => What::Text(self.string()?),
            Some(b'{' | b'[') if depth >= DEEPEST => {
                return Err(self.wrong("it is nested too deeply"));
            }
            Some(b'{') => What::Map(self.map(depth)?),
            Some(b'[') => What::List(self.list(depth)?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Value {
            span: start..self.at,
            what,
        })
    }

    fn word(&mut self) -> Result<What, String> {
        let rest = &self.json[self.at..];
        let word = ["null", "true", "false"]
            .into_iter()
            .find(|word| rest.starts_with(word));
        self.at += word.ok_or_else(|| self.wrong("expected a value"))?.len();
        Ok(What::Word)
    }

    fn digits(&mut self) -> Result<(), String> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start)
            .then_some(())
            .ok_or_else(|| self.wrong("expected a digit"))
    }

    fn number(&mut self) -> Result<What, String> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(What::Number)
    }

    /// Whether a list or an object goes on: behind a comma, or at its first member.
    fn goes_on(&mut self, end: u8, is_first: bool) -> Result<bool, String> {
        self.space();
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if is_first => Ok(true),
            _ => Err(self.wrong("expected a comma or the end of the list or object")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, String> {
        self.at += 1;
        let mut items = Vec::new();
        while self.goes_on(b']', items.is_empty())? {
            items.push(self.value(depth + 1)?);
        }
        Ok(items)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Member>, String> {
        self.at += 1;
        let mut members: Vec<Member> = Vec::new();
        while self.goes_on(b'}', members.is_empty())? {
            self.space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("expected a name"));
            }
            let name = self.string()?;
            let span = start..self.at;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.wrong("expected a colon"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.push(Member { name, span, value });
        }
        let mut names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err(self.wrong("an object has a name twice")),
            false => Ok(members),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.json[self.at..];
            let plain = rest
                .bytes()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let plain = plain.ok_or_else(|| self.wrong("a string does not end"))?;
            text.push_str(&rest[..plain]);
            self.at += plain + 1;
            match rest.as_bytes()[plain] {
                b'"' => return Ok(text),
                b'\\' => text.push(self.escape()?),
                _ => return Err(self.wrong("a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => {
                let code = self.hex()?;
                if (0xd800..0xdc00).contains(&code) && self.json[self.at..].starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let pair = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                        return Ok(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = back;
                }
                char::from_u32(code).unwrap_or_else(|| half(code))
            }
            _ => return Err(self.wrong("an unknown escape in a string")),
        })
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits = self
            .json
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.wrong("expected four hexadecimal digits"))
    }
}

/// Half of a surrogate pair stands for itself in the last 2048 private characters, since a pair may be cut by the end of a
/// delta; `quote` writes it as it was.
fn half(code: u32) -> char {
    char::from_u32(0x10_f800 + (code - 0xd800)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A text as a JSON string.
pub fn quote(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for one in text.chars() {
        match one {
            '"' | '\\' => json.extend(['\\', one]),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\0'..='\x1f' => json.push_str(&format!("\\u{:04x}", one as u32)),
            '\u{10f800}'..='\u{10ffff}' => {
                json.push_str(&format!("\\u{:04x}", one as u32 - 0x10_f800 + 0xd800))
            }
            _ => json.push(one),
        }
    }
    json.push('"');
    json
}

/// A part of a text, and what stands in its place.
pub type Edit = (Range<usize>, String);

/// Puts texts in place of parts of a text.
pub fn splice(text: &[u8], edits: &mut Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut at = 0;
    for (span, new) in edits.drain(..) {
        out.extend_from_slice(&text[at..span.start]);
        out.extend_from_slice(new.as_bytes());
        at = span.end;
    }
    out.extend_from_slice(&text[at..]);
    out
}

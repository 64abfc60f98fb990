//! Strings of JSON, by the fields that they stand in. The text may come in parts, and be several values: NDJSON is.

mod level;

use level::{BY_TABLE, Level, Of, Owned, Step, string_end};

use super::window::Window;
use super::{Editor, LONGEST_DOCUMENT, LONGEST_TEXT, MOST_DEPTH, Place};
use super::{begins_document, is_name_of_pair, is_value_of_pair};
use crate::decoded::{Decoded, Escapes};
use crate::keys::{self, Class, Field};

/// The text is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Looks at every string of one value that is here as a whole; none if it isn't well-formed. `root` says where a place of it is
/// in the whole document.
pub(super) fn walk(editor: &mut Editor<'_, '_>, text: &[u8], root: Place<'_>) -> Option<()> {
    let mut json = Json {
        is_single: true,
        ..Json::default()
    };
    json.go(editor, text, root, true).ok()?;
    json.is_complete().then_some(())
}

/// A walk that goes as far as the text is there.
#[derive(Debug, Default)]
pub(super) struct Json {
    levels: Vec<Level>,
    expects: Expects,
    /// Where the next token begins.
    at: usize,
    /// There is no end of the string that begins at `at` before this place.
    seek: usize,
    /// Whether nothing may follow the first value.
    is_single: bool,
    /// Whether a value of its own has ended.
    has_value: bool,
}

#[derive(Debug, Default)]
enum Expects {
    /// A value of its own, or the end.
    #[default]
    Document,
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    /// The rest of a string that is not looked at.
    Rest(Of),
    /// The rest of a number or word.
    Scalar,
    /// The rest of a string that is too long to be looked at in one piece.
    Long(Window),
}

impl Json {
    /// Whether the text ended behind a value.
    fn is_complete(&self) -> bool {
        matches!(self.expects, Expects::Document) && self.has_value
    }

    /// The text before this place has no name any more that is not found.
    pub(super) fn decided(&self) -> usize {
        let at = match &self.expects {
            Expects::Long(window) => window.done,
            _ => self.at,
        };
        let waiting = self.levels.iter().find_map(|level| level.waiting.as_ref());
        waiting.map_or(at, |(_, start)| at.min(*start))
    }

    /// The text before this place is not needed any more.
    pub(super) fn needed(&self) -> usize {
        match &self.expects {
            Expects::Long(window) => self.decided().min(window.from),
            _ => self.decided(),
        }
    }

    /// So many bytes of the text's beginning are gone.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
        self.seek = self.seek.saturating_sub(bytes);
        if let Expects::Long(window) = &mut self.expects {
            window.forget(bytes);
        }
        for level in &mut self.levels {
            if let Some((_, start)) = &mut level.waiting {
                *start -= bytes;
            }
        }
    }

    /// Goes on to the end of the text. `is_all` says that nothing follows it.
    pub(super) fn go(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        root: Place<'_>,
        is_all: bool,
    ) -> Result<(), Malformed> {
        loop {
            let overdue = |level: &Level| {
                let start = level.waiting.as_ref().map(|(_, start)| *start);
                start.is_some_and(|start| text.len() - start > LONGEST_TEXT)
            };
            if !is_all && let Some(level) = self.levels.iter().position(overdue) {
                self.decide(level);
            }
            if let Step::Waiting = self.step(editor, text, root, is_all)? {
                return Ok(());
            }
        }
    }

    fn step(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        root: Place<'_>,
        is_all: bool,
    ) -> Result<Step, Malformed> {
        match self.expects {
            Expects::Rest(of) => return Ok(self.rest(of, text)),
            Expects::Scalar => return Ok(self.scalar(text, is_all)),
            Expects::Long(_) => return Ok(self.long(editor, text, root)),
            _ => {}
        }
        let is_space = |byte: &&u8| byte.is_ascii_whitespace() || **byte == SEPARATOR;
        self.at += text[self.at..].iter().take_while(is_space).count();
        let Some(&byte) = text.get(self.at) else {
            return Ok(Step::Waiting);
        };
        match (&self.expects, byte) {
            (Expects::Document, b'{' | b'[' | b'"') if !(self.is_single && self.has_value) => {
                self.value(editor, text, root, is_all)
            }
            (Expects::ValueOrEnd, b']') | (Expects::KeyOrEnd, b'}') => self.close(),
            (Expects::Value | Expects::ValueOrEnd, _) => self.value(editor, text, root, is_all),
            (Expects::Key | Expects::KeyOrEnd, b'"') => Ok(self.key(editor, text, root)),
            (Expects::Colon, b':') => Ok(self.token(Expects::Value)),
            (Expects::CommaOrEnd, b',') if self.is_in_object() => Ok(self.token(Expects::Key)),
            (Expects::CommaOrEnd, b',') => Ok(self.token(Expects::Value)),
            (Expects::CommaOrEnd, b'}') if self.is_in_object() => self.close(),
            (Expects::CommaOrEnd, b']') if !self.is_in_object() => self.close(),
            _ => Err(Malformed),
        }
    }

    fn is_in_object(&self) -> bool {
        self.levels.last().is_some_and(|level| level.is_object)
    }

    /// Goes on behind a byte.
    fn token(&mut self, next: Expects) -> Step {
        self.at += 1;
        self.expects = next;
        Step::Again
    }

    /// Goes on behind a value that ends here.
    fn after_value(&mut self, end: usize) -> Step {
        self.at = end;
        self.seek = end;
        self.has_value |= self.levels.is_empty();
        self.expects = match self.levels.is_empty() {
            true => Expects::Document,
            false => Expects::CommaOrEnd,
        };
        Step::Again
    }

    fn close(&mut self) -> Result<Step, Malformed> {
        let last = self.levels.len() - 1;
        if self.levels[last].waiting.is_some() {
            self.decide(last);
            return Ok(Step::Again);
        }
        self.levels.pop();
        Ok(self.after_value(self.at + 1))
    }

    /// Goes back to the value that waits in this level: what stands beside it is known now, or will not be. What was found behind it
    /// is found again.
    fn decide(&mut self, level: usize) {
        self.levels.truncate(level + 1);
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        level.is_decided = true;
        if let Some((key, start)) = level.waiting.take() {
            level.key = key;
            self.at = start;
            self.seek = start;
            self.expects = Expects::Value;
        }
    }

    /// A key, with its colon still to come.
    fn key(&mut self, editor: &mut Editor<'_, '_>, text: &[u8], root: Place<'_>) -> Step {
        let end = match string_end(text, self.seek.max(self.at + 1)) {
            Ok(end) => end,
            Err(seek) if text.len() - self.at > LONGEST_TEXT => {
                self.at = seek;
                self.expects = Expects::Rest(Of::Key);
                return Step::Again;
            }
            Err(seek) => {
                self.seek = seek;
                return Step::Waiting;
            }
        };
        let key = Decoded::json(&text[self.at + 1..end - 1], self.at + 1);
        let name = String::from_utf8_lossy(&key.text).into_owned();
        if let Some(level) = self.levels.last_mut() {
            let is_table =
                editor.api.service == "dynamodb" && BY_TABLE.contains(&level.field.name.as_str());
            if is_table || (level.look && name.starts_with("arn:")) {
                editor.value(Field::default(), &key, root);
            }
            level.key = name;
        }
        self.at = end;
        self.seek = end;
        self.expects = Expects::Colon;
        Step::Again
    }

    /// The field of the value that begins here, and whether it is looked at.
    fn field(&mut self, editor: &Editor<'_, '_>) -> (Owned, bool) {
        let start = self.at;
        let Some(level) = self.levels.last_mut() else {
            return (Owned::default(), true);
        };
        if !level.is_object {
            return (level.field.clone(), level.look);
        }
        let mut field = Owned {
            name: level.key.clone(),
            parent: level.field.name.clone(),
            beside: None,
        };
        if level.look && is_value_of_pair(&level.key) {
            if level.name.is_none() && !level.is_decided {
                let waiting = || (level.key.clone(), start);
                level.waiting.get_or_insert_with(waiting);
                return (field, false);
            }
            field.beside.clone_from(&level.name);
        }
        let look = level.look && !editor.is_content(field.field());
        (field, look)
    }

    fn value(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        root: Place<'_>,
        is_all: bool,
    ) -> Result<Step, Malformed> {
        let (field, look) = self.field(editor);
        match text[self.at] {
            b'"' => self.string(&field, look, editor, text, root, is_all),
            opening @ (b'{' | b'[') if self.levels.len() < MOST_DEPTH => {
                let is_object = opening == b'{';
                self.levels.push(Level {
                    is_object,
                    field,
                    look,
                    ..Level::default()
                });
                self.seek = self.at + 1;
                Ok(self.token(match is_object {
                    true => Expects::KeyOrEnd,
                    false => Expects::ValueOrEnd,
                }))
            }
            b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.expects = Expects::Scalar;
                Ok(Step::Again)
            }
            _ => Err(Malformed),
        }
    }

    fn string(
        &mut self,
        field: &Owned,
        look: bool,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        root: Place<'_>,
        is_all: bool,
    ) -> Result<Step, Malformed> {
        let level = self.levels.last();
        let is_name =
            level.is_some_and(|level| level.is_object && level.look && is_name_of_pair(&level.key));
        if !look && !is_name {
            self.at += 1;
            self.expects = Expects::Rest(Of::Value);
            return Ok(Step::Again);
        }
        let inside = self.at + 1;
        let end = match string_end(text, self.seek.max(inside)) {
            Ok(end) => end,
            Err(_) if is_all => return Err(Malformed),
            Err(seek) => {
                let is_document = begins_document(&text[inside..seek]);
                let longest = if is_document {
                    LONGEST_DOCUMENT
                } else {
                    LONGEST_TEXT
                };
                if text.len() - inside <= longest {
                    self.seek = seek;
                    return Ok(Step::Waiting);
                }
                let class = keys::class(editor.api, field.field());
                self.at = inside;
                self.expects = match look && class != Class::Bucket {
                    true => Expects::Long(Window::new(class, inside)),
                    false => Expects::Rest(Of::Value),
                };
                return Ok(Step::Again);
            }
        };
        let value = Decoded::json(&text[inside..end - 1], inside);
        if look {
            editor.value(field.field(), &value, root);
        }
        self.after_value(end);
        let last = self.levels.len().saturating_sub(1);
        if is_name && let Some(level) = self.levels.last_mut() {
            level.name = Some(String::from_utf8_lossy(&value.text).into_owned());
            if level.waiting.is_some() {
                self.decide(last);
            }
        }
        Ok(Step::Again)
    }

    fn rest(&mut self, of: Of, text: &[u8]) -> Step {
        match (string_end(text, self.at), of) {
            (Ok(end), Of::Value) => self.after_value(end),
            (Ok(end), Of::Key) => {
                if let Some(level) = self.levels.last_mut() {
                    level.key.clear();
                }
                self.after_value(end);
                self.expects = Expects::Colon;
                Step::Again
            }
            (Err(seek), _) => {
                self.at = seek;
                Step::Waiting
            }
        }
    }

    fn scalar(&mut self, text: &[u8], is_all: bool) -> Step {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-+.".contains(byte);
        self.at += text[self.at..].iter().take_while(is_part).count();
        match self.at == text.len() && !is_all {
            true => Step::Waiting,
            false => self.after_value(self.at),
        }
    }

    fn long(&mut self, editor: &mut Editor<'_, '_>, text: &[u8], root: Place<'_>) -> Step {
        let Expects::Long(window) = &mut self.expects else {
            return Step::Again;
        };
        match string_end(text, self.at) {
            Ok(end) => {
                window.go(editor, text, end - 1, true, Escapes::Json, root);
                self.after_value(end)
            }
            Err(seek) => {
                window.go(editor, text, seek, false, Escapes::Json, root);
                self.at = seek;
                Step::Waiting
            }
        }
    }
}

/// What may stand before a value of a sequence (RFC 7464, section 2.2).
const SEPARATOR: u8 = 0x1e;

//! A document that is swapped as it flows: what is decided of it goes on at once.
//!
//! What is held is a text that has not ended, up to 64 KiB, or 4 MiB if it may be a document itself; and a value whose name is
//! still to come, up to 64 KiB.

use std::borrow::Cow;

use super::json::{Json, Malformed};
use super::window::Window;
use super::xml::Xml;
use super::{Edit, Editor};
use crate::decoded::Escapes;
use crate::keys::{Api, Class};
use crate::names::Names;

/// A document on its way.
#[derive(Debug)]
pub(crate) struct Stream {
    walker: Walker,
    /// What came and is still needed.
    held: Vec<u8>,
    /// How much of it has gone on.
    sent: usize,
    /// Names that were found in what has not gone on.
    edits: Vec<Edit<'static>>,
}

/// What a document is written in shows when it begins.
#[derive(Debug)]
enum Walker {
    Unknown,
    /// The same, of an answer of S3's that is to be swapped only if it is an error.
    UnknownError,
    Json(Json),
    Xml(Xml),
    Text(Window),
    /// It goes on as it is.
    AsItIs,
}

/// How much of an answer to look at for the first tag.
const START: usize = 4 << 10;

impl Stream {
    pub(crate) fn new() -> Self {
        Self::of(Walker::Unknown)
    }

    /// Of an answer that stays as it is unless it is an error of S3's.
    pub(crate) fn of_s3_error() -> Self {
        Self::of(Walker::UnknownError)
    }

    fn of(walker: Walker) -> Self {
        Self {
            walker,
            held: Vec::new(),
            sent: 0,
            edits: Vec::new(),
        }
    }

    /// Takes the next part, and gives what can go on.
    pub(crate) fn push(&mut self, names: &Names, api: Api<'_>, part: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(part);
        self.go(names, api, false, out);
    }

    /// Gives what is left.
    pub(crate) fn end(&mut self, names: &Names, api: Api<'_>, out: &mut Vec<u8>) {
        self.go(names, api, true, out);
    }

    fn go(&mut self, names: &Names, api: Api<'_>, is_all: bool, out: &mut Vec<u8>) {
        if let Some(walker) = self.begun(api) {
            self.walker = walker;
        }
        let text = self.held.as_slice();
        let mut editor = Editor::new(names, api);
        editor.edits = std::mem::take(&mut self.edits);
        let root: super::Place<'_> = &|at| at;
        let (decided, needed) = match &mut self.walker {
            Walker::Unknown | Walker::UnknownError => (0, 0),
            Walker::Json(json) => match json.go(&mut editor, text, root, is_all) {
                Ok(()) => (json.decided(), json.needed()),
                Err(Malformed) => {
                    self.walker = Walker::AsItIs;
                    (text.len(), text.len())
                }
            },
            Walker::Xml(xml) => {
                xml.go(&mut editor, text, root, is_all);
                (xml.decided(), xml.needed())
            }
            Walker::Text(window) => {
                window.go(&mut editor, text, text.len(), is_all, Escapes::None, root);
                (window.done, window.from)
            }
            Walker::AsItIs => (text.len(), text.len()),
        };
        let mut edits = editor.edits;
        edits.sort_by_key(|(range, _)| range.start);
        let decided = if is_all { text.len() } else { decided };
        for (range, name) in edits {
            if range.start >= decided {
                self.edits.push((range, Cow::Owned(name.into_owned())));
            } else if range.start >= self.sent {
                out.extend_from_slice(&text[self.sent..range.start]);
                out.extend_from_slice(name.as_bytes());
                self.sent = range.end;
            }
        }
        if decided > self.sent {
            out.extend_from_slice(&text[self.sent..decided]);
            self.sent = decided;
        }
        self.forget(needed);
    }

    fn forget(&mut self, bytes: usize) {
        self.held.drain(..bytes);
        self.sent -= bytes;
        for (range, _) in &mut self.edits {
            *range = range.start - bytes..range.end - bytes;
        }
        match &mut self.walker {
            Walker::Json(json) => json.forget(bytes),
            Walker::Xml(xml) => xml.forget(bytes),
            Walker::Text(window) => window.forget(bytes),
            Walker::Unknown | Walker::UnknownError | Walker::AsItIs => {}
        }
    }

    /// The walker for what has begun, if that was not known before.
    fn begun(&self, api: Api<'_>) -> Option<Walker> {
        let is_error = match self.walker {
            Walker::Unknown => false,
            Walker::UnknownError => true,
            _ => return None,
        };
        let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x1e;
        let begin = self.held.iter().position(|byte| !is_space(byte))?;
        let is_xml = self.held[begin] == b'<';
        if is_error && !(is_xml && root_is_error(&self.held[begin..])?) {
            return Some(Walker::AsItIs);
        }
        Some(match self.held[begin] {
            b'{' | b'[' | b'"' => Walker::Json(Json::default()),
            _ if is_xml => Walker::Xml(Xml::default()),
            _ if api.service == "s3" => Walker::AsItIs,
            _ => Walker::Text(Window::new(Class::Text, 0)),
        })
    }
}

/// Whether the first element is called `Error`; none if it has not come.
pub(crate) fn root_is_error(xml: &[u8]) -> Option<bool> {
    let mut at = 0;
    loop {
        let rest = &xml[at..];
        let open = rest.iter().position(|byte| *byte == b'<');
        let Some(tag) = open.and_then(|open| rest.get(open + 1..open + 8)) else {
            return (xml.len() > START).then_some(false);
        };
        if !matches!(tag[0], b'?' | b'!') {
            return Some(tag.starts_with(b"Error") && b">/ \t\r\n".contains(&tag[5]));
        }
        at += open.unwrap_or_default() + 1;
    }
}

#[cfg(test)]
mod tests;

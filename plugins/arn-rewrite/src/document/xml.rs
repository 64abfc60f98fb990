//! Texts of XML, by the elements that they stand in. The document may come in parts.

use super::window::Window;
use super::{Editor, LONGEST_DOCUMENT, LONGEST_TEXT, MOST_DEPTH, Place};
use super::{begins_document, is_name_of_pair, is_value_of_pair};
use crate::decoded::{Decoded, Escapes};
use crate::keys::{self, Class, Field};

/// Looks at every text between tags. Comments, attributes and instructions are left alone.
pub(super) fn walk(editor: &mut Editor<'_, '_>, text: &[u8], root: Place<'_>) {
    let mut xml = Xml::default();
    xml.go(editor, text, root, true);
}

/// A walk that goes as far as the document is there.
#[derive(Debug, Default)]
pub(super) struct Xml {
    open: Vec<Element>,
    /// How many elements are open that lie too deep to be looked at.
    too_deep: usize,
    inside: Inside,
    /// Where the next token begins.
    at: usize,
    /// The end of the token at `at` is not before this place.
    seek: usize,
}

#[derive(Debug, Default)]
enum Inside {
    /// A text or a tag begins.
    #[default]
    Content,
    /// What ends so is passed by.
    Until(&'static [u8]),
    /// The rest of a text that is too long to be looked at in one piece, and what ends it.
    Long(Window, &'static [u8]),
}

/// An element that is open.
#[derive(Debug)]
struct Element {
    name: String,
    /// In a list of names and values: the name that stood here.
    beside: Option<String>,
}

const CDATA: &[u8] = b"<![CDATA[";
const COMMENT: &[u8] = b"<!--";

impl Xml {
    /// The text before this place has no name any more that is not found.
    pub(super) fn decided(&self) -> usize {
        match &self.inside {
            Inside::Long(window, _) => window.done,
            _ => self.at,
        }
    }

    /// The text before this place is not needed any more.
    pub(super) fn needed(&self) -> usize {
        match &self.inside {
            Inside::Long(window, _) => window.from,
            _ => self.at,
        }
    }

    /// So many bytes of the text's beginning are gone.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
        self.seek = self.seek.saturating_sub(bytes);
        if let Inside::Long(window, _) = &mut self.inside {
            window.forget(bytes);
        }
    }

    /// Goes on to the end of the text. `is_all` says that nothing follows it.
    pub(super) fn go(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        root: Place<'_>,
        is_all: bool,
    ) {
        while self.at < text.len() {
            let goes_on = match &mut self.inside {
                Inside::Until(end) => {
                    let end = *end;
                    self.pass(text, end)
                }
                Inside::Long(..) => self.long(editor, text, root, is_all),
                Inside::Content if text[self.at] != b'<' => {
                    let end = self.find(text, self.at, b"<");
                    self.text(editor, text, (self.at, 0), end, root, is_all)
                }
                Inside::Content => self.markup(editor, text, root, is_all),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Where this is from a place on; what was looked through before is not looked through again.
    fn find(&mut self, text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
        let found = find(text, self.seek.max(from), what);
        if found.is_none() {
            self.seek = text.len().saturating_sub(what.len() - 1).max(from);
        }
        found
    }

    fn go_on_at(&mut self, at: usize) -> bool {
        self.at = at;
        self.seek = at;
        self.inside = Inside::Content;
        true
    }

    fn pass(&mut self, text: &[u8], end: &'static [u8]) -> bool {
        match find(text, self.at, end) {
            Some(at) => self.go_on_at(at + end.len()),
            None => {
                self.at = text.len().saturating_sub(end.len() - 1).max(self.at);
                false
            }
        }
    }

    /// A tag, or what else begins with `<`.
    fn markup(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        root: Place<'_>,
        is_all: bool,
    ) -> bool {
        let rest = &text[self.at..];
        let may_become = |what: &[u8]| rest.len() < what.len() && what.starts_with(rest);
        if !is_all && (may_become(CDATA) || may_become(COMMENT)) {
            return false;
        }
        if rest.starts_with(CDATA) {
            let end = self.find(text, self.at + CDATA.len(), CDATA_END);
            return self.text(editor, text, (self.at, CDATA.len()), end, root, is_all);
        }
        let passed: Option<&'static [u8]> = match rest {
            _ if rest.starts_with(COMMENT) => Some(b"-->"),
            _ if rest.starts_with(b"<?") => Some(b"?>"),
            _ => None,
        };
        if let Some(end) = passed {
            self.at += if end == b"-->" { COMMENT.len() } else { 2 };
            self.inside = Inside::Until(end);
            return true;
        }
        match self.find(text, self.at + 1, b">") {
            Some(end) => {
                self.tag(&text[self.at + 1..end]);
                self.go_on_at(end + 1)
            }
            // No tag of an API is as long.
            None if rest.len() > LONGEST_TEXT => {
                self.tag(&rest[1..]);
                self.inside = Inside::Until(b">");
                true
            }
            None => false,
        }
    }

    fn tag(&mut self, tag: &[u8]) {
        if tag.starts_with(b"/") {
            match self.too_deep {
                0 => _ = self.open.pop(),
                _ => self.too_deep -= 1,
            }
        } else if !tag.ends_with(b"/") && !tag.starts_with(b"!") {
            match self.open.len() < MOST_DEPTH {
                true => self.open.push(Element {
                    name: name(tag).to_owned(),
                    beside: None,
                }),
                false => self.too_deep += 1,
            }
        }
    }

    /// A text that begins behind `start` and as many bytes, and ends there if its end has come. Whether there is more to do.
    fn text(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        (start, skip): (usize, usize),
        end: Option<usize>,
        root: Place<'_>,
        is_all: bool,
    ) -> bool {
        let is_cdata = skip > 0;
        let inside = start + skip;
        let close: &'static [u8] = if is_cdata { CDATA_END } else { b"<" };
        let length = end.unwrap_or(text.len());
        if end.is_some() || (is_all && !is_cdata) {
            let value = escapes_before(close).undone(&text[inside..length], inside);
            self.look(editor, &value, root);
            let behind = if is_cdata {
                length + close.len()
            } else {
                length
            };
            return self.go_on_at(behind);
        }
        let so_far = &text[inside..];
        if !is_cdata && so_far.trim_ascii_start().is_empty() {
            // S3 sends white space while it works. The last of it shows what stands before a text.
            self.at = text.len() - 1;
            return false;
        }
        let longest = match begins_document(so_far) {
            true => LONGEST_DOCUMENT,
            false => LONGEST_TEXT,
        };
        let (class, is_name) = self.class(editor);
        if class != Class::Content && so_far.len() <= longest
            || is_name && so_far.len() <= LONGEST_TEXT
        {
            return false;
        }
        let class = if class == Class::Bucket {
            Class::Content
        } else {
            class
        };
        self.inside = Inside::Long(Window::new(class, inside), close);
        self.at = inside;
        true
    }

    fn long(
        &mut self,
        editor: &mut Editor<'_, '_>,
        text: &[u8],
        root: Place<'_>,
        is_all: bool,
    ) -> bool {
        let Inside::Long(window, close) = &mut self.inside else {
            return true;
        };
        let close = *close;
        let escapes = escapes_before(close);
        let found = find(text, self.at, close);
        // An entity may have begun, or the end.
        let open = match found {
            None if !is_all => text[self.at..]
                .iter()
                .rev()
                .take(12)
                .position(|b| b"&]".contains(b)),
            _ => None,
        };
        let end = found.unwrap_or(text.len() - open.map_or(0, |back| back + 1));
        window.go(editor, text, end, found.is_some() || is_all, escapes, root);
        match found {
            Some(end) if close == CDATA_END => self.go_on_at(end + close.len()),
            Some(end) => self.go_on_at(end),
            None => {
                self.at = end;
                false
            }
        }
    }

    /// The field that a text here stands in; none if it is in no element, or in one that is not looked at.
    fn field(&self, editor: &Editor<'_, '_>) -> Option<Field<'_>> {
        let (element, around) = self.open.split_last().filter(|_| self.too_deep == 0)?;
        // What a list's items are stands in the name of the list.
        let is_item = |name: &str| matches!(name, "member" | "item" | "entry" | "value");
        let mut named = around.iter().rev().filter(|each| !is_item(&each.name));
        let mut next = || named.next().map_or("", |each| each.name.as_str());
        let (name, parent) = match element.name.as_str() {
            "member" | "item" => (next(), next()),
            name => (name, next()),
        };
        let of_pair = around.last().and_then(|each| each.beside.as_deref());
        let is_inside = || {
            around.iter().any(|each| {
                editor.is_content(Field {
                    name: &each.name,
                    ..Field::default()
                })
            })
        };
        // In S3's documents it is the single field that counts.
        let is_looked_at = editor.api.service == "s3" || !is_inside();
        is_looked_at.then_some(Field {
            name,
            parent,
            beside: of_pair.filter(|_| is_value_of_pair(&element.name)),
        })
    }

    /// What is swapped in a text here, and whether it may be the name of a pair.
    fn class(&self, editor: &Editor<'_, '_>) -> (Class, bool) {
        let field = self.field(editor);
        let class = field.map_or(Class::Content, |field| keys::class(editor.api, field));
        let last = self.open.last().filter(|_| self.too_deep == 0);
        (class, last.is_some_and(|each| is_name_of_pair(&each.name)))
    }

    fn look(&mut self, editor: &mut Editor<'_, '_>, value: &Decoded<'_>, root: Place<'_>) {
        if value.text.trim_ascii().is_empty() {
            return;
        }
        if let Some(field) = self.field(editor) {
            editor.value(field, value, root);
        }
        if let [.., parent, element] = self.open.as_mut_slice()
            && self.too_deep == 0
            && is_name_of_pair(&element.name)
        {
            parent.beside = Some(String::from_utf8_lossy(&value.text).into_owned());
        }
    }
}

const CDATA_END: &[u8] = b"]]>";

/// How a text is escaped that ends so.
fn escapes_before(close: &[u8]) -> Escapes {
    match close == CDATA_END {
        true => Escapes::None,
        false => Escapes::Xml,
    }
}

/// The name of a start tag without its namespace's prefix.
fn name(tag: &[u8]) -> &str {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'/';
    let end = tag.iter().position(ends).unwrap_or(tag.len());
    let name = std::str::from_utf8(&tag[..end]).unwrap_or_default();
    name.rsplit(':').next().unwrap_or(name)
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let rest = text.get(from..)?;
    let first = |from: usize| rest[from..].iter().position(|byte| *byte == what[0]);
    let mut at = first(0)?;
    while !rest[at..].starts_with(what) {
        at += 1 + first(at + 1)?;
    }
    Some(from + at)
}

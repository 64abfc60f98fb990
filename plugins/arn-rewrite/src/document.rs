//! Swapping names in a document of an API, whatever it is written in.

mod cbor;
mod form;
mod json;
mod stream;
mod window;
mod xml;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use stream::{Stream, root_is_error};

use crate::decoded::Decoded;
use crate::find;
use crate::keys::{self, Api, Class, Field};
use crate::names::Names;

/// What a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Xml,
    Form,
    Cbor,
    /// Anything else that is text: YAML, a template.
    Text,
}

impl Syntax {
    /// What a text is written in, by how it begins.
    pub(crate) fn of(text: &[u8]) -> Self {
        match text.trim_ascii_start().first() {
            Some(b'{' | b'[' | b'"') => Self::Json,
            Some(b'<') => Self::Xml,
            _ => Self::Text,
        }
    }
}

/// A name that takes another's place: where that stands in the document, and the name.
type Edit<'n> = (Range<usize>, Cow<'n, str>);

/// Where a place of a text is in the whole document.
type Place<'p> = &'p dyn Fn(usize) -> usize;

/// How deep documents may lie in documents.
const MOST_DOCUMENTS: usize = 4;

/// How deep lists and tables may lie in one another.
const MOST_DEPTH: usize = 200;

/// The longest text of a document that comes in parts to be looked at in one piece, in bytes. A value waits as long for the name
/// beside it.
const LONGEST_TEXT: usize = 64 << 10;

/// The same of a text that is a document. The longest ones of AWS are state machines and templates, of 1 MB.
const LONGEST_DOCUMENT: usize = 4 << 20;

/// The document with its names swapped; none if it stays as it is, as one does that is not well-formed.
pub(crate) fn swap(
    names: &Names,
    api: Api<'_>,
    syntax: Syntax,
    document: &[u8],
) -> Option<Vec<u8>> {
    let mut editor = Editor::new(names, api);
    match syntax {
        Syntax::Json => json::walk(&mut editor, document, &|at| at)?,
        Syntax::Xml => xml::walk(&mut editor, document, &|at| at),
        Syntax::Form => form::walk(&mut editor, document, Class::Text),
        Syntax::Cbor => return cbor::swap(&mut editor, document),
        Syntax::Text => editor.value(Field::default(), &Decoded::plain(document, 0), &|at| at),
    }
    splice(document, editor.edits)
}

/// A query with its names swapped. `unless_aws` says what is swapped in parameters that AWS's names (`X-Amz-…`) don't
/// begin.
pub(crate) fn swap_query(
    names: &Names,
    api: Api<'_>,
    unless_aws: Class,
    query: &[u8],
) -> Option<Vec<u8>> {
    let mut editor = Editor::new(names, api);
    form::walk(&mut editor, query, unless_aws);
    splice(query, editor.edits)
}

/// A text of a class with its names swapped. It is perhaps escaped as in URLs.
pub(crate) fn swap_url_text(names: &Names, class: Class, text: &[u8]) -> Option<Vec<u8>> {
    let mut edits = Vec::new();
    let decoded = Decoded::url(text, 0);
    scan(names, class, &decoded.text, &mut |range, name| {
        let place = decoded.place(range.start)..decoded.place(range.end);
        edits.push((place, name.into()));
    });
    splice(text, edits)
}

/// A text of a class with its names swapped.
pub(crate) fn swap_text(names: &Names, class: Class, text: &[u8]) -> Option<Vec<u8>> {
    let mut edits = Vec::new();
    scan(names, class, text, &mut |range, name| {
        edits.push((range, name.into()));
    });
    splice(text, edits)
}

/// What a walk through a document has found.
struct Editor<'a, 'n> {
    names: &'n Names,
    api: Api<'a>,
    edits: Vec<Edit<'n>>,
    /// How many documents the one at hand lies in.
    inside: usize,
}

impl<'a, 'n> Editor<'a, 'n> {
    fn new(names: &'n Names, api: Api<'a>) -> Self {
        Self {
            names,
            api,
            edits: Vec::new(),
            inside: 0,
        }
    }

    fn is_content(&self, field: Field<'_>) -> bool {
        keys::class(self.api, field) == Class::Content
    }

    /// Looks at a value. `root` says where a place of the text around it is in the whole document.
    fn value(&mut self, field: Field<'_>, value: &Decoded<'_>, root: Place<'_>) {
        let class = keys::class(self.api, field);
        let text: &[u8] = &value.text;
        let place = |at: usize| root(value.place(at));
        let is_document = class == Class::Text && self.inside < MOST_DOCUMENTS;
        if is_document && self.document(text, &place) {
            return;
        }
        self.scan(class, text, &place);
    }

    /// Looks at a document that a value is, if it is one: JSON, perhaps escaped as in URLs (IAM's answers).
    fn document(&mut self, text: &[u8], place: Place<'_>) -> bool {
        let before = self.edits.len();
        self.inside += 1;
        let walked = match text.trim_ascii_start() {
            [b'{' | b'[', ..] => json::walk(self, text, place),
            [b'%', b'7', b'B' | b'b', ..] => {
                let decoded = Decoded::url(text, 0);
                json::walk(self, &decoded.text, &|at| place(decoded.place(at)))
            }
            _ => None,
        };
        self.inside -= 1;
        if walked.is_none() {
            self.edits.truncate(before);
        }
        walked.is_some()
    }

    fn scan(&mut self, class: Class, text: &[u8], place: Place<'_>) {
        let edits = &mut self.edits;
        scan(self.names, class, text, &mut |range, name| {
            edits.push((place(range.start)..place(range.end), name.into()));
        });
    }
}

/// Whether a text may be a document, by how it begins. It may be escaped.
fn begins_document(text: &[u8]) -> bool {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || b"\\nrt".contains(byte);
    let start = text.iter().position(|byte| !is_space(byte));
    let rest = &text[start.unwrap_or_default()..];
    matches!(rest, [b'{' | b'[', ..] | [b'%', b'7', b'B' | b'b', ..])
}

/// Finds the names in a text of a class.
fn scan<'n>(names: &'n Names, class: Class, text: &[u8], found: find::Found<'_, 'n>) {
    match class {
        Class::Content => {}
        Class::Account => {
            find::accounts(names, text, found);
            find::in_text(names, text, found);
        }
        Class::Region => {
            find::regions(names, text, found);
            find::in_text(names, text, found);
        }
        Class::Text => find::in_text(names, text, found),
        Class::Bucket => find::in_text(names, &text[..bucket_end(text)], found),
    }
}

/// Where the key begins in `http://HOST/BUCKET/KEY`, `/BUCKET/KEY` or `ARN/object/KEY`.
fn bucket_end(text: &[u8]) -> usize {
    let slash = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(rest.len())
    };
    let find = |part: &[u8]| text.windows(part.len()).position(|window| window == part);
    if text.starts_with(b"arn:") {
        return find(b"/object/").unwrap_or(text.len());
    }
    if let Some(scheme) = find(b"://") {
        return slash(slash(scheme + 3) + 1);
    }
    slash(usize::from(text.first() == Some(&b'/')))
}

/// The document with the names in their places; none if there are none.
fn splice(document: &[u8], mut edits: Vec<Edit<'_>>) -> Option<Vec<u8>> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut spliced = Vec::with_capacity(document.len() + 16 * edits.len());
    let mut done = 0;
    for (range, name) in edits {
        if range.start >= done {
            spliced.extend_from_slice(&document[done..range.start]);
            spliced.extend_from_slice(name.as_bytes());
            done = range.end;
        }
    }
    spliced.extend_from_slice(&document[done..]);
    Some(spliced)
}

/// Whether a field is the name in a list of names and values, or its value.
fn is_name_of_pair(name: &str) -> bool {
    ["name", "key", "attributename", "parameterkey", "outputkey"]
        .iter()
        .any(|of| name.eq_ignore_ascii_case(of))
}

fn is_value_of_pair(name: &str) -> bool {
    [
        "value",
        "values",
        "attributevalue",
        "parametervalue",
        "outputvalue",
    ]
    .iter()
    .any(|of| name.eq_ignore_ascii_case(of))
}

#[cfg(test)]
mod tests;

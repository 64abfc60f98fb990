//! Texts of XML, by the elements that they stand in.

use super::{Editor, is_name_of_pair, is_value_of_pair};
use crate::decoded::Decoded;
use crate::keys::Field;

/// An element that is open.
struct Element<'x> {
    name: &'x str,
    /// In a list of names and values: the name that stood here.
    beside: Option<String>,
}

/// Looks at every text between tags. Comments, attributes and instructions are left alone.
pub(super) fn walk(editor: &mut Editor<'_, '_>, text: &[u8]) {
    let mut open: Vec<Element<'_>> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'<' {
            let end = find(text, at, b"<").unwrap_or(text.len());
            look(editor, &mut open, &Decoded::xml(&text[at..end], at));
            at = end;
            continue;
        }
        let rest = &text[at..];
        let (skip, close): (usize, &[u8]) = match rest {
            _ if rest.starts_with(b"<!--") => (4, b"-->"),
            _ if rest.starts_with(b"<![CDATA[") => (9, b"]]>"),
            _ if rest.starts_with(b"<?") => (2, b"?>"),
            _ => (1, b">"),
        };
        let Some(end) = find(text, at + skip, close) else {
            return;
        };
        let inside = &text[at + skip..end];
        match skip {
            9 => look(editor, &mut open, &Decoded::plain(inside, at + skip)),
            1 if inside.starts_with(b"/") => {
                open.pop();
            }
            1 if !inside.ends_with(b"/") && !inside.starts_with(b"!") => open.push(Element {
                name: name(inside),
                beside: None,
            }),
            _ => {}
        }
        at = end + close.len();
    }
}

fn look<'x>(editor: &mut Editor<'_, '_>, open: &mut [Element<'x>], value: &Decoded<'_>) {
    if value.text.trim_ascii().is_empty() {
        return;
    }
    let Some((element, around)) = open.split_last_mut() else {
        return;
    };
    // What a list's items are stands in the name of the list.
    let is_item = |name: &str| matches!(name, "member" | "item" | "entry" | "value");
    let named: Vec<_> = around.iter().filter(|each| !is_item(each.name)).collect();
    let (name, parent) = if matches!(element.name, "member" | "item") {
        let parent = named.len().checked_sub(2).map_or("", |at| named[at].name);
        (named.last().map_or("", |each| each.name), parent)
    } else {
        (element.name, named.last().map_or("", |each| each.name))
    };
    let of_pair = around.last().and_then(|each| each.beside.as_deref());
    let field = Field {
        name,
        parent,
        beside: of_pair.filter(|_| is_value_of_pair(element.name)),
    };
    let is_inside = around.iter().any(|each| {
        editor.is_content(Field {
            name: each.name,
            ..Field::default()
        })
    });
    // In S3's documents it is the single field that counts.
    if !is_inside || editor.api.service == "s3" {
        editor.value(field, value, &|at| at);
    }
    if is_name_of_pair(element.name)
        && let Some(parent) = around.last_mut()
    {
        parent.beside = Some(String::from_utf8_lossy(&value.text).into_owned());
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

//! What the head of a message says of its body: whether there is text in it that can be read.

use tollgate_plugin::FieldValue;

use crate::scanner::Form;

/// Content codings that the host undoes.
const CODINGS: [&str; 6] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity"];

/// Beginnings of the names of character sets in which ASCII isn't written as ASCII.
const NOT_ASCII: [&str; 8] = [
    "utf-16",
    "utf-32",
    "utf-7",
    "utf16",
    "utf32",
    "ucs-",
    "iso-10646",
    "ibm",
];

/// The fields that matter, in lower case.
pub struct Head {
    /// Without its parameters; empty if there is none.
    media_type: String,
    charset: Option<String>,
    codings: Vec<String>,
}

/// A body as far as its head tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    Text(Form),
    /// Its media type is none of the settings'.
    Binary,
    /// It should be read and can't be; holds why.
    Unreadable(String),
}

impl Head {
    pub fn new(content_type: Option<FieldValue>, content_encoding: &[FieldValue]) -> Self {
        let content_type = content_type.map(|value| value.text().to_ascii_lowercase());
        let content_type = content_type.unwrap_or_default();
        let mut parts = content_type.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_owned();
        let charset = parts.find_map(|parameter| parameter.strip_prefix("charset="));
        let values = content_encoding
            .iter()
            .map(|value| value.text().to_ascii_lowercase());
        Self {
            media_type,
            charset: charset.map(|charset| charset.trim_matches('"').to_owned()),
            codings: values.flat_map(|value| members(&value)).collect(),
        }
    }
}

/// What kind of body this is. One without a media type may be text.
pub fn body(head: &Head, types: &[String], passes_binary: bool) -> Body {
    let media_type = head.media_type.as_str();
    if !media_type.is_empty() && !types.iter().any(|pattern| fits(pattern, media_type)) {
        return match passes_binary {
            true => Body::Binary,
            false => Body::Unreadable(format!("{media_type:?} is not among the setting types")),
        };
    }
    if let Some(coding) = head
        .codings
        .iter()
        .find(|coding| !CODINGS.contains(&coding.as_str()))
    {
        return Body::Unreadable(format!(
            "the content coding {coding:?} is not gzip, deflate, br or zstd"
        ));
    }
    if let Some(charset) = &head.charset
        && NOT_ASCII.iter().any(|start| charset.starts_with(start))
    {
        return Body::Unreadable(format!("the character set {charset:?} is not UTF-8"));
    }
    Body::Text(if media_type == "text/event-stream" {
        Form::Events
    } else if media_type.contains("json") {
        Form::Json
    } else {
        Form::Plain
    })
}

/// Whether a pattern with at most one star fits.
fn fits(pattern: &str, media_type: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == media_type,
        Some((start, end)) => {
            media_type.len() >= start.len() + end.len()
                && media_type.starts_with(start)
                && media_type.ends_with(end)
        }
    }
}

/// The codings of `accept-encoding` that can be undone, with their weights; none if it may stay as it is.
pub fn readable_codings(values: &[FieldValue]) -> Option<String> {
    let all: Vec<String> = values
        .iter()
        .flat_map(|value| members(&value.text()))
        .collect();
    let is_readable = |member: &&String| {
        let name = member.split(';').next().unwrap_or_default().trim();
        CODINGS.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let readable: Vec<&str> = all.iter().filter(is_readable).map(String::as_str).collect();
    if readable.len() == all.len() {
        return None;
    }
    Some(match readable.is_empty() {
        true => "identity".to_owned(),
        false => readable.join(", "),
    })
}

fn members(list: &str) -> Vec<String> {
    let members = list.split(',').map(str::trim);
    members
        .filter(|member| !member.is_empty())
        .map(str::to_owned)
        .collect()
}

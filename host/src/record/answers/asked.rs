//! A request as it is compared with others.

use super::body::{self, BodyKey};
use super::like::is_like;
use super::rules::{AnswerRules, QueryRule};
use crate::record::message::{Message, StartLine};
use crate::text;

/// Bytes of a target that are shown.
const MOST_SHOWN: usize = 200;

/// What counts of a request by [`AnswerRules`].
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub method: String,
    /// Host and port in lower case.
    pub host: String,
    /// As it was sent, percent-encoded.
    pub path: String,
    pub query: Vec<(Vec<u8>, Vec<u8>)>,
    /// Of the fields that count, each once; several lines of one are joined by commas.
    pub fields: Vec<(String, Option<Vec<u8>>)>,
    pub body: BodyKey,
    /// Its bytes on the wire; only of a request that comes now.
    raw: Vec<u8>,
    length: u64,
}

impl Asked {
    /// A request that comes now, with its whole body.
    pub fn now(request: &Message, rules: &AnswerRules) -> Self {
        Self {
            raw: request.content.kept.clone(),
            ..Self::recorded(request, rules)
        }
    }

    /// One of a tape.
    pub fn recorded(request: &Message, rules: &AnswerRules) -> Self {
        let (method, target, authority) = match &request.line {
            StartLine::Request {
                method,
                target,
                authority,
            } => (&method[..], path_of(target), &authority[..]),
            StartLine::Response { .. } => ("", "", ""),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = match &rules.query {
            QueryRule::Nothing => Vec::new(),
            QueryRule::AllBut(names) => body::pairs(query.as_bytes(), |name| {
                names.iter().any(|it| it.as_bytes() == name)
            }),
        };
        let fields = rules.fields.iter();
        let fields = fields.map(|name| (name.clone(), joined(request, name)));
        Self {
            method: method.to_owned(),
            host: authority.to_ascii_lowercase(),
            path: path.to_owned(),
            query,
            fields: fields.collect(),
            body: match rules.body {
                true => BodyKey::of(request, &rules.ignore_keys),
                false => BodyKey::Bytes(Vec::new()),
            },
            raw: Vec::new(),
            length: request.content.length,
        }
    }

    /// Whether `asked` is like this recorded request. Method and path are the same already.
    pub fn is_like(&self, asked: &Self, rules: &AnswerRules) -> bool {
        (!rules.host || self.host == asked.host)
            && self.has_query_of(asked)
            && self.different_field(asked).is_none()
            && self.has_body_of(asked)
    }

    pub fn has_query_of(&self, asked: &Self) -> bool {
        body::are_like(&self.query, &asked.query)
    }

    /// The name of the first field that differs.
    pub fn different_field(&self, asked: &Self) -> Option<&str> {
        let mut both = self.fields.iter().zip(&asked.fields);
        let different = both.find(|((_, recorded), (_, asked))| match (recorded, asked) {
            (Some(recorded), Some(asked)) => !is_like(recorded, asked),
            (None, None) => false,
            _ => true,
        });
        different.map(|((name, _), _)| &name[..])
    }

    pub fn has_body_of(&self, asked: &Self) -> bool {
        self.body.is_like(&asked.body, &asked.raw)
    }

    /// `POST /orders?x=1 (22 bytes)`
    pub fn shown(&self) -> String {
        let pair = |(name, value): &(Vec<u8>, Vec<u8>)| {
            let (name, value) = (
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value),
            );
            format!("{name}={value}")
        };
        let query: Vec<String> = self.query.iter().map(pair).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let target: String = format!("{}{mark}{}", self.path, query.join("&"));
        let mut target = text::line(&target).into_owned();
        if target.len() > MOST_SHOWN {
            let cut = target.floor_char_boundary(MOST_SHOWN);
            target.truncate(cut);
            target.push('…');
        }
        let method = text::name(&self.method);
        let fields = self.fields.iter().filter_map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_ref()?).into_owned();
            Some(format!("{name}: {}", text::name(&value)))
        });
        let body = (self.length > 0).then(|| format!("{} bytes", self.length));
        let more: Vec<String> = fields.chain(body).collect();
        match more.is_empty() {
            true => format!("{method} {target}"),
            false => format!("{method} {target} ({})", more.join(", ")),
        }
    }
}

/// Path and query; that of a request to a proxy begins with a scheme.
fn path_of(target: &str) -> &str {
    match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            rest.find(['/', '?']).map_or("/", |at| &rest[at..])
        }
        _ => target,
    }
}

fn joined(request: &Message, name: &str) -> Option<Vec<u8>> {
    let fields = request.fields.iter();
    let values = fields.filter(|field| field.name.eq_ignore_ascii_case(name));
    let values: Vec<&[u8]> = values.map(|field| &field.value[..]).collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

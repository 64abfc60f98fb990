//! Why a request is not a recorded one, for people.

use serde_json::Value;

use super::asked::Asked;
use super::body::{BodyKey, is_like_json};
use super::like::is_like;
use super::rules::AnswerRules;

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// How many bytes at the beginning of both are the same, of how many.
    Path {
        same: usize,
        of: usize,
    },
    Method,
    Host,
    Query,
    Field(String),
    /// Holds where, if that can be said.
    Body(Option<String>),
}

/// All that differs.
pub fn between(recorded: &Asked, asked: &Asked, rules: &AnswerRules) -> Vec<Difference> {
    let mut found = Vec::new();
    if recorded.path != asked.path {
        let both = recorded.path.bytes().zip(asked.path.bytes());
        found.push(Difference::Path {
            same: both.take_while(|(one, other)| one == other).count(),
            of: recorded.path.len().max(asked.path.len()),
        });
    }
    if recorded.method != asked.method {
        found.push(Difference::Method);
    }
    if rules.host && recorded.host != asked.host {
        found.push(Difference::Host);
    }
    if !recorded.has_query_of(asked) {
        found.push(Difference::Query);
    }
    let field = recorded.different_field(asked);
    found.extend(field.map(|name| Difference::Field(name.to_owned())));
    if !recorded.has_body_of(asked) {
        found.push(Difference::Body(place(&recorded.body, &asked.body)));
    }
    found
}

/// How far apart two requests are: a path counts most.
pub fn distance(differences: &[Difference]) -> usize {
    let one = |difference: &Difference| match difference {
        Difference::Path { same, of } => 20 + 80 - 80 * same / (*of).max(1),
        Difference::Method => 15,
        Difference::Host => 5,
        Difference::Field(_) => 4,
        Difference::Query => 3,
        Difference::Body(_) => 2,
    };
    differences.iter().map(one).sum()
}

/// `the query and the body (at /Name) differ`
pub fn words(differences: &[Difference]) -> String {
    let one = |difference: &Difference| match difference {
        Difference::Path { .. } => "the path".to_owned(),
        Difference::Method => "the method".to_owned(),
        Difference::Host => "the host".to_owned(),
        Difference::Query => "the query".to_owned(),
        Difference::Field(name) => format!("the field {name}"),
        Difference::Body(Some(place)) => format!("the body (at {place})"),
        Difference::Body(None) => "the body".to_owned(),
    };
    let all: Vec<String> = differences.iter().map(one).collect();
    match &all[..] {
        [] => "nothing differs".to_owned(),
        [one] => format!("{one} differs"),
        [first @ .., last] => format!("{} and {last} differ", first.join(", ")),
    }
}

/// Where two bodies differ first: a JSON pointer, or the name in a form.
fn place(recorded: &BodyKey, asked: &BodyKey) -> Option<String> {
    match (recorded, asked) {
        (BodyKey::Json(recorded), BodyKey::Json(asked)) => {
            let pointer = pointer(recorded, asked);
            (!pointer.is_empty()).then_some(pointer)
        }
        (BodyKey::Form(recorded), BodyKey::Form(asked)) => {
            let lacks = |all: &[(Vec<u8>, Vec<u8>)], pair: &(Vec<u8>, Vec<u8>)| {
                !all.iter()
                    .any(|(name, value)| *name == pair.0 && is_like(value, &pair.1))
            };
            let found = asked.iter().find(|pair| lacks(recorded, pair));
            found.map(|(name, _)| String::from_utf8_lossy(name).into_owned())
        }
        _ => None,
    }
}

fn pointer(recorded: &Value, asked: &Value) -> String {
    let step = |key: &str| format!("/{}", key.replace('~', "~0").replace('/', "~1"));
    match (recorded, asked) {
        (Value::Object(recorded), Value::Object(asked)) => {
            for (key, value) in asked {
                match recorded.get(key) {
                    None => return step(key),
                    Some(before) if !is_like_json(before, value) => {
                        return step(key) + &pointer(before, value);
                    }
                    Some(_) => {}
                }
            }
            let gone = recorded.keys().find(|key| !asked.contains_key(*key));
            gone.map(|key| step(key)).unwrap_or_default()
        }
        (Value::Array(recorded), Value::Array(asked)) => {
            let mut both = recorded.iter().zip(asked).enumerate();
            let found = both.find(|(_, (recorded, asked))| !is_like_json(recorded, asked));
            match found {
                Some((at, (recorded, asked))) => format!("/{at}{}", pointer(recorded, asked)),
                None => format!("/{}", recorded.len().min(asked.len())),
            }
        }
        _ => String::new(),
    }
}

//! Values of forms and queries, by their names: `Filter.1.Value.1=…`.

use std::collections::BTreeMap;

use super::{Editor, is_name_of_pair, is_value_of_pair};
use crate::decoded::Decoded;
use crate::keys::{self, Class, Field};

/// Looks at every value. `unless_aws` is Text for the parameters of an API, and Content where only AWS's own
/// (`X-Amz-Credential`) are looked at.
pub(super) fn walk(editor: &mut Editor<'_, '_>, form: &[u8], unless_aws: Class) {
    let mut at = 0;
    let mut pairs = Vec::new();
    for pair in form.split(|byte| *byte == b'&') {
        let split = pair.iter().position(|byte| *byte == b'=');
        if let Some(split) = split {
            let name = String::from_utf8_lossy(&Decoded::form(&pair[..split], 0).text).into_owned();
            pairs.push((name, Decoded::form(&pair[split + 1..], at + split + 1)));
        }
        at += pair.len() + 1;
    }
    let mut names = BTreeMap::new();
    for (name, value) in &pairs {
        let (around, last) = name.rsplit_once('.').unwrap_or(("", name));
        if is_name_of_pair(last) {
            names.insert(around, String::from_utf8_lossy(&value.text).into_owned());
        }
    }
    for (name, value) in &pairs {
        let head = keys::class_of_head(&name.to_ascii_lowercase());
        if head != Class::Content || unless_aws == Class::Content {
            editor.scan(head, &value.text, &|at| value.place(at));
            continue;
        }
        let words: Vec<_> = name.split('.').filter(|word| !is_index(word)).collect();
        let last = words.last().copied().unwrap_or_default();
        let around = place_of(name, last);
        let field = Field {
            name: last,
            parent: words.len().checked_sub(2).map_or("", |at| words[at]),
            beside: names
                .get(around)
                .map(String::as_str)
                .filter(|_| is_value_of_pair(last)),
        };
        let inside = words.iter().rev().skip(1);
        let is_inside = inside.map(|name| Field {
            name,
            ..Field::default()
        });
        if !is_inside.into_iter().any(|field| editor.is_content(field)) {
            editor.value(field, value, &|at| at);
        }
    }
}

/// A number, or a word that stands between a list and its numbers.
fn is_index(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) || matches!(word, "member" | "entry")
}

/// What stands before a parameter's last word and its number: `Filter.1` of `Filter.1.Value.2`.
fn place_of<'n>(name: &'n str, last: &str) -> &'n str {
    let before = name.rfind(last).unwrap_or_default();
    name[..before].trim_end_matches('.')
}

//! Values of an answer with their places, so that two answers can be compared: leaves of JSON by their pointer, elements of XML by
//! their path, header fields by their name.

use serde_json::Value;

use crate::record::{Message, content};

/// A value at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Unique in its message.
    pub place: String,
    /// What it is called: the key, the element, the field. Elements of a list are called as the list.
    pub name: String,
    pub value: String,
}

/// Fields that name nothing that a later request could name.
const NOT_NAMES: [&str; 12] = [
    "date",
    "expires",
    "last-modified",
    "age",
    "content-length",
    "content-type",
    "server",
    "via",
    "vary",
    "cache-control",
    "connection",
    "x-amz-crc32",
];

/// Values of one message at most.
const MOST: usize = 100_000;

/// All values of an answer, in its order.
pub fn values(message: &Message) -> Vec<Placed> {
    let mut found = Vec::new();
    for (index, field) in message.fields.iter().enumerate() {
        let name = field.name.to_ascii_lowercase();
        let Ok(value) = std::str::from_utf8(&field.value) else {
            continue;
        };
        if NOT_NAMES.contains(&&*name) {
            continue;
        }
        let before = &message.fields[..index];
        let same = before
            .iter()
            .filter(|other| other.name.eq_ignore_ascii_case(&name));
        let mut place = format!("field {name} {}", same.count());
        let mut value = value;
        if name == "set-cookie" {
            let (cookie, _) = value.split_once(';').unwrap_or((value, ""));
            let (cookie, content) = cookie.split_once('=').unwrap_or((cookie, ""));
            (place, value) = (format!("cookie {cookie}"), content);
        }
        found.push(Placed {
            place,
            name,
            value: value.to_owned(),
        });
    }
    let body = content::decoded(message);
    match body.trim_ascii_start() {
        [b'{' | b'[', ..] => {
            if let Ok(json) = serde_json::from_slice(&body) {
                in_json(&json, "", "", &mut found);
            }
        }
        [b'<', ..] => in_xml(&String::from_utf8_lossy(&body), &mut found),
        _ => {}
    }
    found.truncate(MOST);
    found
}

fn in_json(json: &Value, pointer: &str, name: &str, found: &mut Vec<Placed>) {
    let mut push = |value: String| {
        found.push(Placed {
            place: format!("json {pointer}"),
            name: name.to_owned(),
            value,
        });
    };
    match json {
        Value::String(text) => push(text.clone()),
        Value::Number(number) => push(number.to_string()),
        Value::Object(all) => {
            for (key, value) in all {
                in_json(value, &format!("{pointer}/{key}"), key, found);
            }
        }
        Value::Array(all) => {
            for (index, value) in all.iter().enumerate() {
                in_json(value, &format!("{pointer}/{index}"), name, found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// An element that is open.
struct Open {
    name: String,
    place: String,
    /// Names of the elements in it so far.
    children: Vec<String>,
}

/// Texts of elements that have no others in them. What is no XML has a few or none.
fn in_xml(xml: &str, found: &mut Vec<Placed>) {
    let mut open: Vec<Open> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        let Some(end) = rest[start..].find('>') else {
            return;
        };
        let tag = &rest[start + 1..start + end];
        rest = &rest[start + end + 1..];
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            let Some(element) = open.pop() else { return };
            let text = text.trim();
            if element.children.is_empty() && !text.is_empty() {
                found.push(Placed {
                    place: format!("xml {}", element.place),
                    name: element.name,
                    value: unescaped(text),
                });
            }
            continue;
        }
        let name = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or("");
        let (above, index) = match open.last_mut() {
            None => ("", 0),
            Some(parent) => {
                let same = parent.children.iter().filter(|child| *child == name);
                let index = same.count();
                parent.children.push(name.to_owned());
                (&parent.place[..], index)
            }
        };
        if !tag.ends_with('/') {
            let place = format!("{above}/{name}[{index}]");
            open.push(Open {
                name: name.to_owned(),
                place,
                children: Vec::new(),
            });
        }
    }
}

fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{field, response};

    fn shown(message: &Message) -> Vec<String> {
        let values = values(message).into_iter();
        values
            .map(|it| format!("{} ({}) = {}", it.place, it.name, it.value))
            .collect()
    }

    #[test]
    fn every_value_has_a_place() {
        let fields = vec![
            field("Location", "/a/7"),
            field("date", "today"),
            field("Set-Cookie", "sid=abc; Path=/"),
            field("x-id", "1"),
            field("X-ID", "2"),
        ];
        let json = br#"{"id":"a","list":[{"n":1},"x"],"none":null,"on":true}"#;
        assert_eq!(
            shown(&response(200, fields, json)),
            [
                "field location 0 (location) = /a/7",
                "cookie sid (set-cookie) = abc",
                "field x-id 0 (x-id) = 1",
                "field x-id 1 (x-id) = 2",
                "json /id (id) = a",
                "json /list/0/n (n) = 1",
                "json /list/1 (list) = x",
            ]
        );
        let xml = b"<?xml version=\"1.0\"?>\n<R xmlns=\"u\"><set><item><Id>i-1</Id><e/></item>\n<item><Id>i-2 &amp; x</Id></item></set></R>";
        assert_eq!(
            shown(&response(200, Vec::new(), xml)),
            [
                "xml /R[0]/set[0]/item[0]/Id[0] (Id) = i-1",
                "xml /R[0]/set[0]/item[1]/Id[0] (Id) = i-2 & x",
            ]
        );
        for broken in ["<a><b>1</b", "</a>", "<", "{", "<a>", "plain"] {
            shown(&response(200, Vec::new(), broken.as_bytes()));
        }
    }
}

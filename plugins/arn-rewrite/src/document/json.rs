//! Strings of JSON, by the fields that they stand in.

use super::{Editor, MOST_DEPTH, is_name_of_pair, is_value_of_pair};
use crate::decoded::Decoded;
use crate::keys::Field;

/// Tables whose keys are the names of DynamoDB's tables, which may be ARNs.
const BY_TABLE: [&str; 5] = [
    "RequestItems",
    "Responses",
    "UnprocessedItems",
    "UnprocessedKeys",
    "ItemCollectionMetrics",
];

/// Looks at every string of a JSON text; none if it isn't well-formed. `root` says where a place of it is in the whole
/// document.
pub(super) fn walk(
    editor: &mut Editor<'_, '_>,
    text: &[u8],
    root: &dyn Fn(usize) -> usize,
) -> Option<()> {
    let mut walk = Walk {
        editor,
        text,
        root,
        depth: 0,
    };
    let end = walk.value(walk.space(0), Field::default(), true)?;
    (walk.space(end) == text.len()).then_some(())
}

struct Walk<'w, 'a, 'n> {
    editor: &'w mut Editor<'a, 'n>,
    text: &'w [u8],
    root: &'w dyn Fn(usize) -> usize,
    depth: usize,
}

impl Walk<'_, '_, '_> {
    /// Goes on behind a value. It is looked at unless it is content.
    fn value(&mut self, at: usize, field: Field<'_>, look: bool) -> Option<usize> {
        if self.depth > MOST_DEPTH {
            return None;
        }
        self.depth += 1;
        let end = match self.text.get(at)? {
            b'"' => {
                let end = self.string_end(at)?;
                if look {
                    let value = Decoded::json(&self.text[at + 1..end - 1], at + 1);
                    self.editor.value(field, &value, self.root);
                }
                end
            }
            b'{' => self.object(at, field, look)?,
            b'[' => self.list(at, field, look)?,
            b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-+.".contains(byte);
                at + self.text[at..].iter().take_while(is_part).count()
            }
            _ => return None,
        };
        self.depth -= 1;
        Some(end)
    }

    fn list(&mut self, at: usize, field: Field<'_>, look: bool) -> Option<usize> {
        let mut at = self.space(at + 1);
        if self.text.get(at) == Some(&b']') {
            return Some(at + 1);
        }
        loop {
            at = self.value(at, field, look)?;
            at = self.space(at);
            match self.text.get(at)? {
                b',' => at = self.space(at + 1),
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    fn object(&mut self, at: usize, field: Field<'_>, look: bool) -> Option<usize> {
        let mut at = self.space(at + 1);
        if self.text.get(at) == Some(&b'}') {
            return Some(at + 1);
        }
        let mut name_beside = None;
        // Values of pairs, which wait until the name beside them is known.
        let mut waiting = Vec::new();
        loop {
            let key_end = self
                .string_end(at)
                .filter(|_| self.text.get(at) == Some(&b'"'))?;
            let key = Decoded::json(&self.text[at + 1..key_end - 1], at + 1);
            let name = String::from_utf8_lossy(&key.text).into_owned();
            let is_table = self.editor.api.service == "dynamodb" && BY_TABLE.contains(&field.name);
            if is_table || (look && name.starts_with("arn:")) {
                self.editor.value(Field::default(), &key, self.root);
            }
            let colon = self.space(key_end);
            let start = self.space(colon + 1);
            if self.text.get(colon) != Some(&b':') {
                return None;
            }
            let here = Field {
                name: &name,
                parent: field.name,
                beside: None,
            };
            let may_wait = look && is_value_of_pair(&name);
            let looks = look && !may_wait && !self.editor.is_content(here);
            let end = self.value(start, here, looks)?;
            if look && is_name_of_pair(&name) && self.text[start] == b'"' {
                let text = Decoded::json(&self.text[start + 1..end - 1], 0).text;
                name_beside = Some(String::from_utf8_lossy(&text).into_owned());
            }
            if may_wait {
                waiting.push((name, start));
            }
            at = self.space(end);
            match self.text.get(at)? {
                b',' => at = self.space(at + 1),
                b'}' => break,
                _ => return None,
            }
        }
        for (name, start) in waiting {
            let here = Field {
                name: &name,
                parent: field.name,
                beside: name_beside.as_deref(),
            };
            let looks = !self.editor.is_content(here);
            self.value(start, here, looks)?;
        }
        Some(at + 1)
    }

    /// Behind the closing quote of a string whose opening one is here.
    fn string_end(&self, at: usize) -> Option<usize> {
        let mut end = at + 1;
        loop {
            let rest = self.text.get(end..)?;
            end += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if self.text[end] == b'"' {
                return Some(end + 1);
            }
            end += 2;
        }
    }

    fn space(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        at + rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    }
}

//! The parts of a form (RFC 7578), and what another reader may find in them.

use std::collections::HashSet;

/// No boundary is longer (RFC 2046, section 5.1.1).
const LONGEST: usize = 70;

/// What a form says.
#[derive(Debug, Default)]
pub struct Form {
    /// Names in lower case, in their order. That of the file is empty.
    pub fields: Vec<(String, String)>,
    /// The file's name.
    pub file: String,
    /// Of the file, in bytes.
    pub length: u64,
    /// Why the backend may read something else than what stands here.
    pub doubt: Option<String>,
}

impl Form {
    pub fn read(body: &[u8], boundary: &str) -> Self {
        let mut form = Self::default();
        let line = format!("--{boundary}").into_bytes();
        if boundary.is_empty() || boundary.len() > LONGEST || !body.starts_with(&line) {
            form.doubt("it does not begin with its boundary");
        }
        let Some(first) = position(body, &line).filter(|_| line.len() <= LONGEST + 2) else {
            return form;
        };
        let mut names = HashSet::new();
        let mut rest = &body[first + line.len()..];
        while !rest.starts_with(b"--") {
            let end = next_line(rest, &line);
            let part = &rest[..end.unwrap_or(rest.len())];
            rest = end.map_or(b"".as_slice(), |end| &rest[end + line.len()..]);
            match part.strip_suffix(b"\r\n") {
                Some(part) => form.add(part, &mut names),
                None => {
                    form.doubt("a part has no end");
                    let part = part.strip_suffix(b"\n").unwrap_or(part);
                    form.add(part, &mut names);
                }
            }
            if end.is_none() {
                return form;
            }
        }
        if !rest[2..].trim_ascii().is_empty() {
            form.doubt("something is behind its end");
        }
        form
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(of, _)| of == name);
        found.map(|(_, value)| value.as_str())
    }

    fn doubt(&mut self, why: &str) {
        self.doubt.get_or_insert_with(|| why.to_owned());
    }

    /// Adds a part, from the end of its boundary on.
    fn add(&mut self, part: &[u8], names: &mut HashSet<String>) {
        let Some(head_end) = position(part, b"\r\n\r\n") else {
            return self.doubt("a part has no head");
        };
        let head = String::from_utf8_lossy(&part[..head_end]);
        let content = &part[head_end + 4..];
        let Some(found) = head.strip_prefix("\r\n").and_then(Disposition::of_head) else {
            return self.doubt("the head of a part cannot be read");
        };
        let name = found.name.to_ascii_lowercase();
        if !names.insert(name.clone()) {
            self.doubt(&format!("the field {name} is repeated"));
        }
        // The button is behind the file in AWS's own example, and means nothing.
        let means_nothing = name == "submit" || name.starts_with("x-ignore-");
        if names.contains("file") && name != "file" && !means_nothing {
            self.doubt(&format!("the field {name} is behind the file"));
        }
        let mut value = String::new();
        if name == "file" {
            self.file = found.filename.unwrap_or_default();
            self.length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        } else {
            value.push_str(&String::from_utf8_lossy(content));
        }
        self.fields.push((name, value));
    }
}

/// What the field `content-disposition` of a part says.
#[derive(Debug, Default)]
struct Disposition {
    name: String,
    filename: Option<String>,
}

impl Disposition {
    /// None if there is not exactly one, or if another reader may find another name in it.
    fn of_head(head: &str) -> Option<Self> {
        let mut values = Vec::new();
        for line in head.split("\r\n") {
            let (name, value) = line.split_once(':')?;
            if line.contains(['\r', '\n']) || name.trim() != name {
                return None;
            }
            if name.eq_ignore_ascii_case("content-disposition") {
                values.push(value);
            }
        }
        match values[..] {
            [value] => Self::read(value),
            _ => None,
        }
    }

    fn read(value: &str) -> Option<Self> {
        let (kind, mut rest) = value.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        let (mut name, mut filename) = (None, None);
        while !rest.trim().is_empty() {
            let (key, after) = rest.split_once('=')?;
            let (text, after) = word(after)?;
            match key.trim().to_ascii_lowercase().as_str() {
                "name" if name.is_none() && !text.contains('\\') => name = Some(text),
                "filename" if filename.is_none() => filename = Some(text),
                "filename*" => {}
                _ => return None,
            }
            rest = after;
        }
        Some(Self {
            name: name?,
            filename,
        })
    }
}

/// The value of a parameter, and what is behind its semicolon.
fn word(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = text.split_once(';').unwrap_or((text, ""));
        let is_word = !word.contains(['"', '=']);
        return is_word.then(|| (word.trim().to_owned(), rest));
    };
    let mut is_escaped = false;
    let is_end = |(_, c): &(usize, char)| {
        let ends = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    };
    let (end, _) = quoted.char_indices().find(is_end)?;
    let rest = quoted[end + 1..].trim_start();
    if !rest.is_empty() && !rest.starts_with(';') {
        return None;
    }
    let rest = rest.strip_prefix(';').unwrap_or(rest);
    Some((quoted[..end].replace("\\\"", "\""), rest))
}

/// Where the next boundary is that begins a line, however the line before it ends.
fn next_line(bytes: &[u8], line: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(line.len() + 1);
    let found = windows.position(|w| matches!(w[0], b'\r' | b'\n') && &w[1..] == line);
    found.map(|at| at + 1)
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

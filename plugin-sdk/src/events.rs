//! Events of an event stream (server-sent events; WHATWG HTML, section 9.2), read and written.
//!
//! With [`Wish::events`](crate::Wish::events) each piece is one event: its lines, and the blank line at its end. The functions here read
//! such a piece as a browser would.
//!
//! ```
//! use tollgate_plugin::events;
//!
//! let event = b"event: delta\ndata: {\"a\":\ndata: 1}\n\n";
//! assert_eq!(events::name(event), Some(&b"delta"[..]));
//! assert_eq!(events::data(event).as_deref(), Some(&b"{\"a\":\n1}"[..]));
//! assert_eq!(events::with_data(event, "{}"), b"event: delta\ndata: {}\n\n");
//! ```

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::{Error, Result};

/// The fields of an event, each with its value: `data`, `event`, `id`, `retry`, and others, which readers ignore. Comments are left out.
///
/// ```
/// use tollgate_plugin::events;
///
/// let fields: Vec<_> = events::fields(b": comment\r\ndata:  two spaces\r\ndata\r\n\r\n").collect();
/// assert_eq!(fields, [(&b"data"[..], &b" two spaces"[..]), (&b"data"[..], &b""[..])]);
/// ```
pub fn fields(event: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(event).filter_map(|line| field(line.text))
}

/// The values of the `data` fields of an event, one for each line.
pub fn data_lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    fields(event)
        .filter(|(name, _)| *name == b"data")
        .map(|(_, value)| value)
}

/// The data of an event: the values of its `data` fields with line feeds between them. `None` if it has no such field; readers then
/// ignore it.
pub fn data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut values = data_lines(event);
    let first = values.next()?;
    let mut data = Cow::Borrowed(first);
    for value in values {
        let data = data.to_mut();
        data.push(b'\n');
        data.extend_from_slice(value);
    }
    Some(data)
}

/// The name of an event: the value of its last field `event`. `None` if it has no such field, or an empty one; readers then call it
/// `message`.
pub fn name(event: &[u8]) -> Option<&[u8]> {
    let names = fields(event).filter(|(name, _)| *name == b"event");
    let (_, name) = names.last()?;
    (!name.is_empty()).then_some(name)
}

/// The event with other data. Its other lines stay as they are. Each line of the data becomes a field `data`, at the place of the first
/// one, or behind the other fields.
pub fn with_data(event: &[u8], data: impl AsRef<[u8]>) -> Vec<u8> {
    let mut data = Some(data.as_ref());
    let mut with = Vec::with_capacity(event.len() + 16);
    let mut line_end: &[u8] = b"\n";
    for line in lines(event) {
        if !line.end.is_empty() {
            line_end = line.end;
        }
        let is_data = field(line.text).is_some_and(|(name, _)| name == b"data");
        if (is_data || line.text.is_empty())
            && let Some(data) = data.take()
        {
            write_field(&mut with, "data", data, line_end);
        }
        if !is_data {
            with.extend_from_slice(line.text);
            with.extend_from_slice(line.end);
        }
    }
    if let Some(data) = data {
        // The event was cut off, perhaps within a line.
        if !with.is_empty() && !with.ends_with(b"\n") && !with.ends_with(b"\r") {
            with.extend_from_slice(line_end);
        }
        write_field(&mut with, "data", data, line_end);
    }
    with
}

/// An event to be sent.
///
/// ```
/// use tollgate_plugin::events::Event;
///
/// # fn main() -> tollgate_plugin::Result<()> {
/// let event = Event::new().name("error").id("7").data("two\nlines").build()?;
/// assert_eq!(event, b"event: error\nid: 7\ndata: two\ndata: lines\n\n");
/// assert!(Event::new().name("two\nlines").build().is_err());
/// # Ok(()) }
/// ```
#[must_use = "`build` makes the event, and `sink.emit` sends it"]
#[derive(Clone, Debug, Default)]
pub struct Event {
    name: Option<String>,
    id: Option<String>,
    retry_ms: Option<u64>,
    data: Vec<u8>,
}

impl Event {
    /// An event with empty data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets its name, the field `event`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets its id.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Tells the client how long to wait before it connects again.
    pub fn retry_ms(mut self, milliseconds: u64) -> Self {
        self.retry_ms = Some(milliseconds);
        self
    }

    /// Sets its data. A reader gets each kind of line end in it (CR, LF, CRLF) as LF.
    pub fn data(mut self, data: impl AsRef<[u8]>) -> Self {
        self.data = data.as_ref().to_vec();
        self
    }

    /// Sets its data, as JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be represented as JSON.
    pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<Self> {
        Ok(self.data(serde_json::to_vec(value)?))
    }

    /// The bytes of the event, with the blank line at its end.
    ///
    /// # Errors
    ///
    /// Returns an error if the name or the id has a line break, or the id a NUL: a reader would not get them as they are.
    pub fn build(&self) -> Result<Vec<u8>> {
        let mut event = Vec::with_capacity(self.data.len() + 32);
        let retry = self.retry_ms.map(|retry| retry.to_string());
        for (name, value) in [("event", &self.name), ("id", &self.id), ("retry", &retry)] {
            let Some(value) = value else { continue };
            if value.contains(['\r', '\n']) || (name == "id" && value.contains('\0')) {
                return Err(Error::new(format_args!(
                    "an event of an event stream can't have the {name} {value:?}"
                )));
            }
            write_field(&mut event, name, value.as_bytes(), b"\n");
        }
        write_field(&mut event, "data", &self.data, b"\n");
        event.push(b'\n');
        Ok(event)
    }
}

/// A line without its end, and its end: CR, LF, CRLF, or nothing behind the last one.
struct Line<'a> {
    text: &'a [u8],
    end: &'a [u8],
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let (text, from_end) = rest.split_at(length);
        let end_length = match from_end {
            [b'\r', b'\n', ..] => 2,
            [_, ..] => 1,
            [] => 0,
        };
        let (end, behind) = from_end.split_at(end_length);
        rest = behind;
        Some(Line { text, end })
    })
}

/// Name and value of a line; none for a comment and for a blank line.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return (!line.is_empty()).then_some((line, b""));
    };
    let value = &line[colon + 1..];
    let value = value.strip_prefix(b" ").unwrap_or(value);
    (colon > 0).then(|| (&line[..colon], value))
}

/// Writes one field for each line of the value.
fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8], line_end: &[u8]) {
    let mut write = |text: &[u8]| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(text);
        out.extend_from_slice(line_end);
    };
    let mut goes_on = true;
    for line in lines(value) {
        write(line.text);
        goes_on = !line.end.is_empty();
    }
    // What stands behind the last line break is a line too.
    if goes_on {
        write(b"");
    }
}

#[cfg(test)]
mod tests;

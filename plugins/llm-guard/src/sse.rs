//! Events of an event stream: the data of one with the places of its bytes, and new ones.

use std::ops::Range;

/// An event as it came.
#[derive(Debug)]
pub struct Event<'a> {
    /// Its `data` lines, joined; `None` if it has none.
    pub data: Option<String>,
    /// Where each line begins: in `data`, and in the piece.
    lines: Vec<(usize, usize)>,
    /// How its lines end.
    pub line_end: &'a str,
}

/// Reads the fields of an event. Comments and other fields stay where they are.
pub fn parse(piece: &str) -> Event<'_> {
    let mut event = Event {
        data: None,
        lines: Vec::new(),
        line_end: "\n",
    };
    let mut at = 0;
    while at < piece.len() {
        let rest = &piece[at..];
        let length = rest
            .bytes()
            .position(|byte| matches!(byte, b'\r' | b'\n'))
            .unwrap_or(rest.len());
        let end = match &rest[length..] {
            end if end.starts_with("\r\n") => "\r\n",
            end => &end[..end.len().min(1)],
        };
        if !end.is_empty() {
            event.line_end = end;
        }
        if let Some(value) = data_of(&rest[..length]) {
            let start = at + length - value.len();
            match &mut event.data {
                None => {
                    event.lines.push((0, start));
                    event.data = Some(value.to_owned());
                }
                Some(data) => {
                    data.push('\n');
                    event.lines.push((data.len(), start));
                    data.push_str(value);
                }
            }
        }
        at += length + end.len();
    }
    event
}

/// The value of a line of data.
fn data_of(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('\u{feff}').strip_prefix("data")?;
    match rest.strip_prefix(':') {
        Some(value) => Some(value.strip_prefix(' ').unwrap_or(value)),
        None => rest.is_empty().then_some(rest),
    }
}

impl Event<'_> {
    /// The place in the piece of a place in the data.
    pub fn place(&self, span: &Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let line = self.lines.iter().rfind(|(start, _)| *start <= at);
            line.map_or(at, |(in_data, in_piece)| at - in_data + in_piece)
        };
        // By its last byte, which may be in another line than its first.
        place(span.start)..place(span.end - 1) + 1
    }
}

/// A new event.
pub fn event(name: Option<&str>, data: &str, line_end: &str) -> String {
    let name = name
        .map(|name| format!("event: {name}{line_end}"))
        .unwrap_or_default();
    format!("{name}data: {data}{line_end}{line_end}")
}

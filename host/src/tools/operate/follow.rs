//! Server-sent events as a client reads them.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use super::error::AskError;
use crate::config::admin::AdminAddress;

/// Events of one connection.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    address: AdminAddress,
    parser: Parser,
}

/// Takes bytes and gives events.
#[derive(Debug, Default)]
struct Parser {
    waiting: Vec<u8>,
    name: String,
    data: String,
}

impl Events {
    pub fn new(body: Incoming, address: AdminAddress) -> Self {
        Self {
            body,
            address,
            parser: Parser::default(),
        }
    }

    /// The data of the next event of this name; none when there will be no more.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self, name: &str) -> Result<Option<Value>, AskError> {
        let broken = |error: &dyn std::fmt::Display| AskError::Broken {
            address: self.address.clone(),
            problem: error.to_string(),
        };
        loop {
            while let Some((found, data)) = self.parser.next() {
                if found == name {
                    let data = serde_json::from_str(&data).map_err(|error| broken(&error))?;
                    return Ok(Some(data));
                }
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(frame)) => self
                    .parser
                    .push(&frame.into_data().unwrap_or_else(|_| Bytes::new())),
            }
        }
    }
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next whole event: its name and its data.
    fn next(&mut self) -> Option<(String, String)> {
        while let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.waiting.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let event = (
                    std::mem::take(&mut self.name),
                    std::mem::take(&mut self.data),
                );
                if event.1.is_empty() {
                    continue;
                }
                return Some(event);
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.name),
                "data" => {
                    if !self.data.is_empty() {
                        self.data.push('\n');
                    }
                    self.data.push_str(value);
                }
                // A comment, which only shows that the connection is alive, or what we don't need.
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text = b": alive\n\nevent: log\ndata: {\"a\":\ndata: 1}\n\nevent: other\ndata: 2\r\n\r\ndata: 3\n";
        for cut in 0..text.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for part in [&text[..cut], &text[cut..]] {
                parser.push(part);
                events.extend(std::iter::from_fn(|| parser.next()));
            }
            let expected = [("log", "{\"a\":\n1}"), ("other", "2")];
            let events: Vec<_> = events
                .iter()
                .map(|(name, data)| (&**name, &**data))
                .collect();
            assert_eq!(events, expected, "{cut}");
        }
    }
}

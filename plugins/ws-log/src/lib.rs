//! Logs the messages of WebSockets, drops those that a rule names, and redacts values in JSON.

mod json;
mod path;
mod settings;
#[cfg(test)]
mod tests;

use tollgate_plugin::websocket::{Message, Peer, Peers};
use tollgate_plugin::{Connection, Fate, Plugin, Request, Response, Result, WebSocket, info};

use json::Found;
use settings::{Log, WsLog};

/// Bytes of a text that a line of the log has at most.
const MOST_LOGGED: usize = 2048;

impl Plugin for WsLog {}

impl WebSocket for WsLog {
    type Connection = Logged;

    fn websocket(&self, request: &Request, _: &Response) -> Result<Option<Logged>> {
        if self.is_idle() {
            return Ok(None);
        }
        if self.log != Log::Off {
            info!("opened {}", printable(&request.path()));
        }
        Ok(Some(Logged {
            settings: self.clone(),
            messages: [0, 0],
            bytes: [0, 0],
        }))
    }
}

tollgate_plugin::export!(WsLog, WebSocket);

/// One connection, with what came from the client and from the backend.
#[derive(Debug)]
pub struct Logged {
    settings: WsLog,
    messages: [u64; 2],
    bytes: [u64; 2],
}

impl Connection for Logged {
    fn message(&mut self, sender: Peer, message: Message, peers: &mut Peers) -> Result<Fate> {
        let number = usize::from(sender == Peer::Backend);
        self.messages[number] += 1;
        self.bytes[number] += message.bytes().len() as u64;
        let found = message
            .text()
            .and_then(|text| json::find(text, &self.settings.paths()));
        let Some((text, found)) = message.text().zip(found) else {
            self.log(sender, &message, None);
            return Ok(Fate::Keep);
        };
        if self.settings.drops(text, &found) {
            if self.settings.log != Log::Off {
                info!("{} dropped {} bytes", name(sender), text.len());
            }
            return Ok(Fate::Replace);
        }
        let redacted = self.redacted(text, &found);
        self.log(sender, &message, Some(redacted.as_deref().unwrap_or(text)));
        Ok(match redacted {
            Some(text) => {
                peers.send(sender.other(), text);
                Fate::Replace
            }
            None => Fate::Keep,
        })
    }

    fn closed(&mut self) -> Result<()> {
        if self.settings.log != Log::Off {
            let ([of_client, of_backend], [up, down]) = (self.messages, self.bytes);
            info!(
                "closed: {of_client} messages ({up} bytes) from the client, {of_backend} ({down} bytes) from the backend"
            );
        }
        Ok(())
    }
}

impl Logged {
    /// The text with other values in the place of those that are redacted; none if there are none.
    fn redacted(&self, text: &str, found: &[Found]) -> Option<String> {
        let first = self.settings.drop.len();
        let values = found.iter().filter(|found| found.path >= first);
        json::replaced(text, values, "\"[redacted]\"")
    }

    /// `shown`: the text as it may be logged. One that is no JSON is not, if anything is to be redacted.
    fn log(&self, sender: Peer, message: &Message, shown: Option<&str>) {
        let shown = match self.settings.redact.is_empty() {
            true => message.text(),
            false => shown,
        };
        let (from, length) = (name(sender), message.bytes().len());
        match (self.settings.log, message, shown) {
            (Log::Off, ..) => {}
            (Log::Text, Message::Text(_), Some(text)) => info!("{from} text: {}", printable(text)),
            (_, Message::Text(_), _) => info!("{from} text, {length} bytes"),
            (_, Message::Binary(_), _) => info!("{from} binary, {length} bytes"),
        }
    }
}

fn name(peer: Peer) -> &'static str {
    match peer {
        Peer::Client => "client",
        Peer::Backend => "backend",
    }
}

/// A text in one line of bounded length.
fn printable(text: &str) -> String {
    let end = text.floor_char_boundary(MOST_LOGGED);
    let mut line = String::with_capacity(end);
    for c in text[..end].chars() {
        match c.is_control() {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    if end < text.len() {
        line.push_str("… (cut)");
    }
    line
}

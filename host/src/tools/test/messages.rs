//! The messages of a WebSocket in a case, one on a line: which side sends what, and what reaches which side.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::interceptor::{Hook, InterceptError};
use crate::message::websocket::{Content, Peer};
use crate::proxy::{Conversation, Passed, pass_messages};

/// What a peer of a case sends.
pub(super) type SentMessage = (Peer, Content);

const NO_MESSAGE: &str = "expected `client TEXT` or `backend TEXT`; TEXT may be a JSON string, or `base64` and its letters for a binary \
    message";

/// What a line says.
///
/// # Errors
/// Says what was expected.
pub(super) fn parse(line: &str) -> Result<SentMessage, String> {
    let (side, said) = line.split_once(' ').unwrap_or((line, ""));
    let sender = match side {
        "client" => Peer::Client,
        "backend" => Peer::Backend,
        _ => return Err(NO_MESSAGE.to_owned()),
    };
    let content = if let Some(letters) = said.strip_prefix("base64 ") {
        let bytes = BASE64.decode(letters.trim());
        Content::Binary(bytes.map_err(|error| format!("this is not base64: {error}"))?)
    } else if said.starts_with('"') {
        Content::Text(serde_json::from_str(said).map_err(|_| NO_MESSAGE.to_owned())?)
    } else {
        Content::Text(said.to_owned())
    };
    Ok((sender, content))
}

/// What reaches a peer, as a line.
fn line(receiver: Peer, passed: &Passed) -> String {
    let said = match passed {
        Passed::Message(Content::Binary(bytes)) => format!("base64 {}", BASE64.encode(bytes)),
        Passed::Message(Content::Text(text)) if is_plain(text) => text.clone(),
        Passed::Message(Content::Text(text)) => serde_json::Value::from(text.as_str()).to_string(),
        Passed::Close(frame) => frame.as_ref().map_or("close".to_owned(), |frame| {
            format!("close {} {}", frame.code, frame.reason)
        }),
    };
    format!("{receiver} {said}").trim_end().to_owned()
}

/// Whether a text can stand in a line as it is.
fn is_plain(text: &str) -> bool {
    !["\"", "base64 ", "close"]
        .iter()
        .any(|begin| text.starts_with(begin))
        && !text.chars().any(char::is_control)
        && text.trim() == text
}

/// Passes messages through what wants them; if nobody does, they go on as they are. Gives what reached the peers, and what failed.
pub(super) async fn pass(
    conversation: Option<Conversation>,
    sent: &[SentMessage],
    limit: Duration,
) -> (Vec<String>, Option<String>) {
    let Some(conversation) = conversation else {
        let as_it_is = |(sender, content): &SentMessage| {
            line(sender.other(), &Passed::Message(content.clone()))
        };
        return (sent.iter().map(as_it_is).collect(), None);
    };
    let mut lines = Vec::new();
    let on_passed = |receiver, passed: Passed| lines.push(line(receiver, &passed));
    let passing = pass_messages(conversation, sent.to_vec(), on_passed);
    let why = match tokio::time::timeout(limit, passing).await {
        Ok(Ok(())) => None,
        Ok(Err(InterceptError::Returned(text))) => Some(text),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("took longer than {} s", limit.as_secs_f64())),
    };
    (lines, why.map(|why| format!("{}: {why}", Hook::Messages)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::websocket::CloseFrame;

    #[test]
    fn a_line_says_who_sends_what() {
        let text = |text: &str| Content::Text(text.to_owned());
        for (said, expected) in [
            ("client {\"a\": 1}", (Peer::Client, text("{\"a\": 1}"))),
            ("backend \"a\\nb\"", (Peer::Backend, text("a\nb"))),
            ("client", (Peer::Client, text(""))),
            (
                "client base64 AAEC",
                (Peer::Client, Content::Binary(vec![0, 1, 2])),
            ),
        ] {
            assert_eq!(parse(said).unwrap(), expected);
        }
        for wrong in ["server x", "", "client \"x", "client base64 ?"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["", "plain", " x", "a\nb", "\"a\"", "base64 x", "close", "ü"] {
            let content = Content::Text(text.to_owned());
            let shown = line(Peer::Backend, &Passed::Message(content.clone()));
            assert_eq!(parse(&shown), Ok((Peer::Backend, content)), "{shown}");
        }
        let close = Passed::Close(Some(CloseFrame::new(4000, "bye")));
        assert_eq!(line(Peer::Client, &close), "client close 4000 bye");
        assert_eq!(line(Peer::Client, &Passed::Close(None)), "client close");
    }
}

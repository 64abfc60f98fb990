//! The messages of a WebSocket through its interceptors without connections, for tools that try a plugin.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::conversation::Conversation;
use super::pipe::{Item, Pipe, PipeError};
use crate::interceptor::InterceptError;
use crate::message::websocket::{CloseFrame, Content, Peer};

/// What reaches a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    Message(Content),
    /// None: a close frame that says nothing.
    Close(Option<CloseFrame>),
}

/// Passes messages in this order, each when all that came of those before has gone on, and tells what reaches whom.
///
/// # Errors
/// When an interceptor fails, or a message is longer than it takes.
pub async fn pass_messages(
    conversation: Conversation,
    sent: Vec<(Peer, Content)>,
    mut on_passed: impl FnMut(Peer, Passed),
) -> Result<(), InterceptError> {
    let mut pipe = Pipe::new(conversation.interceptors);
    let mut result = Ok(());
    for (sender, content) in sent {
        pipe.push(sender, Item::Message(content));
        result = poll_fn(|cx| settle(&mut pipe, &mut on_passed, cx)).await;
        if result.is_err() {
            break;
        }
    }
    let failed = pipe.wind_up().await.into_iter().map(|(_, error)| error);
    result.and_then(|()| failed.map(Err).next().unwrap_or(Ok(())))
}

/// Ready when nothing is under way.
fn settle(
    pipe: &mut Pipe,
    on_passed: &mut impl FnMut(Peer, Passed),
    cx: &mut Context<'_>,
) -> Poll<Result<(), InterceptError>> {
    loop {
        let mut moved = match pipe.step(cx) {
            Ok(moved) => moved,
            Err(PipeError::Interceptor(_, error)) => return Poll::Ready(Err(error)),
            Err(PipeError::Violation(peer, violation)) => {
                let why = format!("from the {peer}: {}", violation.why);
                return Poll::Ready(Err(InterceptError::Trapped(why)));
            }
        };
        for receiver in Peer::BOTH {
            while let Some(item) = pipe.pop(receiver) {
                moved = true;
                match item {
                    Item::Message(content) => on_passed(receiver, Passed::Message(content)),
                    Item::Close(frame) => on_passed(receiver, Passed::Close(frame)),
                    Item::End => {}
                }
            }
        }
        if !moved {
            return match pipe.is_at_rest() {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            };
        }
    }
}

//! What becomes of a part of a message that an interceptor was given.

/// What becomes of a piece of a body, or of a message of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes on behind what was emitted.
    Keep,
    /// What was emitted goes on in its place.
    Replace,
    /// What was emitted goes on, and the body or connection ends.
    Stop,
}

//! Frames into messages (RFC 6455, section 5). No I/O: bytes go in, what they say comes out.

use std::io::Cursor;

use bytes::{Buf, BytesMut};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::codec::{Violation, mask};
use super::deflate::Inflater;
use crate::message::websocket::{CloseFrame, Content, Peer};

/// What a peer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Message(Content),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The last one. None: a close frame that says nothing.
    Close(Option<CloseFrame>),
}

/// Reads what one peer sends. Holds what has come of a message, and bytes that say nothing yet.
pub(super) struct MessageReader {
    peer: Peer,
    limit: usize,
    inflater: Option<Inflater>,
    unread: BytesMut,
    frame: Option<Frame>,
    message: Option<Begun>,
}

/// The frame in hand.
struct Frame {
    header: FrameHeader,
    /// Bytes of its payload that have not been read.
    left: usize,
    /// Where the mask stands.
    position: usize,
}

/// The message in hand.
struct Begun {
    is_text: bool,
    is_compressed: bool,
    data: Vec<u8>,
}

impl MessageReader {
    /// Of messages that are no longer than this, and compressed if `inflater` can undo that.
    pub(super) fn new(peer: Peer, limit: usize, inflater: Option<Inflater>) -> Self {
        Self {
            peer,
            limit,
            inflater,
            unread: BytesMut::new(),
            frame: None,
            message: None,
        }
    }

    /// Takes bytes as they come.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// What comes next, if it is there.
    ///
    /// # Errors
    /// When the connection must be closed.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Violation> {
        loop {
            let Some(frame) = &mut self.frame else {
                if self.begin()? {
                    continue;
                }
                self.rest();
                return Ok(None);
            };
            let event = if let OpCode::Control(control) = frame.header.opcode {
                if self.unread.len() < frame.left {
                    return Ok(None);
                }
                let mut payload = self.unread.split_to(frame.left).to_vec();
                if let Some(key) = frame.header.mask {
                    mask(&mut payload, key, 0);
                }
                self.frame = None;
                Some(of_control(control, payload)?)
            } else {
                let is_done = self.read_data()?;
                if !is_done {
                    self.rest();
                    return Ok(None);
                }
                self.end_frame()?.map(Event::Message)
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Reads the head of a frame, if it is there.
    fn begin(&mut self) -> Result<bool, Violation> {
        let mut cursor = Cursor::new(&self.unread);
        let parsed = FrameHeader::parse(&mut cursor);
        let parsed = parsed.map_err(|_| Violation::protocol("a frame has a reserved opcode"))?;
        let length = usize::try_from(cursor.position()).unwrap_or(0);
        let Some((header, payload)) = parsed else {
            return Ok(false);
        };
        self.check(&header, payload)?;
        self.unread.advance(length);
        if let OpCode::Data(kind @ (Data::Text | Data::Binary)) = header.opcode {
            self.message = Some(Begun {
                is_text: kind == Data::Text,
                is_compressed: header.rsv1,
                data: Vec::new(),
            });
        }
        self.frame = Some(Frame {
            header,
            left: usize::try_from(payload).unwrap_or(usize::MAX),
            position: 0,
        });
        Ok(true)
    }

    fn check(&self, header: &FrameHeader, payload: u64) -> Result<(), Violation> {
        let wrong = |why: &str| Err(Violation::protocol(why));
        if header.mask.is_some() != (self.peer == Peer::Client) {
            return wrong("a frame of a client must be masked, and only that");
        }
        if header.rsv2 || header.rsv3 {
            return wrong("a frame has a reserved bit");
        }
        let OpCode::Data(kind) = header.opcode else {
            return match (header.is_final, payload, header.rsv1) {
                (true, 0..=125, false) => Ok(()),
                _ => wrong("a control frame is fragmented, compressed, or too long"),
            };
        };
        let is_compressed = match (&self.message, kind) {
            (Some(begun), Data::Continue) if !header.rsv1 => begun.is_compressed,
            (None, Data::Text | Data::Binary) if !header.rsv1 || self.inflater.is_some() => {
                header.rsv1
            }
            _ => return wrong("a frame is out of place, or compressed though that was not agreed"),
        };
        let so_far = self.message.as_ref().map_or(0, |begun| begun.data.len());
        let room = u64::try_from(self.limit - so_far).unwrap_or(u64::MAX);
        if !is_compressed && payload > room {
            return Err(Violation::too_long(self.limit));
        }
        Ok(())
    }

    /// Reads what is there of a frame's data; whether that is all.
    fn read_data(&mut self) -> Result<bool, Violation> {
        let (Some(frame), Some(begun)) = (&mut self.frame, &mut self.message) else {
            return Ok(true);
        };
        let length = frame.left.min(self.unread.len());
        let mut part = self.unread.split_to(length);
        if let Some(key) = frame.header.mask {
            frame.position = mask(&mut part, key, frame.position);
        }
        frame.left -= length;
        match &mut self.inflater {
            Some(inflater) if begun.is_compressed => {
                inflater.push(&part, &mut begun.data, self.limit)?;
            }
            _ => begun.data.extend_from_slice(&part),
        }
        Ok(frame.left == 0)
    }

    /// Ends a frame of data; gives the message if it was the last one.
    fn end_frame(&mut self) -> Result<Option<Content>, Violation> {
        let is_final = self.frame.take().is_none_or(|frame| frame.header.is_final);
        let Some(mut begun) = self.message.take_if(|_| is_final) else {
            return Ok(None);
        };
        if let Some(inflater) = self.inflater.as_mut().filter(|_| begun.is_compressed) {
            inflater.end(&mut begun.data, self.limit)?;
        }
        if !begun.is_text {
            return Ok(Some(Content::Binary(begun.data)));
        }
        let text = String::from_utf8(begun.data);
        let text = text.map_err(|_| Violation::data("a text is not UTF-8"))?;
        Ok(Some(Content::Text(text)))
    }

    /// A connection at rest holds no buffer.
    fn rest(&mut self) {
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
    }
}

fn of_control(control: Control, payload: Vec<u8>) -> Result<Event, Violation> {
    Ok(match control {
        Control::Ping => Event::Ping(payload),
        Control::Pong => Event::Pong(payload),
        Control::Close | Control::Reserved(_) => Event::Close(close_frame(&payload)?),
    })
}

fn close_frame(payload: &[u8]) -> Result<Option<CloseFrame>, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        [_] => return Err(Violation::protocol("a close frame has half a code")),
    };
    if !CloseFrame::may_have(code) {
        return Err(Violation::protocol(
            "a close frame has a code that is not sent",
        ));
    }
    let reason = std::str::from_utf8(reason);
    let reason = reason.map_err(|_| Violation::data("the reason in a close frame is not UTF-8"))?;
    Ok(Some(CloseFrame::new(code, reason)))
}

//! Messages into frames: one frame for each.

use ring::rand::{SecureRandom as _, SystemRandom};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::codec::mask;
use super::deflate::compress;
use super::extensions::Direction;
use crate::message::websocket::{CloseFrame, Content, Peer};

/// Writes what one peer gets.
pub(super) struct MessageWriter {
    peer: Peer,
    /// How messages are compressed; none if not at all.
    deflate: Option<Direction>,
    random: SystemRandom,
}

impl MessageWriter {
    pub(super) fn new(peer: Peer, deflate: Option<Direction>) -> Self {
        Self {
            peer,
            deflate,
            random: SystemRandom::new(),
        }
    }

    pub(super) fn message(&self, content: &Content, out: &mut Vec<u8>) {
        let kind = match content {
            Content::Text(_) => Data::Text,
            Content::Binary(_) => Data::Binary,
        };
        let compressed = self.deflate.and_then(|way| compress(way, content.bytes()));
        let data = compressed.as_deref().unwrap_or(content.bytes());
        self.frame(OpCode::Data(kind), compressed.is_some(), data, out);
    }

    pub(super) fn ping(&self, data: &[u8], out: &mut Vec<u8>) {
        self.frame(OpCode::Control(Control::Ping), false, data, out);
    }

    pub(super) fn pong(&self, data: &[u8], out: &mut Vec<u8>) {
        self.frame(OpCode::Control(Control::Pong), false, data, out);
    }

    pub(super) fn close(&self, frame: Option<&CloseFrame>, out: &mut Vec<u8>) {
        let data = match frame {
            Some(frame) => [&frame.code.to_be_bytes(), frame.reason.as_bytes()].concat(),
            None => Vec::new(),
        };
        self.frame(OpCode::Control(Control::Close), false, &data, out);
    }

    fn frame(&self, opcode: OpCode, rsv1: bool, data: &[u8], out: &mut Vec<u8>) {
        let header = FrameHeader {
            is_final: true,
            rsv1,
            opcode,
            mask: (self.peer == Peer::Backend).then(|| self.key()),
            ..FrameHeader::default()
        };
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        // Nothing fails that is written into memory.
        let _ = header.format(length, out);
        let start = out.len();
        out.extend_from_slice(data);
        if let Some(key) = header.mask {
            mask(&mut out[start..], key, 0);
        }
    }

    /// A new one for each frame (RFC 6455, section 5.3).
    fn key(&self) -> [u8; 4] {
        let mut key = [0; 4];
        // It hides nothing; without random bytes the frame is still valid.
        let _ = self.random.fill(&mut key);
        key
    }
}

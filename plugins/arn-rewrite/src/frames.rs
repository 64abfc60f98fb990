//! AWS's event streams (`application/vnd.amazon.eventstream`): messages with a document in each.
//!
//! A message is: its length, its head's length, the CRC of these two, the head, the payload, the CRC of all of it. Lengths and CRCs
//! have 4 bytes, most significant first. The head has fields: the name's length in one byte, the name, a type, a value.
//! (Smithy: "Amazon Event Stream Specification".)

use crate::document::{self, Syntax};
use crate::keys::Api;
use crate::names::Names;

/// A stream of messages.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    held: Vec<u8>,
    /// It is no such stream: it goes on as it is.
    is_foreign: bool,
}

/// Lengths and CRC before the head.
const PRELUDE: usize = 12;
const CRC: usize = 4;
/// AWS's own bound (16 MiB of payload and 128 KiB of head), with some room.
const LONGEST: usize = 17 << 20;

impl Frames {
    /// Takes the next part, and gives the messages that are complete.
    pub(crate) fn push(&mut self, names: &Names, api: Api<'_>, part: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(part);
        let mut done = 0;
        while !self.is_foreign {
            let rest = &self.held[done..];
            match length(rest) {
                None => break,
                Some(Err(Foreign)) => self.is_foreign = true,
                Some(Ok(length)) if rest.len() < length => break,
                Some(Ok(length)) => {
                    let frame = &rest[..length];
                    match swapped(names, api, frame) {
                        Some(new) => out.extend_from_slice(&new),
                        None => out.extend_from_slice(frame),
                    }
                    done += length;
                }
            }
        }
        self.held.drain(..done);
        if self.is_foreign {
            self.end(out);
        }
    }

    /// Whether it turned out to be no such stream.
    pub(crate) fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// Gives what is left.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }
}

struct Foreign;

/// The length of the message that begins here; none if that has not come.
fn length(text: &[u8]) -> Option<Result<usize, Foreign>> {
    let length = number(text, 0)?;
    let (head, crc) = (number(text, 4)?, text.get(8..PRELUDE)?);
    let fits = length <= LONGEST
        && head <= length.saturating_sub(PRELUDE + CRC)
        && length >= PRELUDE + CRC;
    let is_sound = crc32fast::hash(&text[..8]).to_be_bytes() == crc;
    Some(if fits && is_sound {
        Ok(length)
    } else {
        Err(Foreign)
    })
}

fn number(text: &[u8], at: usize) -> Option<usize> {
    let bytes = text.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

/// The message with the names in its payload swapped; none if it stays as it is.
fn swapped(names: &Names, api: Api<'_>, frame: &[u8]) -> Option<Vec<u8>> {
    let head_end = PRELUDE + number(frame, 4)?;
    let head = frame.get(PRELUDE..head_end)?;
    let payload = frame.get(head_end..frame.len() - CRC)?;
    let media_type = field(head, b":content-type")?.to_ascii_lowercase();
    let says = |word: &[u8]| media_type.windows(word.len()).any(|at| at == word);
    let syntax = match Syntax::of(payload) {
        _ if says(b"cbor") => Syntax::Cbor,
        syntax if says(b"json") || says(b"xml") => syntax,
        _ => return None,
    };
    let payload = document::swap(names, api, syntax, payload)?;
    let length = u32::try_from(head_end + payload.len() + CRC).ok()?;
    let mut new = length.to_be_bytes().to_vec();
    new.extend_from_slice(&frame[4..8]);
    new.extend_from_slice(&crc32fast::hash(&new).to_be_bytes());
    new.extend_from_slice(head);
    new.extend_from_slice(&payload);
    new.extend_from_slice(&crc32fast::hash(&new).to_be_bytes());
    Some(new)
}

/// The value of a field that is a text.
fn field<'h>(mut head: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    loop {
        let (name_length, rest) = head.split_first()?;
        let (this, rest) = rest.split_at_checked(usize::from(*name_length))?;
        let (kind, rest) = rest.split_first()?;
        let (skip, length) = match kind {
            0 | 1 => (0, 0),
            2 => (0, 1),
            3 => (0, 2),
            4 => (0, 4),
            5 | 8 => (0, 8),
            6 | 7 => (
                2,
                usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?)),
            ),
            9 => (0, 16),
            _ => return None,
        };
        let value = rest.get(skip..skip + length)?;
        if this == name && *kind == 7 {
            return Some(value);
        }
        head = &rest[skip + length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::tests::all;

    fn frame(media_type: &str, payload: &[u8]) -> Vec<u8> {
        let mut head = b"\x01n\x04\0\0\0\x01\x01t\0".to_vec();
        head.extend(b"\x0d:content-type\x07\0");
        head.push(u8::try_from(media_type.len()).unwrap());
        head.extend(media_type.as_bytes());
        let length = u32::try_from(PRELUDE + head.len() + payload.len() + CRC).unwrap();
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
        frame.extend(crc32fast::hash(&frame).to_be_bytes());
        frame.extend(head);
        frame.extend(payload);
        frame.extend(crc32fast::hash(&frame).to_be_bytes());
        frame
    }

    fn flow(text: &[u8], size: usize) -> Vec<u8> {
        let api = Api {
            service: "logs",
            is_answer: true,
        };
        let (mut frames, mut out) = (Frames::default(), Vec::new());
        for part in text.chunks(size) {
            frames.push(&all(), api, part, &mut out);
        }
        frames.end(&mut out);
        out
    }

    #[test]
    fn a_message_is_framed_anew() {
        let (backend, client) = (
            br#"{"account":"123456789012","events":"arn:aws:s3:::b","region":"us-east-1"}"#,
            br#"{"account":"111122223333","events":"arn:aws:s3:::b","region":"eu-central-1"}"#,
        );
        let binary = frame("application/octet-stream", backend);
        let text = [
            frame("application/json", backend),
            binary.clone(),
            frame("application/x-amz-json-1.1", backend),
        ];
        let expected = [
            frame("application/json", client),
            binary,
            frame("application/x-amz-json-1.1", client),
        ];
        for size in [1, 7, 1000] {
            assert_eq!(flow(&text.concat(), size), expected.concat());
        }
    }

    #[test]
    fn a_message_goes_on_when_it_is_complete() {
        let whole = frame("application/json", b"{}");
        let api = Api {
            service: "logs",
            is_answer: true,
        };
        let (mut frames, mut out) = (Frames::default(), Vec::new());
        let two = [&whole[..], &whole[..20]].concat();
        frames.push(&all(), api, &two, &mut out);
        assert_eq!(out, whole);
    }

    #[test]
    fn what_is_no_such_stream_goes_on_as_it_is() {
        let mut broken = frame("application/json", b"{\"account\":\"123456789012\"}");
        broken[9] ^= 1;
        let behind_one = [frame("application/json", b"{}"), broken.clone()].concat();
        for text in [&broken[..], &behind_one, &[0; 40], &[255; 40], b"x"] {
            for size in [1, 1000] {
                assert_eq!(flow(text, size), text);
            }
        }
    }
}

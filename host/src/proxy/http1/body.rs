//! A body as it is framed on the wire: which bytes are data, where it ends, and what its trailers are.
//!
//! Pure: it is given what was read, and gives data, trailers and the end.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::SizeHint;

use super::chunks::{self, BadBody, Chunks};
use super::request::{Framing, HeadLimits};
use super::response::ResponseFraming;

/// Follows one body from its first byte to its end.
#[derive(Debug)]
pub struct Decoder {
    at: At,
    limits: HeadLimits,
    is_response: bool,
}

#[derive(Debug)]
enum At {
    Length { left: u64 },
    Chunks(Chunks),
    Trailers,
    UntilClose,
    End,
}

/// A part of a body.
#[derive(Debug)]
pub enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl Decoder {
    /// The body of a request.
    pub fn of_request(framing: Framing, limits: HeadLimits) -> Self {
        let at = match framing {
            Framing::Length(0) => At::End,
            Framing::Length(left) => At::Length { left },
            Framing::Chunked => At::Chunks(Chunks::default()),
        };
        Self {
            at,
            limits,
            is_response: false,
        }
    }

    /// The body of a response.
    pub fn of_response(framing: ResponseFraming, limits: HeadLimits) -> Self {
        let at = match framing {
            ResponseFraming::Length(0) => At::End,
            ResponseFraming::Length(left) => At::Length { left },
            ResponseFraming::Chunked => At::Chunks(Chunks::lenient()),
            ResponseFraming::UntilClose => At::UntilClose,
        };
        Self {
            at,
            limits,
            is_response: true,
        }
    }

    /// Whether the body is over: what follows belongs to the next message.
    pub fn is_end(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// Whether the end of the connection is the end of the body.
    pub fn ends_with_connection(&self) -> bool {
        matches!(self.at, At::UntilClose)
    }

    /// How many bytes come next that are data, as far as that is known.
    pub fn data_ahead(&self) -> u64 {
        match &self.at {
            At::Length { left } => *left,
            At::Chunks(chunks) => chunks.data_left(),
            At::UntilClose => u64::MAX,
            At::Trailers | At::End => 0,
        }
    }

    /// How much data is still to come.
    pub fn size_hint(&self) -> SizeHint {
        match &self.at {
            At::Length { left } => SizeHint::with_exact(*left),
            At::End | At::Trailers => SizeHint::with_exact(0),
            At::Chunks(_) | At::UntilClose => SizeHint::default(),
        }
    }

    /// Takes one piece from the front of what was read; none when more has to be read before, or at the end.
    ///
    /// # Errors
    /// When the bytes make no body. Nothing after them has a meaning.
    pub fn decode(&mut self, read: &mut BytesMut) -> Result<Option<Piece>, BadBody> {
        loop {
            if read.is_empty() {
                return Ok(None);
            }
            match &mut self.at {
                At::End => return Ok(None),
                At::UntilClose => return Ok(Some(Piece::Data(read.split().freeze()))),
                At::Length { left } => {
                    let n = shorter(*left, read.len());
                    *left -= n as u64;
                    if *left == 0 {
                        self.at = At::End;
                    }
                    return Ok(Some(Piece::Data(read.split_to(n).freeze())));
                }
                At::Chunks(chunks) if chunks.data_left() > 0 => {
                    let n = shorter(chunks.data_left(), read.len());
                    chunks.skip(n as u64);
                    return Ok(Some(Piece::Data(read.split_to(n).freeze())));
                }
                At::Chunks(chunks) => {
                    let n = chunks.step_between(read)?;
                    read.advance(n);
                    if chunks.is_over() {
                        self.at = At::Trailers;
                    }
                }
                At::Trailers => {
                    let section = match self.is_response {
                        true => chunks::trailers_of_response(read, &self.limits)?,
                        false => chunks::trailers(read, &self.limits)?,
                    };
                    let Some((n, fields)) = section else {
                        return Ok(None);
                    };
                    read.advance(n);
                    self.at = At::End;
                    if fields.is_empty() {
                        return Ok(None);
                    }
                    return Ok(Some(Piece::Trailers(fields)));
                }
            }
        }
    }
}

fn shorter(left: u64, len: usize) -> usize {
    usize::try_from(left).map_or(len, |left| left.min(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        max_head: 256,
        max_fields: 10,
        max_target: 0,
    };

    /// The data and trailers of a body that arrives in reads that end at `cuts`, and what is left behind it.
    fn decoded(mut decoder: Decoder, bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, HeaderMap, usize) {
        let (mut data, mut trailers, mut from) = (Vec::new(), HeaderMap::new(), 0);
        let mut read = BytesMut::new();
        for &to in cuts.iter().chain([&bytes.len()]) {
            read.extend_from_slice(&bytes[from..to]);
            from = to;
            while let Some(piece) = decoder.decode(&mut read).unwrap() {
                match piece {
                    Piece::Data(piece) => data.extend_from_slice(&piece),
                    Piece::Trailers(fields) => trailers = fields,
                }
            }
        }
        assert!(decoder.is_end() || decoder.ends_with_connection());
        (data, trailers, read.len())
    }

    #[test]
    fn data_and_trailers_are_told_apart_wherever_reads_end() {
        let chunked = b"5\r\nhello\r\n1;x\r\n!\r\n0\r\na: b\r\n\r\nGET";
        for cut in 0..chunked.len() {
            let new = || Decoder::of_request(Framing::Chunked, LIMITS);
            let (data, trailers, left) = decoded(new(), chunked, &[cut]);
            assert_eq!((&data[..], left), (&b"hello!"[..], 3), "cut at {cut}");
            assert_eq!(trailers["a"], "b");
            let length = Decoder::of_request(Framing::Length(5), LIMITS);
            let cut = cut.min(8);
            let (data, _, left) = decoded(length, b"helloGET", &[cut]);
            assert_eq!((&data[..], left), (&b"hello"[..], 3), "cut at {cut}");
        }
        let close = Decoder::of_response(ResponseFraming::UntilClose, LIMITS);
        assert_eq!(decoded(close, b"hello", &[2]).0, b"hello");
        assert!(Decoder::of_request(Framing::Length(0), LIMITS).is_end());
    }

    #[test]
    fn what_is_to_come_is_known_as_far_as_it_can_be() {
        let mut decoder = Decoder::of_response(ResponseFraming::Length(9), LIMITS);
        let mut read = BytesMut::from(&b"1234"[..]);
        decoder.decode(&mut read).unwrap();
        assert_eq!(decoder.size_hint().exact(), Some(5));
        assert_eq!(decoder.data_ahead(), 5);
        let mut decoder = Decoder::of_response(ResponseFraming::Chunked, LIMITS);
        let mut read = BytesMut::from(&b"9\r\n1234"[..]);
        decoder.decode(&mut read).unwrap();
        assert_eq!(decoder.size_hint().exact(), None);
        assert_eq!(decoder.data_ahead(), 5);
    }
}

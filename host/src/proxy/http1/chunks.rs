//! Where a chunked body ends, and whether each byte on the way there is where it belongs (RFC 9112, section 7.1).

use http::{HeaderMap, HeaderName, HeaderValue};

use super::line::{self, Line};
use super::request::HeadLimits;
use crate::message::syntax;
use crate::proxy::bad_head::BadField;

/// Bytes of chunk extensions in one body. Nobody uses them, and whoever sends many wants to keep us busy.
const MAX_EXTENSIONS: usize = 4 << 10;
/// Digits of a chunk's size: all that 64 bits take.
const MAX_DIGITS: u8 = 16;

/// Why the bytes of a body make no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    #[error("a chunk's size is not 1 to {MAX_DIGITS} hexadecimal digits")]
    Size,
    #[error("a chunk's extension holds a control character or doesn't begin with a semicolon")]
    Extension,
    #[error("the chunks' extensions are larger than {MAX_EXTENSIONS} bytes")]
    ExtensionsTooLarge,
    #[error("a chunk's size line does not end with CR LF")]
    LineEnd,
    #[error("a chunk's data is not as long as its size, or does not end with CR LF")]
    DataEnd,
    #[error("the trailer section: {0}")]
    Trailer(#[from] BadField),
    #[error("the trailer section has a field that belongs into a head")]
    ForbiddenTrailer,
    #[error("the trailer section is larger than {0} bytes")]
    TrailersTooLarge(usize),
    #[error("the trailer section has more than {0} fields")]
    TooManyTrailers(usize),
}

/// Follows the chunks of one body up to its trailer section.
#[derive(Debug, Default)]
pub struct Chunks {
    at: At,
    extensions: usize,
    /// Of a response, in which a size may be followed by spaces: there are servers that pad it.
    lenient: bool,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Size {
        digits: u8,
        size: u64,
    },
    /// White space after the size, which only an extension may follow.
    Space {
        size: u64,
    },
    Extension {
        size: u64,
    },
    SizeLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// After the line of the last chunk.
    Trailers,
}

impl Default for At {
    fn default() -> Self {
        At::Size { digits: 0, size: 0 }
    }
}

impl Chunks {
    /// The chunks of a response.
    pub fn lenient() -> Self {
        Self {
            lenient: true,
            ..Self::default()
        }
    }

    /// Bytes of data that come next, whatever they are.
    pub fn data_left(&self) -> u64 {
        match self.at {
            At::Data { left } => left,
            _ => 0,
        }
    }

    /// Goes over data that nobody has to look at: at most as much as is left.
    pub fn skip(&mut self, n: u64) {
        if let At::Data { left } = self.at {
            self.at = match left - n {
                0 => At::DataCr,
                left => At::Data { left },
            };
        }
    }

    /// Whether the trailer section comes next.
    pub fn is_over(&self) -> bool {
        matches!(self.at, At::Trailers)
    }

    /// Follows `bytes`. Tells how many belong to the chunks: all, unless the trailer section begins or one is wrong.
    #[cfg(test)]
    fn follow(&mut self, bytes: &[u8]) -> (usize, Result<(), BadBody>) {
        let mut done = 0;
        while done < bytes.len() && !self.is_over() {
            match self.step(&bytes[done..]) {
                Ok(n) => done += n,
                Err(error) => return (done, Err(error)),
            }
        }
        (done, Ok(()))
    }

    /// Goes over what stands between two pieces of data. `bytes` is not empty, and no data comes next. Tells how many.
    ///
    /// # Errors
    /// At the first byte that is not where it belongs.
    pub fn step_between(&mut self, bytes: &[u8]) -> Result<usize, BadBody> {
        let mut done = 0;
        while done < bytes.len() && self.data_left() == 0 && !self.is_over() {
            done += self.step(&bytes[done..])?;
        }
        Ok(done)
    }

    /// One byte, or a run of those that are alike. `bytes` is not empty.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, BadBody> {
        match (self.at, bytes[0]) {
            (At::Data { left }, _) => {
                let n = left.min(bytes.len() as u64);
                self.skip(n);
                // No more than the length of `bytes`.
                return Ok(usize::try_from(n).unwrap_or(bytes.len()));
            }
            (At::Extension { size }, _) => return self.extension(size, bytes),
            (At::Size { digits, size }, byte) => self.at = self.size(digits, size, byte)?,
            (At::Space { size }, b'\r') if self.lenient => self.at = At::SizeLf { size },
            (At::Space { size }, byte) => {
                self.at = self.after_size(size, byte).ok_or(BadBody::Extension)?
            }
            (At::SizeLf { size: 0 }, b'\n') => self.at = At::Trailers,
            (At::SizeLf { size }, b'\n') => self.at = At::Data { left: size },
            (At::SizeLf { .. }, _) => return Err(BadBody::LineEnd),
            (At::DataCr, b'\r') => self.at = At::DataLf,
            (At::DataLf, b'\n') => self.at = At::default(),
            (At::DataCr | At::DataLf, _) => return Err(BadBody::DataEnd),
            (At::Trailers, _) => return Ok(0),
        }
        Ok(1)
    }

    fn size(&mut self, digits: u8, size: u64, byte: u8) -> Result<At, BadBody> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if digits > 0 => return Ok(At::SizeLf { size }),
            _ if digits > 0 => return self.after_size(size, byte).ok_or(BadBody::Size),
            _ => return Err(BadBody::Size),
        };
        if digits == MAX_DIGITS {
            return Err(BadBody::Size);
        }
        Ok(At::Size {
            digits: digits + 1,
            size: size << 4 | u64::from(digit),
        })
    }

    fn after_size(&mut self, size: u64, byte: u8) -> Option<At> {
        match byte {
            b';' => Some(At::Extension { size }),
            b' ' | b'\t' if self.extensions < MAX_EXTENSIONS => {
                self.extensions += 1;
                Some(At::Space { size })
            }
            _ => None,
        }
    }

    fn extension(&mut self, size: u64, bytes: &[u8]) -> Result<usize, BadBody> {
        let n = syntax::text(bytes);
        if n > MAX_EXTENSIONS - self.extensions {
            return Err(BadBody::ExtensionsTooLarge);
        }
        self.extensions += n;
        match bytes.get(n) {
            None => Ok(n),
            Some(b'\r') => {
                self.at = At::SizeLf { size };
                Ok(n + 1)
            }
            Some(b'\n') => Err(BadBody::LineEnd),
            Some(_) => Err(BadBody::Extension),
        }
    }
}

/// Reads the trailer section at the start of `bytes`, up to the empty line that ends it: its length and fields, or none
/// while it is incomplete.
///
/// # Errors
/// At the first field that is malformed, or that says how or where to a message goes, for which it is too late here
/// (RFC 9110, section 6.5.1).
pub fn trailers(bytes: &[u8], limits: &HeadLimits) -> Result<Option<(usize, HeaderMap)>, BadBody> {
    section(bytes, limits, Err(BadBody::ForbiddenTrailer))
}

/// As [`trailers`], of a response. What says how a message goes is left out there: its backend is trusted with the length of
/// its messages anyway, and the client reads ours.
///
/// # Errors
/// At the first field that is malformed.
pub fn trailers_of_response(
    bytes: &[u8],
    limits: &HeadLimits,
) -> Result<Option<(usize, HeaderMap)>, BadBody> {
    section(bytes, limits, Ok(()))
}

fn section(
    bytes: &[u8],
    limits: &HeadLimits,
    if_of_heads: Result<(), BadBody>,
) -> Result<Option<(usize, HeaderMap)>, BadBody> {
    let seen = &bytes[..bytes.len().min(limits.max_head)];
    let mut fields = HeaderMap::new();
    let mut at = 0;
    loop {
        let (name, value, len) = match line::line(&seen[at..])? {
            None if bytes.len() > limits.max_head => {
                return Err(BadBody::TrailersTooLarge(limits.max_head));
            }
            None => return Ok(None),
            Some(Line::End) => return Ok(Some((at + 2, fields))),
            Some(Line::Field {
                name_len,
                value,
                len,
                ..
            }) => (
                &seen[at..at + name_len],
                &seen[at + value.0..at + value.1],
                len,
            ),
        };
        at += len;
        let of_heads: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"host"];
        if of_heads.iter().any(|field| syntax::resembles(name, field)) {
            if_of_heads?;
            continue;
        }
        if fields.len() == limits.max_fields {
            return Err(BadBody::TooManyTrailers(limits.max_fields));
        }
        let name = HeaderName::from_bytes(name).map_err(|_| BadField::Name)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| BadField::Value)?;
        fields.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        max_head: 256,
        max_fields: 10,
        max_target: 0,
    };

    /// Follows a body in reads that end at `cuts`. How many bytes are the body's?
    fn follow(bytes: &[u8], cuts: &[usize]) -> Result<Option<usize>, BadBody> {
        let mut chunks = Chunks::default();
        let mut from = 0;
        for &to in cuts.iter().chain([&bytes.len()]) {
            while from < to && !chunks.is_over() {
                let (n, result) = chunks.follow(&bytes[from..to]);
                result?;
                from += n;
            }
            if chunks.is_over()
                && let Some((n, _)) = trailers(&bytes[from..to], &LIMITS)?
            {
                return Ok(Some(from + n));
            }
        }
        Ok(None)
    }

    #[track_caller]
    fn verdict(body: impl AsRef<[u8]>) -> Result<Option<usize>, BadBody> {
        let bytes = body.as_ref();
        let body = bytes.escape_ascii();
        let whole = follow(bytes, &[]);
        for cut in 0..bytes.len() {
            assert_eq!(follow(bytes, &[cut]), whole, "cut at {cut}: {body}");
        }
        let every: Vec<_> = (0..bytes.len()).collect();
        assert_eq!(follow(bytes, &every), whole, "byte by byte: {body}");
        whole
    }

    #[test]
    fn good_bodies() {
        for body in [
            "0\r\n\r\n",
            "000\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "A\r\n0123456789\r\na\r\n0\r\n\r\n56789\r\n0\r\n\r\n",
            "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n",
            "5;a\r\nhello\r\n0;b=\"c d\t\u{fc}\";e\r\n\r\n",
            "5 \t ;a\r\nhello\r\n0\r\n\r\n",
            "0\r\na: b\r\nc:\r\n\r\n",
        ] {
            let then = format!("{body}GET / HTTP/1.1\r\n");
            assert_eq!(verdict(&then), Ok(Some(body.len())), "{body:?}");
            for end in 0..body.len() {
                assert_eq!(
                    verdict(&body.as_bytes()[..end]),
                    Ok(None),
                    "{body:?} up to {end}"
                );
            }
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn bad_bodies() {
        use BadBody::{
            DataEnd, Extension, ExtensionsTooLarge, ForbiddenTrailer, LineEnd, Size,
            TooManyTrailers, TrailersTooLarge,
        };
        let extension = |n| format!("1;{}\r\nx\r\n", "a".repeat(n));
        let many = extension(1000).repeat(5);
        for (body, expected) in [
            ("\r\n", Size),
            ("\n", Size),
            (";a\r\n", Size),
            (" 5\r\nhello\r\n", Size),
            ("+5\r\nhello\r\n", Size),
            ("-5\r\nhello\r\n", Size),
            ("0x5\r\nhello\r\n", Size),
            ("5_\r\nhello\r\n", Size),
            ("g\r\n", Size),
            ("5\nhello\r\n", Size),
            ("5,\r\nhello\r\n", Size),
            ("00000000000000005\r\nhello\r\n", Size),
            ("10000000000000005\r\nhello\r\n", Size),
            ("5 \r\nhello\r\n", Extension),
            ("5 5\r\nhello\r\n", Extension),
            ("5\t\nhello\r\n", Extension),
            ("5;a\0\r\n", Extension),
            ("5;a\x7f\r\n", Extension),
            ("5;a\nhello\r\n", LineEnd),
            ("5;a\rb\r\nhello\r\n", LineEnd),
            ("5\r\r\nhello\r\n", LineEnd),
            ("5\rhello\r\n", LineEnd),
            ("5\r\nhell\r\n0\r\n\r\n", DataEnd),
            ("5\r\nhello!\r\n0\r\n\r\n", DataEnd),
            ("5\r\nhello\n0\r\n\r\n", DataEnd),
            ("5\r\nhello\r0\r\n\r\n", DataEnd),
            ("5\r\nhello0\r\n\r\n", DataEnd),
            ("0\r\na\r\n\r\n", BadBody::Trailer(BadField::Name)),
            ("0\r\na : b\r\n\r\n", BadBody::Trailer(BadField::Name)),
            ("0\r\na: b\n\r\n", BadBody::Trailer(BadField::LineEnd)),
            ("0\r\n\n", BadBody::Trailer(BadField::LineEnd)),
            ("0\r\na: b\r\n c\r\n\r\n", BadBody::Trailer(BadField::Fold)),
            ("0\r\na: \0\r\n\r\n", BadBody::Trailer(BadField::Value)),
            ("0\r\nContent-Length: 5\r\n\r\n", ForbiddenTrailer),
            ("0\r\ncontent_length: 5\r\n\r\n", ForbiddenTrailer),
            (
                "0\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n",
                ForbiddenTrailer,
            ),
            ("0\r\nhost: b\r\n\r\n", ForbiddenTrailer),
            (
                &format!("0\r\na: {}\r\n\r\n", "b".repeat(256)),
                TrailersTooLarge(256),
            ),
            (
                &format!("0\r\n{}\r\n", "a: b\r\n".repeat(11)),
                TooManyTrailers(10),
            ),
            (&many, ExtensionsTooLarge),
        ] {
            if body.len() < 2000 {
                assert_eq!(verdict(body), Err(expected), "{body:?}");
            } else {
                assert_eq!(follow(body.as_bytes(), &[1500, 4100]), Err(expected));
            }
        }
        assert_eq!(
            follow(format!("{}0\r\n\r\n", extension(4096)).as_bytes(), &[]).map(|n| n.is_some()),
            Ok(true)
        );
        assert_eq!(
            follow(extension(4097).as_bytes(), &[]),
            Err(ExtensionsTooLarge)
        );
    }

    #[test]
    fn responses_may_pad_their_sizes() {
        let mut chunks = Chunks::lenient();
        assert_eq!(chunks.follow(b"5 \t \r\nhello\r\n0 \r\n\r\n"), (17, Ok(())));
        assert!(chunks.is_over());
        let mut chunks = Chunks::lenient();
        assert!(chunks.follow(b"5 5\r\n").1.is_err());
    }

    #[test]
    fn fields_of_heads_are_no_trailers_of_responses() {
        let bytes = b"Content-Length: 5\r\na: b\r\nHost: c\r\n\r\n";
        let (n, fields) = trailers_of_response(bytes, &LIMITS).unwrap().unwrap();
        assert_eq!((n, fields.len()), (bytes.len(), 1));
        assert_eq!(fields["a"], "b");
    }

    #[test]
    fn data_is_gone_over_in_one_step() {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.follow(b"ffffffffffffffff\r\nabc"), (21, Ok(())));
        assert_eq!(chunks.data_left(), u64::MAX - 3);
        chunks.skip(u64::MAX - 3);
        assert_eq!(chunks.follow(b"\r\n0\r\n"), (5, Ok(())));
        assert!(chunks.is_over());
    }
}

//! Which protocol a client speaks, seen in its first bytes. Pure: who has the bytes asks, and asks again with more.
//!
//! The three can't be confused: a TLS record begins with the content type `handshake` (0x16), HTTP/2 with a preface made
//! so that HTTP/1 servers refuse it (RFC 9113, section 3.4), and no method of HTTP/1 begins with a control character.

/// The first bytes of a client that speaks HTTP/2 with prior knowledge.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The content type `handshake` and the major version, which stays 3 for good (RFC 8446, section 5.1).
const TLS_RECORD: [u8; 2] = [0x16, 0x03];

/// What [`sniff`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    Tls,
    Http2Preface,
    /// HTTP/1, or what its parser is to refuse.
    Http1,
    /// What came is the beginning of TLS or of the preface, and of nothing else yet.
    NeedMore,
}

/// Decides from the first bytes of a connection; 24 are always enough, and one is for HTTP/1 with all methods that don't
/// begin with `P`.
pub fn sniff(first: &[u8]) -> Sniffed {
    if first.starts_with(&TLS_RECORD) {
        Sniffed::Tls
    } else if first.starts_with(PREFACE) {
        Sniffed::Http2Preface
    } else if TLS_RECORD.starts_with(first) || PREFACE.starts_with(first) {
        Sniffed::NeedMore
    } else {
        Sniffed::Http1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        let cases: [(&[u8], Sniffed); 12] = [
            (b"", Sniffed::NeedMore),
            (b"\x16", Sniffed::NeedMore),
            (b"\x16\x03", Sniffed::Tls),
            (b"\x16\x03\x01\x02\x00\x01", Sniffed::Tls),
            (b"\x16\x02", Sniffed::Http1),
            (b"\x16P", Sniffed::Http1),
            (b"\x80\x2e\x01\x03\x01", Sniffed::Http1),
            (b"GET / HTTP/1.1\r\n\r\n", Sniffed::Http1),
            (b"POST / HTTP/1.1\r\n\r\n", Sniffed::Http1),
            (b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n", Sniffed::Http1),
            (b"pri * HTTP/2.0\r\n\r\nSM\r\n\r\n", Sniffed::Http1),
            (b"\r\nGET / HTTP/1.1\r\n\r\n", Sniffed::Http1),
        ];
        for (first, expected) in cases {
            assert_eq!(sniff(first), expected, "{:?}", first.escape_ascii());
        }
    }

    #[test]
    fn every_prefix_of_the_preface_waits_and_every_deviation_is_http1() {
        for length in 0..PREFACE.len() {
            assert_eq!(sniff(&PREFACE[..length]), Sniffed::NeedMore, "{length}");
            let mut other = PREFACE[..=length].to_vec();
            other[length] ^= 0x20;
            assert_eq!(sniff(&other), Sniffed::Http1, "{:?}", other.escape_ascii());
        }
        assert_eq!(sniff(PREFACE), Sniffed::Http2Preface);
        let with_settings = [PREFACE.as_slice(), &[0; 9]].concat();
        assert_eq!(sniff(&with_settings), Sniffed::Http2Preface);
    }
}

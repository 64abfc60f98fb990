//! Names of fields that the host itself looks for or that most heads have, as small numbers: most questions about a head are
//! then one look at a bit.

/// A field's name, if it is one of these; else [`Known::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Known {
    Other = 0,
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    AcceptRanges,
    Age,
    Allow,
    Authorization,
    CacheControl,
    Connection,
    ContentDigest,
    ContentEncoding,
    ContentLength,
    ContentMd5,
    ContentRange,
    ContentType,
    Cookie,
    Date,
    Digest,
    Etag,
    Expect,
    Forwarded,
    Host,
    Http2Settings,
    IfModifiedSince,
    IfNoneMatch,
    KeepAlive,
    LastModified,
    Location,
    MaxForwards,
    Origin,
    Pragma,
    ProxyAuthenticate,
    ProxyConnection,
    ProxyStatus,
    Range,
    Referer,
    ReprDigest,
    RetryAfter,
    Server,
    SetCookie,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Vary,
    Via,
    XForwardedFor,
    XForwardedHost,
    XForwardedPort,
    XForwardedProto,
}

/// All of them, in the order of their numbers.
const NAMES: [(Known, &str); 51] = [
    (Known::Accept, "accept"),
    (Known::AcceptEncoding, "accept-encoding"),
    (Known::AcceptLanguage, "accept-language"),
    (Known::AcceptRanges, "accept-ranges"),
    (Known::Age, "age"),
    (Known::Allow, "allow"),
    (Known::Authorization, "authorization"),
    (Known::CacheControl, "cache-control"),
    (Known::Connection, "connection"),
    (Known::ContentDigest, "content-digest"),
    (Known::ContentEncoding, "content-encoding"),
    (Known::ContentLength, "content-length"),
    (Known::ContentMd5, "content-md5"),
    (Known::ContentRange, "content-range"),
    (Known::ContentType, "content-type"),
    (Known::Cookie, "cookie"),
    (Known::Date, "date"),
    (Known::Digest, "digest"),
    (Known::Etag, "etag"),
    (Known::Expect, "expect"),
    (Known::Forwarded, "forwarded"),
    (Known::Host, "host"),
    (Known::Http2Settings, "http2-settings"),
    (Known::IfModifiedSince, "if-modified-since"),
    (Known::IfNoneMatch, "if-none-match"),
    (Known::KeepAlive, "keep-alive"),
    (Known::LastModified, "last-modified"),
    (Known::Location, "location"),
    (Known::MaxForwards, "max-forwards"),
    (Known::Origin, "origin"),
    (Known::Pragma, "pragma"),
    (Known::ProxyAuthenticate, "proxy-authenticate"),
    (Known::ProxyConnection, "proxy-connection"),
    (Known::ProxyStatus, "proxy-status"),
    (Known::Range, "range"),
    (Known::Referer, "referer"),
    (Known::ReprDigest, "repr-digest"),
    (Known::RetryAfter, "retry-after"),
    (Known::Server, "server"),
    (Known::SetCookie, "set-cookie"),
    (Known::Te, "te"),
    (Known::Trailer, "trailer"),
    (Known::TransferEncoding, "transfer-encoding"),
    (Known::Upgrade, "upgrade"),
    (Known::UserAgent, "user-agent"),
    (Known::Vary, "vary"),
    (Known::Via, "via"),
    (Known::XForwardedFor, "x-forwarded-for"),
    (Known::XForwardedHost, "x-forwarded-host"),
    (Known::XForwardedPort, "x-forwarded-port"),
    (Known::XForwardedProto, "x-forwarded-proto"),
];

impl Known {
    /// Which name this is, whatever the case of its letters. `name` is a token.
    pub fn of(name: &[u8]) -> Self {
        Key::of(name).find(name.len())
    }

    /// The same for bytes that may be no token; these are none of the names.
    pub fn of_any(name: &[u8]) -> Self {
        let key = Key::of(name);
        // What is folded to a letter, a digit or a hyphen of a name is that, the other case of it, or a control character.
        if key.holds_control() {
            return Self::Other;
        }
        key.find(name.len())
    }

    /// The name in lower case; empty for [`Known::Other`].
    pub fn as_str(self) -> &'static str {
        match (self as usize).checked_sub(1) {
            Some(index) => NAMES[index].1,
            None => "",
        }
    }

    /// Its bit in a set of names; none for [`Known::Other`].
    pub const fn bit(self) -> u64 {
        match self {
            Self::Other => 0,
            known => 1 << (known as u8),
        }
    }

    /// The bits of these names together.
    pub const fn set(names: &[Self]) -> u64 {
        let (mut set, mut at) = (0, 0);
        while at < names.len() {
            set |= names[at].bit();
            at += 1;
        }
        set
    }
}

/// A name as three numbers: its first bytes, its last ones, and those in the middle of a longer one.
#[derive(Debug, Clone, Copy)]
struct Key([u64; 3]);

const ONES: u64 = u64::from_ne_bytes([1; 8]);

impl Key {
    const fn of(name: &[u8]) -> Self {
        match name.len() {
            len @ ..4 => {
                let (mut word, mut at) = (ONES * 0x20, 0);
                while at < len {
                    word = word << 8 | name[at] as u64;
                    at += 1;
                }
                Self([word, word, word])
            }
            len @ 4..8 => {
                let word = half(name, 0) | half(name, len - 4) << 32;
                Self([word, word, word])
            }
            len => {
                let (first, last) = (word(name, 0), word(name, len - 8));
                let middle = if len > 16 { word(name, 8) } else { last };
                Self([first, last, middle])
            }
        }
    }

    /// In lower case. Tokens of 24 bytes at most are told apart by this, but for bytes that differ in the bit of lower case
    /// alone, which the names here don't have but in letters.
    const fn folded(self) -> Self {
        let Self([first, last, middle]) = self;
        let lower = ONES * 0x20;
        Self([first | lower, last | lower, middle | lower])
    }

    const fn is(self, other: Self) -> bool {
        let (a, b) = (self.0, other.0);
        a[0] == b[0] && a[1] == b[1] && a[2] == b[2]
    }

    fn find(self, len: usize) -> Known {
        let Some(&(from, to)) = BY_LENGTH.get(len) else {
            return Known::Other;
        };
        // Few names are as long as another one; the key tells these apart in one comparison each.
        let key = self.folded();
        let found = KEYS[from..to].iter().find(|(other, _)| other.is(key));
        found.map_or(Known::Other, |(_, known)| *known)
    }

    /// Whether one of the bytes is below 0x20.
    fn holds_control(self) -> bool {
        let below = |word: u64| word.wrapping_sub(ONES * 0x20) & !word;
        let Self([first, last, middle]) = self;
        (below(first) | below(last) | below(middle)) & (ONES * 0x80) != 0
    }
}

/// The four bytes from a place on.
const fn half(bytes: &[u8], at: usize) -> u64 {
    let (_, from) = bytes.split_at(at);
    match from.first_chunk() {
        Some(half) => u32::from_le_bytes(*half) as u64,
        None => 0,
    }
}

/// The eight bytes from a place on.
const fn word(bytes: &[u8], at: usize) -> u64 {
    let (_, from) = bytes.split_at(at);
    match from.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => 0,
    }
}

/// The names by their length, and where those of a length are among them.
const KEYS: [(Key, Known); NAMES.len()] = keys();
const BY_LENGTH: [(usize, usize); LONGEST + 1] = by_length();

/// Bytes of the longest name.
const LONGEST: usize = 18;

const fn keys() -> [(Key, Known); NAMES.len()] {
    let mut keys = [(Key([0; 3]), Known::Other); NAMES.len()];
    let (mut length, mut count) = (0, 0);
    while length <= LONGEST {
        let mut at = 0;
        while at < NAMES.len() {
            let (known, name) = NAMES[at];
            if name.len() == length {
                keys[count] = (Key::of(name.as_bytes()).folded(), known);
                count += 1;
            }
            at += 1;
        }
        length += 1;
    }
    assert!(count == NAMES.len(), "a name is longer than LONGEST");
    keys
}

const fn by_length() -> [(usize, usize); LONGEST + 1] {
    let mut places = [(0, 0); LONGEST + 1];
    let (mut length, mut before) = (0, 0);
    while length <= LONGEST {
        let (mut at, mut count) = (0, 0);
        while at < NAMES.len() {
            if NAMES[at].1.len() == length {
                count += 1;
            }
            at += 1;
        }
        places[length] = (before, before + count);
        before += count;
        length += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_known_in_any_case() {
        for (index, (known, name)) in NAMES.iter().enumerate() {
            assert_eq!(*known as usize, index + 1, "{name}");
            assert_eq!(known.as_str(), *name);
            assert_eq!(Known::of(name.as_bytes()), *known, "{name}");
            assert_eq!(Known::of(name.to_uppercase().as_bytes()), *known, "{name}");
            let mut other = name.as_bytes().to_vec();
            *other.last_mut().unwrap() = b'~';
            assert_eq!(Known::of(&other), Known::Other, "{name}");
            // Any byte in any place: what is no token is none of them.
            for (at, byte) in (0..name.len()).flat_map(|at| (0..=255u8).map(move |b| (at, b))) {
                let mut other = name.as_bytes().to_vec();
                other[at] = byte;
                let same = other.eq_ignore_ascii_case(name.as_bytes());
                let expected = if same { *known } else { Known::Other };
                assert_eq!(Known::of_any(&other), expected, "{}", other.escape_ascii());
            }
        }
        let tokens = (0x21..0x7f_u8).filter(|b| crate::message::syntax::is_token(&[*b]));
        for ((known, name), byte) in NAMES
            .iter()
            .flat_map(|n| tokens.clone().map(move |b| (n, b)))
        {
            for at in 0..name.len() {
                let mut other = name.as_bytes().to_vec();
                other[at] = byte;
                let same = other.eq_ignore_ascii_case(name.as_bytes());
                assert_eq!(
                    Known::of(&other) == *known,
                    same,
                    "{}",
                    other.escape_ascii()
                );
            }
        }
        for other in ["", "x", "content_length", "hosts", "x-forwarded-by"] {
            assert_eq!(Known::of(other.as_bytes()), Known::Other, "{other}");
        }
    }
}

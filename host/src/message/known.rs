//! Names of fields that the host itself looks for, as small numbers: most questions about a head are then one look at a bit.

/// A field's name, if it is one that the host cares for; else [`Known::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Known {
    Other = 0,
    Accept,
    AcceptRanges,
    Allow,
    Authorization,
    Connection,
    ContentDigest,
    ContentEncoding,
    ContentLength,
    ContentMd5,
    ContentType,
    Cookie,
    Date,
    Digest,
    Etag,
    Expect,
    Forwarded,
    Host,
    Http2Settings,
    KeepAlive,
    MaxForwards,
    ProxyAuthenticate,
    ProxyConnection,
    ProxyStatus,
    ReprDigest,
    RetryAfter,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    XForwardedFor,
    XForwardedHost,
    XForwardedPort,
    XForwardedProto,
}

/// All of them, in the order of their numbers.
const NAMES: [(Known, &str); 34] = [
    (Known::Accept, "accept"),
    (Known::AcceptRanges, "accept-ranges"),
    (Known::Allow, "allow"),
    (Known::Authorization, "authorization"),
    (Known::Connection, "connection"),
    (Known::ContentDigest, "content-digest"),
    (Known::ContentEncoding, "content-encoding"),
    (Known::ContentLength, "content-length"),
    (Known::ContentMd5, "content-md5"),
    (Known::ContentType, "content-type"),
    (Known::Cookie, "cookie"),
    (Known::Date, "date"),
    (Known::Digest, "digest"),
    (Known::Etag, "etag"),
    (Known::Expect, "expect"),
    (Known::Forwarded, "forwarded"),
    (Known::Host, "host"),
    (Known::Http2Settings, "http2-settings"),
    (Known::KeepAlive, "keep-alive"),
    (Known::MaxForwards, "max-forwards"),
    (Known::ProxyAuthenticate, "proxy-authenticate"),
    (Known::ProxyConnection, "proxy-connection"),
    (Known::ProxyStatus, "proxy-status"),
    (Known::ReprDigest, "repr-digest"),
    (Known::RetryAfter, "retry-after"),
    (Known::Te, "te"),
    (Known::Trailer, "trailer"),
    (Known::TransferEncoding, "transfer-encoding"),
    (Known::Upgrade, "upgrade"),
    (Known::Via, "via"),
    (Known::XForwardedFor, "x-forwarded-for"),
    (Known::XForwardedHost, "x-forwarded-host"),
    (Known::XForwardedPort, "x-forwarded-port"),
    (Known::XForwardedProto, "x-forwarded-proto"),
];

impl Known {
    /// Which name this is, whatever the case of its letters. `name` is a token.
    pub fn of(name: &[u8]) -> Self {
        let key = Key::of(name);
        // Few names are as long as another one; the key tells these apart in one comparison each.
        let of_length = BY_LENGTH.get(name.len()).copied().unwrap_or_default();
        let is_it = |(other, _): &&(Key, Self)| *other == key;
        let found = KEYS[of_length.0..of_length.1].iter().find(is_it);
        found.map_or(Self::Other, |(_, known)| *known)
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

    /// All names that the host cares for.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(known, _)| *known)
    }
}

/// A name as three numbers: its first bytes, its last ones, and those in the middle of a longer one, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key([u64; 3]);

impl Key {
    /// Tokens of 24 bytes at most are told apart by this, but for bytes that differ in the bit of lower case alone, which the
    /// names here don't have but in letters.
    const fn of(name: &[u8]) -> Self {
        const LOWER: u64 = u64::from_ne_bytes([0x20; 8]);
        let len = name.len();
        if len < 8 {
            let (mut word, mut at) = (0, 0);
            while at < len {
                word = word << 8 | (name[at] | 0x20) as u64;
                at += 1;
            }
            return Self([word, 0, 0]);
        }
        let middle = if len > 16 { word(name, 8) } else { 0 };
        let last = word(name, len - 8);
        Self([word(name, 0) | LOWER, last | LOWER, middle | LOWER])
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
                keys[count] = (Key::of(name.as_bytes()), known);
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

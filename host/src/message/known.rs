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
    /// Which name this is, whatever the case of its letters.
    pub fn of(name: &[u8]) -> Self {
        // The length decides between a few; then one comparison tells.
        let candidates: &[Self] = match name.len() {
            2 => &[Self::Te],
            3 => &[Self::Via],
            4 => match name[0] | 0x20 {
                b'h' => &[Self::Host],
                b'd' => &[Self::Date],
                _ => &[Self::Etag],
            },
            5 => &[Self::Allow],
            6 => match name[0] | 0x20 {
                b'a' => &[Self::Accept],
                b'c' => &[Self::Cookie],
                b'd' => &[Self::Digest],
                _ => &[Self::Expect],
            },
            7 => match name[0] | 0x20 {
                b't' => &[Self::Trailer],
                _ => &[Self::Upgrade],
            },
            9 => &[Self::Forwarded],
            10 => match name[0] | 0x20 {
                b'c' => &[Self::Connection],
                _ => &[Self::KeepAlive],
            },
            11 => match name[2] | 0x20 {
                b't' => &[Self::RetryAfter],
                b'p' => &[Self::ReprDigest],
                _ => &[Self::ContentMd5],
            },
            12 => match name[0] | 0x20 {
                b'c' => &[Self::ContentType],
                b'm' => &[Self::MaxForwards],
                _ => &[Self::ProxyStatus],
            },
            13 => match name[1] | 0x20 {
                b'u' => &[Self::Authorization],
                _ => &[Self::AcceptRanges],
            },
            14 => match name[8] | 0x20 {
                b'l' => &[Self::ContentLength],
                b'd' => &[Self::ContentDigest],
                _ => &[Self::Http2Settings],
            },
            15 => &[Self::XForwardedFor],
            16 => match name[12] | 0x20 {
                b'h' => &[Self::XForwardedHost],
                b'p' => &[Self::XForwardedPort],
                b'c' => &[Self::ProxyConnection],
                _ => &[Self::ContentEncoding, Self::ProxyConnection],
            },
            17 => match name[0] | 0x20 {
                b't' => &[Self::TransferEncoding],
                _ => &[Self::XForwardedProto],
            },
            18 => &[Self::ProxyAuthenticate],
            _ => &[],
        };
        let is_it = |known: &&Self| name.eq_ignore_ascii_case(known.as_str().as_bytes());
        candidates
            .iter()
            .find(is_it)
            .copied()
            .unwrap_or(Self::Other)
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
        for other in ["", "x", "content_length", "hosts", "x-forwarded-by"] {
            assert_eq!(Known::of(other.as_bytes()), Known::Other, "{other}");
        }
    }
}

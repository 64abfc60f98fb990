//! Which addresses of the internet are not of the internet: those of this machine, of its network, and those that mean
//! another address. A plugin reaches them only if the configuration says so.

use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or one address alone. IPv4 and IPv6 are kept apart: `10.0.0.0/8` does not
/// hold `::ffff:10.0.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    /// Bits.
    prefix: u32,
}

impl AddressRange {
    /// # Errors
    /// What was expected, in one clause.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err("expected a range of addresses such as 10.0.0.0/8 or fd00::/8".into());
        };
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => Some(bits),
            Some(text) => text.parse().ok().filter(|prefix| *prefix <= bits),
        };
        let Some(prefix) = prefix else {
            return Err(format!(
                "expected a number of bits up to {bits} behind the `/`"
            ));
        };
        let range = Self {
            first: masked(address, prefix),
            prefix,
        };
        if range.first == address {
            Ok(range)
        } else {
            Err(format!(
                "the address has bits behind the range, did you mean {range}?"
            ))
        }
    }

    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && masked(address, self.prefix) == self.first
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

/// The special-purpose registries of the IANA (RFC 6890), more exact ranges first, and what clouds have put elsewhere.
const SPECIAL: [(&str, &str); 38] = [
    ("0.0.0.0/32", "the unspecified address"),
    ("0.0.0.0/8", "an address of this network"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "an address of a provider's own network"),
    ("127.0.0.0/8", "an address of this machine"),
    ("168.63.129.16/32", "the metadata service of a cloud"),
    ("169.254.169.254/32", "the metadata service of a cloud"),
    ("169.254.0.0/16", "a link-local address"),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "a reserved address"),
    ("192.0.2.0/24", "an address for documentation"),
    ("192.88.99.0/24", "a relay's address (6to4)"),
    ("192.168.0.0/16", "a private address"),
    ("198.18.0.0/15", "an address for benchmarks"),
    ("198.51.100.0/24", "an address for documentation"),
    ("203.0.113.0/24", "an address for documentation"),
    ("224.0.0.0/4", "a multicast address"),
    ("255.255.255.255/32", "the broadcast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("::/128", "the unspecified address"),
    ("::1/128", "an address of this machine"),
    ("::/96", "an IPv4 address in disguise (compatible)"),
    ("::ffff:0:0/96", "an IPv4 address in disguise (mapped)"),
    (
        "::ffff:0:0:0/96",
        "an IPv4 address in disguise (translated)",
    ),
    ("64:ff9b::/96", "an IPv4 address in disguise (NAT64)"),
    ("64:ff9b:1::/48", "an IPv4 address in disguise (NAT64)"),
    ("100::/64", "an address that discards"),
    ("2001::/32", "an IPv4 address in disguise (Teredo)"),
    ("2001:db8::/32", "an address for documentation"),
    ("2001::/23", "a reserved address"),
    ("2002::/16", "an IPv4 address in disguise (6to4)"),
    ("3fff::/20", "an address for documentation"),
    ("5f00::/16", "a reserved address"),
    ("fd00:ec2::254/128", "the metadata service of a cloud"),
    ("fc00::/7", "a private address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a private address"),
    ("ff00::/8", "a multicast address"),
];

/// What an address is, if it isn't one that everybody on the internet may be asked at.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    static RANGES: LazyLock<Vec<(AddressRange, &'static str)>> = LazyLock::new(|| {
        // Each of them can be read; a test holds it.
        let read = |(range, what)| Some((AddressRange::parse(range).ok()?, what));
        SPECIAL.into_iter().filter_map(read).collect()
    });
    let found = RANGES.iter().find(|(range, _)| range.contains(address));
    match (found, address) {
        (Some((_, what)), _) => Some(what),
        // Of all other IPv6 addresses only 2000::/3 have been given to anybody.
        (None, IpAddr::V6(v6)) if v6.to_bits() >> 125 != 1 => Some("a reserved address"),
        (None, _) => None,
    }
}

/// Whether it is an address of this machine.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_range_is_read() {
        for (range, _) in SPECIAL {
            AddressRange::parse(range).expect(range);
        }
    }

    #[test]
    fn only_addresses_of_the_internet_are_plain() {
        for (address, what) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "this network"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "provider"),
            ("100.100.100.200", "provider"),
            ("127.0.0.1", "this machine"),
            ("127.255.255.254", "this machine"),
            ("169.254.169.254", "metadata"),
            ("169.254.1.1", "link-local"),
            ("168.63.129.16", "metadata"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.8", "reserved"),
            ("192.168.1.1", "private"),
            ("198.19.0.1", "benchmarks"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "this machine"),
            ("::127.0.0.1", "compatible"),
            ("::8.8.8.8", "compatible"),
            ("::ffff:127.0.0.1", "mapped"),
            ("::ffff:8.8.8.8", "mapped"),
            ("::ffff:0:127.0.0.1", "translated"),
            ("64:ff9b::7f00:1", "NAT64"),
            ("64:ff9b:1::7f00:1", "NAT64"),
            ("2002:7f00:1::", "6to4"),
            ("2001:0:7f00:1::", "Teredo"),
            ("2001:db8::1", "documentation"),
            ("fc00::1", "private"),
            ("fdff::1", "private"),
            ("fd00:ec2::254", "metadata"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "private"),
            ("ff02::1", "multicast"),
            ("4000::1", "reserved"),
            ("100::1", "discards"),
        ] {
            let special = special(address.parse().unwrap()).expect(address);
            assert!(special.contains(what), "{address}: {special}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2000::1",
        ] {
            assert_eq!(special(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn ranges_hold_what_lies_in_them() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "ff02::1", "10.0.0.1"),
            ("fd00::/8", "fdff::1", "fc00::1"),
            ("10.0.0.0/8", "10.0.0.1", "::ffff:10.0.0.1"),
            ("::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            let parsed = AddressRange::parse(range).unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{range} {inside}");
            assert!(
                !parsed.contains(outside.parse().unwrap()),
                "{range} {outside}"
            );
        }
        for (text, part) in [
            ("", "a range of addresses"),
            ("example.com", "a range of addresses"),
            ("10.0.0/8", "a range of addresses"),
            ("10.0.0.0/33", "up to 32"),
            ("10.0.0.0/", "up to 32"),
            ("::/129", "up to 128"),
            ("10.1.0.0/8", "did you mean 10.0.0.0/8?"),
            ("[::1]", "a range of addresses"),
        ] {
            let problem = AddressRange::parse(text).expect_err(text);
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}

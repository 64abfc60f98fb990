//! Names of what holds secrets, compared by their letters and digits alone.

use super::quick::Quick;

/// Longer names are nobody's.
const LONGEST: usize = 80;

/// Fields of which the whole value is masked.
pub const FIELDS: [&str; 22] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "set-cookie2",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-xsrf-token",
    "x-amz-security-token",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-vault-token",
    "x-gitlab-token",
    "private-token",
    "ocp-apim-subscription-key",
    "x-functions-key",
];

/// Keys in bodies and queries.
pub const KEYS: [&str; 42] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "new_password",
    "old_password",
    "current_password",
    "secret",
    "secrets",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "session_token",
    "bearer_token",
    "device_token",
    "csrf_token",
    "api_key",
    "x-api-key",
    "access_key",
    "client_secret",
    "client_assertion",
    "private_key",
    "secret_key",
    "signing_key",
    "encryption_key",
    "secret_access_key",
    "secret_string",
    "secret_binary",
    "authorization",
    "proxy_authorization",
    "credentials",
    "cookie",
    "set-cookie",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "X-Goog-Credential",
    "signature",
    "sig",
];

/// A set of names.
#[derive(Debug)]
pub struct Names {
    quick: Quick,
    /// By their length, sorted.
    by_length: Vec<Vec<Box<[u8]>>>,
}

impl Names {
    pub fn new<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut quick = Quick::new();
        let mut by_length: Vec<Vec<Box<[u8]>>> = vec![Vec::new(); LONGEST + 1];
        for name in names {
            let mut room = [0; LONGEST];
            if let Some(name) = plain(name, &mut room).filter(|name| !name.is_empty()) {
                quick.add(name);
                by_length[name.len()].push(name.into());
            }
        }
        for names in &mut by_length {
            names.sort_unstable();
            names.dedup();
        }
        Self { quick, by_length }
    }

    /// Whether it is one of them, in whatever way it is written.
    #[inline]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.quick.may_be(name) && self.is_one(name)
    }

    /// The same without a glance before.
    #[inline(never)]
    fn is_one(&self, name: &[u8]) -> bool {
        let mut room = [0; LONGEST];
        plain(name, &mut room).is_some_and(|name| {
            let names = &self.by_length[name.len()];
            names
                .binary_search_by(|known| known.as_ref().cmp(name))
                .is_ok()
        })
    }
}

/// The letters and digits of a name, in lower case. Escapes of JSON and of URLs are undone. None if there are too many.
fn plain<'a>(name: &[u8], room: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let (mut at, mut length) = (0, 0);
    while at < name.len() {
        let (byte, taken) = match &name[at..] {
            [b'\\', b'u', digits @ ..] if digits.len() >= 4 => (hex(&digits[..4]), 6),
            [b'%', digits @ ..] if digits.len() >= 2 => (hex(&digits[..2]), 3),
            rest => (rest.first().copied(), 1),
        };
        at += taken;
        let Some(byte) = byte.filter(u8::is_ascii_alphanumeric) else {
            continue;
        };
        *room.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    Some(&room[..length])
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    u8::try_from(u32::from_str_radix(digits, 16).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::dice::Dice;

    const BYTES: &[u8] = b"abcdektoprsuxAKPST01269-_.% \\\"/\xc3\xff";

    /// A name of the list or one that is near it, written in some way.
    fn any(dice: &mut Dice, names: &[&str]) -> Vec<u8> {
        let mut name = names[dice.roll(names.len())].as_bytes().to_vec();
        for _ in 0..dice.roll(4) {
            let at = dice.roll(name.len() + 1);
            let byte = name.get(at).copied().unwrap_or(b'x');
            let (end, written) = match dice.roll(7) {
                // The same name in another way.
                0 => (at + 1, format!("\\u{byte:04x}").into_bytes()),
                1 => (at + 1, format!("%{byte:02X}").into_bytes()),
                2 => (at + 1, vec![byte.to_ascii_uppercase()]),
                3 => (at, vec![b"-_. "[dice.roll(4)]]),
                // Most often another one.
                4 => (at + 1, vec![]),
                5 => (at, vec![BYTES[dice.roll(BYTES.len())]]),
                _ => (at + 1, vec![BYTES[dice.roll(BYTES.len())]]),
            };
            name.splice(at..end.clamp(at, name.len()), written);
        }
        if dice.roll(50) == 0 {
            name.extend(std::iter::repeat_n(b'a', 90));
        }
        name
    }

    #[test]
    fn no_name_is_rejected_at_a_glance_that_is_one() {
        let own = [
            "a",
            "q-",
            "7",
            "-z9",
            "é1",
            "%61b",
            "\\u0061bc",
            "%",
            "ss n",
            "",
        ];
        let mut dice = Dice::new(11);
        for list in [
            &KEYS[..],
            &FIELDS[..],
            &own[..],
            &[&KEYS[..], &own[..]].concat(),
        ] {
            let names = Names::new(list.iter().map(|name| name.as_bytes()));
            let (mut found, mut rejected) = (0, 0);
            for _ in 0..60_000 {
                let name = any(&mut dice, list);
                let is_one = names.is_one(&name);
                assert_eq!(
                    names.contains(&name),
                    is_one,
                    "{:?}",
                    name.escape_ascii().to_string()
                );
                found += u32::from(is_one);
                rejected += u32::from(!names.quick.may_be(&name));
            }
            assert!(found > 5_000 && rejected > 5_000, "{found} {rejected}");
        }
        // Everything short.
        let names = Names::new(own.iter().map(|name| name.as_bytes()));
        for first in BYTES {
            for second in BYTES {
                for name in [&[*first][..], &[*first, *second], &[*first, *second, b'9']] {
                    assert_eq!(names.contains(name), names.is_one(name), "{name:?}");
                }
            }
        }
    }

    #[test]
    fn names_that_messages_often_have_are_rejected_at_a_glance() {
        let names = Names::new(KEYS.iter().chain(&FIELDS).map(|name| name.as_bytes()));
        let common = [
            "host",
            "user-agent",
            "accept",
            "content-type",
            "content-length",
            "date",
            "server",
            "via",
            "connection",
            "id",
            "name",
            "method",
            "path",
            "status",
            "created_at",
            "version",
            "type",
            "data",
            "items",
        ];
        let slow = common
            .iter()
            .filter(|name| names.quick.may_be(name.as_bytes()));
        assert_eq!(slow.count(), 0);
    }
}

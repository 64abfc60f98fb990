//! Names of what holds secrets, compared by their letters and digits alone.

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
    /// By their length, sorted.
    by_length: Vec<Vec<Box<[u8]>>>,
}

impl Names {
    pub fn new<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut by_length: Vec<Vec<Box<[u8]>>> = vec![Vec::new(); LONGEST + 1];
        for name in names {
            let mut room = [0; LONGEST];
            if let Some(name) = plain(name, &mut room).filter(|name| !name.is_empty()) {
                by_length[name.len()].push(name.into());
            }
        }
        for names in &mut by_length {
            names.sort_unstable();
            names.dedup();
        }
        Self { by_length }
    }

    /// Whether it is one of them, in whatever way it is written.
    pub fn contains(&self, name: &[u8]) -> bool {
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

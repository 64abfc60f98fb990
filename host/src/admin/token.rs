//! The secret that those have who may speak to the admin listener.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config;
use crate::config::admin::TokenSource;
use crate::text;

/// The fewest characters of a token. Nobody guesses sixteen that are random.
const SHORTEST: usize = 16;

/// Bytes of a file with a token.
const LARGEST_FILE: u64 = 1 << 20;

/// A token, of which only a digest is kept: what is compared has the same length always.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
    /// What stands for it in a browser's cookie. It opens nothing where the token itself is asked for.
    cookie: String,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("{}: {problem}", text::path(path))]
    Unreadable { path: PathBuf, problem: String },
    #[error(
        "{place}: expected one line of at least {SHORTEST} printable ASCII characters without blanks, such as `openssl rand -hex 32` makes"
    )]
    Shape { place: String },
}

impl Token {
    /// The token of the configuration. Blocks.
    ///
    /// # Errors
    /// When a file can't be read, or holds no token.
    pub fn read(source: &TokenSource) -> Result<Self, TokenError> {
        match source {
            TokenSource::Given(text) => Self::new(text, || "TOLLGATE_ADMIN_TOKEN".to_owned()),
            TokenSource::File(path) => {
                let text = read_file(path).map_err(|error| TokenError::Unreadable {
                    path: path.clone(),
                    problem: error.to_string(),
                })?;
                Self::new(text.trim_end_matches(['\r', '\n']), || {
                    text::path(path).to_string()
                })
            }
        }
    }

    fn new(token: &str, place: impl Fn() -> String) -> Result<Self, TokenError> {
        if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Shape { place: place() });
        }
        let cookie = Sha256::new()
            .chain_update("tollgate admin cookie\0")
            .chain_update(token)
            .finalize();
        Ok(Self {
            digest: Sha256::digest(token).into(),
            cookie: cookie.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// Whether this is the token. Takes as long whatever it is.
    pub fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        given.ct_eq(&self.digest).into()
    }

    /// The value of a cookie that stands for it.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Whether this is the value of the cookie. Takes as long whatever it is.
    pub fn is_cookie(&self, given: &[u8]) -> bool {
        let digest = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
        digest(given).ct_eq(&digest(self.cookie.as_bytes())).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    config::read_file(path, LARGEST_FILE, "text").map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    #[test]
    fn only_the_token_is_the_token() {
        let token = Token::read(&TokenSource::Given(SECRET.to_owned())).unwrap();
        assert!(token.is(SECRET.as_bytes()));
        for other in [
            "",
            "0123456789abcde",
            "0123456789abcdefg",
            "0123456789abcdeF",
            token.cookie(),
        ] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        assert!(token.is_cookie(token.cookie().as_bytes()));
        assert!(!token.is_cookie(SECRET.as_bytes()) && !token.is_cookie(b""));
        assert!(!format!("{token:?}").contains(SECRET));
    }

    #[test]
    fn what_a_file_must_hold() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let read = |content: &[u8]| {
            std::fs::write(&path, content).unwrap();
            Token::read(&TokenSource::File(path.clone())).map(|token| token.is(SECRET.as_bytes()))
        };
        assert!(read(SECRET.as_bytes()).unwrap());
        assert!(read(format!("{SECRET}\n").as_bytes()).unwrap());
        assert!(read(format!("{SECRET}\r\n").as_bytes()).unwrap());
        for wrong in [
            "",
            "\n",
            "short",
            "0123456789 abcdef",
            "0123456789\nabcdef",
            "0123456789abcdé",
        ] {
            let said = read(wrong.as_bytes()).unwrap_err().to_string();
            assert!(
                said.contains("at least 16") && !said.contains("0123"),
                "{said}"
            );
        }
        let missing = Token::read(&TokenSource::File(dir.path().join("none"))).unwrap_err();
        assert!(
            missing.to_string().ends_with("none: no such file"),
            "{missing}"
        );
    }
}

//! TLS in both directions, with rustls: what the proxy shows to its clients ([`ServerIdentity`]), how it reaches its
//! backends ([`ClientTls`]), and how it tells TLS from cleartext on one port ([`sniff`]).
//!
//! Cryptography is *ring*'s and is always passed explicitly, so nothing depends on a default of the whole process. What
//! it offers is within Mozilla's "intermediate" recommendation: TLS 1.2 and 1.3, AEAD suites with forward secrecy only,
//! groups X25519, P-256 and P-384. A test holds that list.
//!
//! Nothing here knows anything else of the host.

mod client;
mod error;
mod pem;
mod roots;
mod self_signed;
mod server;
mod sniff;
mod stamp;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

pub use client::{Alpn, ClientOptions, ClientTls, TlsConnected};
pub use error::{SetupError, TlsError};
pub use server::{Reloaded, ServerIdentity};
pub use sniff::{PREFACE, Sniffed, sniff};

/// The names of the two protocols in ALPN (RFC 7301; RFC 9113, section 3.1).
const ALPN_HTTP2: &[u8] = b"h2";
const ALPN_HTTP1: &[u8] = b"http/1.1";
const ALPN_HTTP10: &[u8] = b"http/1.0";

/// The versions that are spoken, to clients and to backends.
const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The one source of cryptography.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    PROVIDER.clone()
}

//! Certificates and keys from PEM files, and what is wrong with a file that isn't one: the usual mistakes (DER, an
//! encrypted key, the two files swapped) are named with their remedy.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustls::InconsistentKeys;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use sha2::{Digest, Sha256};

use super::error::{SetupError, describe};
use super::provider;

/// More than any chain or bundle of authorities takes (the system's bundle has some 220 KB).
const MAX_SIZE: u64 = 4 << 20;

/// Reads a chain, leaf first, and its key, and makes sure that they fit together.
pub(super) fn load_pair(chain: &Path, key: &Path) -> Result<CertifiedKey, SetupError> {
    let certificates = load_certificates(chain)?;
    for (at, certificate) in certificates.iter().enumerate() {
        ParsedCertificate::try_from(certificate).map_err(|error| {
            let number = at + 1;
            SetupError::unusable(
                chain,
                format!("certificate {number} in it is damaged: {error}"),
            )
        })?;
    }
    let signing = provider()
        .key_provider
        .load_private_key(load_key(key)?)
        .map_err(|error| {
            let usable = "use ECDSA P-256 or P-384, RSA of 2048 to 8192 bits, or Ed25519";
            SetupError::unusable(key, format!("a key that can't be used ({error}): {usable}"))
        })?;
    let pair = CertifiedKey::new(certificates, signing);
    match pair.keys_match() {
        // Ring's keys always know their public half; if one didn't, the first handshake would tell.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(_) => Err(mismatch(chain, key, &pair)),
    }
}

/// All certificates of a file, one at least. They are not looked into.
pub(super) fn load_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let bytes = read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| SetupError::unusable(path, damaged(&error)))?;
    if certificates.is_empty() {
        return Err(SetupError::unusable(path, missing("CERTIFICATE", &bytes)));
    }
    Ok(certificates)
}

/// SHA-256 of a certificate as browsers and `openssl x509 -fingerprint` show it: `AB:CD:…`.
pub(super) fn fingerprint(certificate: &[u8]) -> String {
    let bytes = Sha256::digest(certificate);
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// Why peers would refuse the certificate whoever issued it, at that time: expired, not yet valid, not for servers.
pub(super) fn warning(leaf: &CertificateDer<'_>, now: UnixTime) -> Option<String> {
    let algorithms = provider().signature_verification_algorithms;
    // Without trusted authorities, "unknown issuer" is all that can be wrong with a good one.
    let verdict = ParsedCertificate::try_from(leaf).and_then(|leaf| {
        let nobody = RootCertStore::empty();
        verify_server_cert_signed_by_trust_anchor(&leaf, &nobody, &[], now, algorithms.all)
    });
    match verdict {
        Ok(()) | Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => None,
        Err(rustls::Error::InvalidCertificate(error)) => Some(describe(&error)),
        Err(error) => Some(error.to_string()),
    }
}

fn load_key(path: &Path) -> Result<PrivateKeyDer<'static>, SetupError> {
    let bytes = read(path)?;
    if is_encrypted(&bytes) {
        let remedy = format!(
            "the key is encrypted: write it without a passphrase, `openssl pkey -in {} -out NEW`",
            path.display()
        );
        return Err(SetupError::unusable(path, remedy));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        let problem = match error {
            pem::Error::NoItemsFound => missing("PRIVATE KEY", &bytes),
            other => damaged(&other),
        };
        SetupError::unusable(path, problem)
    })
}

fn read(path: &Path) -> Result<Vec<u8>, SetupError> {
    let failed = |source: io::Error| SetupError::read(path, source);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_SIZE {
        let problem = format!(
            "more than {} MiB: no PEM file of certificates",
            MAX_SIZE >> 20
        );
        return Err(SetupError::unusable(path, problem));
    }
    Ok(bytes)
}

/// PKCS #8's own encryption, or that of OpenSSL's older formats (RFC 1421).
fn is_encrypted(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
}

fn missing(wanted: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let labels = text.split("-----BEGIN ").skip(1);
    let mut found: Vec<&str> = labels
        .filter_map(|rest| rest.split("-----").next())
        .collect();
    found.dedup();
    if bytes.is_empty() {
        format!("empty; there should be a PEM section `{wanted}`")
    } else if !found.is_empty() {
        let found = found.join("`, `");
        format!("no PEM section `{wanted}` in it, only `{found}`: is it the right file?")
    } else if bytes.starts_with(&[0x30]) {
        let tool = if wanted == "CERTIFICATE" {
            "x509"
        } else {
            "pkey"
        };
        format!(
            "not PEM but DER or PKCS #12: convert it, `openssl {tool} -inform DER -in OLD -out NEW` \
             or `openssl pkcs12 -in OLD -out NEW -nodes`"
        )
    } else {
        format!("not PEM: there should be a section that begins with `-----BEGIN {wanted}-----`")
    }
}

fn damaged(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "cut off: a PEM section in it has no end".to_owned()
        }
        pem::Error::IllegalSectionStart { line } => {
            format!("damaged: `{}` begins no PEM section", line.escape_ascii())
        }
        other => format!("damaged: {other}"),
    }
}

fn mismatch(chain: &Path, key: &Path, pair: &CertifiedKey) -> SetupError {
    let public = pair.key.public_key();
    let fits = pair.cert.iter().position(|certificate| {
        ParsedCertificate::try_from(certificate)
            .is_ok_and(|parsed| Some(parsed.subject_public_key_info()) == public)
    });
    SetupError::Mismatch {
        chain: chain.to_owned(),
        key: key.to_owned(),
        hint: match fits {
            Some(at) => format!(
                "it belongs to number {} in the file: put that first",
                at + 1
            ),
            None => "is one of the two files still the old one?".to_owned(),
        },
    }
}

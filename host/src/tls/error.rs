//! What can go wrong with TLS: with what we bring ourselves ([`SetupError`]: files, names, the system's authorities) and
//! with a peer ([`TlsError`], cut as RFC 9209, section 2.3 cuts its error types).

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// A certificate, key or setting of our own that can't be used. Says the path and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: {problem}", path.display())]
    Unusable { path: PathBuf, problem: String },
    #[error("the key {} does not belong to the first certificate of {}: {hint}", key.display(), chain.display())]
    Mismatch {
        chain: PathBuf,
        key: PathBuf,
        hint: String,
    },
    #[error("`{0}` is neither a host name nor an IP address")]
    ServerName(String),
    #[error("the system has no certificate authorities to trust ({0}): name a file with `ca`")]
    NoRoots(String),
    #[error("cannot make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

impl SetupError {
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        SetupError::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn unusable(path: &Path, problem: String) -> Self {
        SetupError::Unusable {
            path: path.to_owned(),
            problem,
        }
    }
}

/// A TLS connection that didn't come about or broke. The caller can tell which of RFC 9209's error types it is.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The peer's certificate is not acceptable: `tls_certificate_error`.
    #[error("{}", describe(.0))]
    Certificate(CertificateError),
    /// The peer refused: `tls_alert_received`. `u8::from(alert)` is its `alert-id`.
    #[error("the peer refused with the TLS alert {}", alert_name(*.0))]
    Alert(AlertDescription),
    /// The peer doesn't agree on HTTP/2, which was asked for alone: `tls_protocol_error`.
    #[error("the peer does not speak HTTP/2 over TLS (ALPN did not agree on h2)")]
    NoHttp2,
    /// The peer breaks the protocol, speaks another one, or has nothing in common with us: `tls_protocol_error`.
    #[error("{}", describe_protocol(.0))]
    Protocol(rustls::Error),
    /// The connection below failed or ended early: `connection_terminated`.
    #[error("the connection failed during TLS: {0}")]
    Io(#[source] io::Error),
    /// Our own side can't be used: `proxy_configuration_error`.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl TlsError {
    /// Finds the TLS error in an error of a layer above (hyper's, for example) and its sources. A peer's refusal of our
    /// certificate arrives that way: in TLS 1.3 the handshake is over for the client before the server has looked at it.
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<rustls::Error>() {
                return Some(found.clone().into());
            }
            // The source of an `io::Error` is that of the error inside, which would be passed over.
            next = match error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
            {
                Some(inside) => Some(inside),
                None => error.source(),
            };
        }
        None
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => TlsError::Certificate(error),
            rustls::Error::AlertReceived(alert) => TlsError::Alert(alert),
            other => TlsError::Protocol(other),
        }
    }
}

/// For what tokio-rustls returns, on both sides.
impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<rustls::Error>() {
            Ok(error) => error.into(),
            Err(error) => TlsError::Io(error),
        }
    }
}

/// A certificate's fault in one clause, with the facts that help: times and names.
pub(super) fn describe(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            let ago = span(time.as_secs().saturating_sub(not_after.as_secs()));
            format!("the certificate expired {ago} ago")
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let ahead = span(not_before.as_secs().saturating_sub(time.as_secs()));
            format!("the certificate becomes valid only in {ahead}")
        }
        CertificateError::UnknownIssuer => {
            "the certificate is from an unknown issuer: none of the trusted authorities".to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let expected = expected.to_str();
            if presented.is_empty() {
                return format!("the certificate is not for `{expected}`: it names no host at all");
            }
            format!(
                "the certificate is not for `{expected}` but for {}",
                names(presented)
            )
        }
        CertificateError::Expired => "the certificate has expired".to_owned(),
        CertificateError::BadEncoding => "the certificate is not correctly encoded".to_owned(),
        CertificateError::BadSignature => {
            "a signature is wrong: the certificate's own, or that of a peer without its key"
                .to_owned()
        }
        other => format!("the certificate is not acceptable: {other}"),
    }
}

/// At most eight of the names: certificates of hosting companies have hundreds.
fn names(presented: &[String]) -> String {
    const MOST: usize = 8;
    let mut text = presented[..presented.len().min(MOST)].join(", ");
    if presented.len() > MOST {
        text += &format!(" and {} more", presented.len() - MOST);
    }
    text
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn describe_protocol(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the peer does not speak TLS".to_owned()
        }
        other => format!("TLS failed: {other}"),
    }
}

/// As the RFCs write it: `handshake_failure (40)`.
fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    for letter in format!("{alert:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    // `UnknownCA` is the one whose capitals aren't words.
    let name = name.replace("_c_a", "_ca");
    format!("{name} ({})", u8::from(alert))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    #[test]
    fn certificate_errors_say_what_helps() {
        let at = |days: u64| UnixTime::since_unix_epoch(Duration::from_secs(days * 86_400));
        let name = || ServerName::try_from("a.example").unwrap();
        let many: Vec<String> = (0..10).map(|i| format!("DnsName(\"{i}\")")).collect();
        let cases = [
            (
                CertificateError::ExpiredContext {
                    time: at(100),
                    not_after: at(97),
                },
                "the certificate expired 3 days ago",
            ),
            (
                CertificateError::NotValidYetContext {
                    time: at(1),
                    not_before: at(2),
                },
                "the certificate becomes valid only in 24 h",
            ),
            (
                CertificateError::NotValidForNameContext {
                    expected: name(),
                    presented: vec![],
                },
                "the certificate is not for `a.example`: it names no host at all",
            ),
            (
                CertificateError::NotValidForNameContext {
                    expected: name(),
                    presented: many,
                },
                "DnsName(\"7\") and 2 more",
            ),
            (CertificateError::UnknownIssuer, "unknown issuer"),
            (CertificateError::BadSignature, "a signature is wrong"),
        ];
        for (error, expected) in cases {
            let text = TlsError::Certificate(error).to_string();
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn alerts_have_the_names_of_the_rfc() {
        let cases = [
            (AlertDescription::HandshakeFailure, "handshake_failure (40)"),
            (AlertDescription::UnknownCA, "unknown_ca (48)"),
            (
                AlertDescription::NoApplicationProtocol,
                "no_application_protocol (120)",
            ),
        ];
        for (alert, expected) in cases {
            assert_eq!(alert_name(alert), expected);
        }
    }

    #[test]
    fn a_tls_error_is_found_below_others() {
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let below = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, alert));
        assert!(matches!(
            TlsError::find(&below),
            Some(TlsError::Alert(AlertDescription::CertificateRequired))
        ));
        assert!(TlsError::find(&io::Error::from(io::ErrorKind::BrokenPipe)).is_none());
    }
}

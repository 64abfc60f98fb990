//! The authorities that backends' certificates are checked against: those of a file, or the system's.
//!
//! The system's are read once in the life of the process, when the first backend needs them (some milliseconds), and
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` name others. They are read again only if that failed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls_native_certs::CertificateResult;
use tokio::sync::OnceCell;

use super::verify::Pinning;
use super::{SetupError, pem, provider};

static SYSTEM: OnceCell<Arc<dyn ServerCertVerifier>> = OnceCell::const_new();

/// The verifier with the system's authorities, if something has loaded them.
pub(super) fn system_if_loaded() -> Option<Arc<dyn ServerCertVerifier>> {
    SYSTEM.get().cloned()
}

/// The verifier with the system's authorities.
///
/// # Errors
///
/// There are none. Where there are some and others can't be used, the log says so once.
pub(super) async fn system() -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    let verifier = SYSTEM.get_or_try_init(|| async {
        let read = tokio::task::spawn_blocking(|| store(rustls_native_certs::load_native_certs()));
        let roots = read
            .await
            .map_err(|error| SetupError::NoRoots(error.to_string()))??;
        Ok::<_, SetupError>(webpki(roots)? as Arc<dyn ServerCertVerifier>)
    });
    verifier.await.cloned()
}

/// The verifier with the authorities of a PEM file, each of which must be good.
pub(super) fn from_file(path: &Path) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    pinning(&[path])
}

/// The same for several files; none when there are none.
pub(super) fn from_files(
    paths: &[PathBuf],
) -> Result<Option<Arc<dyn ServerCertVerifier>>, SetupError> {
    (!paths.is_empty()).then(|| pinning(paths)).transpose()
}

fn pinning(paths: &[impl AsRef<Path>]) -> Result<Arc<dyn ServerCertVerifier>, SetupError> {
    let mut trusted = Vec::new();
    let mut roots = RootCertStore::empty();
    for path in paths.iter().map(AsRef::as_ref) {
        for (at, certificate) in pem::load_certificates(path)?.into_iter().enumerate() {
            roots.add(certificate.clone()).map_err(|error| {
                let number = at + 1;
                SetupError::unusable(
                    path,
                    format!("certificate {number} in it is no authority: {error}"),
                )
            })?;
            trusted.push(certificate);
        }
    }
    Ok(Arc::new(Pinning {
        webpki: webpki(roots)?,
        trusted,
    }))
}

fn webpki(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, SetupError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| SetupError::NoRoots(error.to_string()))
}

pub(super) fn store(found: CertificateResult) -> Result<RootCertStore, SetupError> {
    let mut roots = RootCertStore::empty();
    let (_, damaged) = roots.add_parsable_certificates(found.certs);
    let mut problems: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    if damaged > 0 {
        problems.push(format!("{damaged} certificates are damaged"));
    }
    if roots.is_empty() {
        problems.truncate(3);
        let why = if problems.is_empty() {
            "none found".to_owned()
        } else {
            problems.join("; ")
        };
        return Err(SetupError::NoRoots(why));
    }
    if let Some(first) = problems.first() {
        let problems = problems.len();
        tracing::warn!(
            authorities = roots.len(),
            problems,
            first,
            "some of the system's certificate authorities cannot be used"
        );
    }
    Ok(roots)
}

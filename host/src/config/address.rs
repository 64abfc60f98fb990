//! Where an admin listener is, or a server, as people write it.

use std::path::Path;

use super::admin::AdminAddress;
use super::backend::BackendConfig;
use super::{units, url};

/// `ADDRESS:PORT`, a port alone, which means 127.0.0.1, or `unix:PATH`, where a relative path is relative to `base`.
///
/// # Errors
/// What was expected.
pub fn admin_address(text: &str, base: &Path) -> Result<AdminAddress, String> {
    let Some(path) = text.strip_prefix("unix:") else {
        return units::listen(text).map(AdminAddress::Tcp);
    };
    match units::path_problem(Path::new(path)) {
        None => Ok(AdminAddress::Unix(base.join(path))),
        Some(problem) => Err(format!("the path after unix: {problem}")),
    }
}

/// A backend of which nothing but its URL is said; paths are relative to the working directory.
///
/// # Errors
/// What was expected.
pub fn backend_at(text: &str) -> Result<BackendConfig, String> {
    let origin = url::origin(text, Path::new(""))?;
    let protocol = origin.protocol().unwrap_or_default();
    let mut backend = BackendConfig::new(vec![origin.url]);
    backend.protocol = protocol;
    Ok(backend)
}

//! Where an admin listener is, as people write it.

use std::path::Path;

use super::admin::AdminAddress;
use super::units;

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

//! Whether files changed since they were last read, told from their metadata: two calls of `stat` per look.
//!
//! Links are followed, so a swapped link (as Kubernetes does with its secrets) is a change.

use std::fs;
use std::path::Path;

use super::SetupError;
use crate::stamp::Stamp;

/// Stamps of all the files, or the error for the first that can't be looked at. Take them *before* reading: a change in
/// between is then seen at the next look.
pub(super) fn of(files: &[&Path]) -> Result<Vec<Stamp>, SetupError> {
    files.iter().map(|file| of_one(file)).collect()
}

fn of_one(file: &Path) -> Result<Stamp, SetupError> {
    let metadata = fs::metadata(file).map_err(|source| SetupError::read(file, source))?;
    if !metadata.is_file() {
        // A pipe could be read once only, and would block.
        return Err(SetupError::unusable(file, "not a regular file".to_owned()));
    }
    Ok(Stamp::from(&metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_contents_file_and_link() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let stamp = || of(&[&path("link")]).unwrap();
        fs::write(path("a"), "one").unwrap();
        fs::write(path("b"), "one").unwrap();
        std::os::unix::fs::symlink(path("a"), path("link")).unwrap();

        let first = stamp();
        assert_eq!(first, stamp());
        fs::write(path("a"), "longer").unwrap();
        let second = stamp();
        assert_ne!(first, second);
        std::os::unix::fs::symlink(path("b"), path("new")).unwrap();
        fs::rename(path("new"), path("link")).unwrap();
        assert_ne!(second, stamp());
        fs::remove_file(path("b")).unwrap();
        let error = of(&[&path("link")]).unwrap_err().to_string();
        assert!(error.contains("link"), "{error}");
    }
}

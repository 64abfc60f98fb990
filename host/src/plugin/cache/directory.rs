//! The cache's directory belongs to us and to nobody else, because code that is loaded from it runs as we.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a directory can't be the cache. The proxy runs without one then.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("cannot use {} for compiled code: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "cannot use {} for compiled code: it is not a directory (a symbolic link is none); remove it or name another",
        path.display()
    )]
    NotADirectory { path: PathBuf },
    #[error(
        "cannot use {} for compiled code: it belongs to user {owner}, and whoever owns it could put code into this \
         process (user {ours}); name a directory of its own",
        path.display()
    )]
    Foreign {
        path: PathBuf,
        owner: u32,
        ours: u32,
    },
}

/// Creates the directory if need be and makes it private.
pub(super) fn secure(dir: &Path) -> Result<(), CacheError> {
    let failed = |source| CacheError::Io {
        path: dir.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .or_else(|error| existing(dir, error))
        .map_err(failed)?;
    let metadata = dir.symlink_metadata().map_err(failed)?;
    if !metadata.is_dir() {
        return Err(CacheError::NotADirectory {
            path: dir.to_owned(),
        });
    }
    let ours = rustix::process::geteuid().as_raw();
    check_owner(dir, metadata.uid(), ours)?;
    if metadata.mode() & 0o777 != 0o700 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(failed)?;
        tracing::info!(directory = %dir.display(), "made the cache of compiled code private");
    }
    Ok(())
}

/// What is there but is no directory gets an error of its own.
fn existing(dir: &Path, error: io::Error) -> io::Result<()> {
    if dir.symlink_metadata().is_ok() {
        Ok(())
    } else {
        Err(error)
    }
}

fn check_owner(dir: &Path, owner: u32, ours: u32) -> Result<(), CacheError> {
    if owner != ours {
        return Err(CacheError::Foreign {
            path: dir.to_owned(),
            owner,
            ours,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn creates_what_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("deep/er");
        secure(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        secure(&dir).unwrap();
    }

    #[test]
    fn closes_what_is_too_open() {
        let root = tempfile::tempdir().unwrap();
        std::fs::set_permissions(root.path(), Permissions::from_mode(0o777)).unwrap();
        secure(root.path()).unwrap();
        assert_eq!(mode(root.path()), 0o700);
    }

    #[test]
    fn refuses_what_is_not_ours() {
        let error = check_owner(Path::new("/x"), 7, 1000)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/x") && error.contains("belongs to user 7"),
            "{error}"
        );
        // Nobody but root can make such a directory, so the whole way is walked by root only.
        let root = tempfile::tempdir().unwrap();
        if std::os::unix::fs::chown(root.path(), Some(4711), None).is_ok() {
            assert!(matches!(
                secure(root.path()),
                Err(CacheError::Foreign { owner: 4711, .. })
            ));
        }
    }

    #[test]
    fn refuses_what_is_no_directory() {
        let root = tempfile::tempdir().unwrap();
        let (file, link) = (root.path().join("file"), root.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("/", &link).unwrap();
        for path in [file, link] {
            assert!(
                matches!(secure(&path), Err(CacheError::NotADirectory { .. })),
                "{path:?}"
            );
        }
        assert!(matches!(
            secure(Path::new("/proc/none")),
            Err(CacheError::Io { .. })
        ));
    }
}

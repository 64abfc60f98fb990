//! Reading a plugin's file: once, bounded, and only if it stayed the same meanwhile.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use super::LoadError;
use crate::stamp::Written;

/// The size limit unless the configuration says otherwise: 256 MiB. CPython as a component has 18 MB.
pub const DEFAULT_MAX_SIZE: u64 = 256 << 20;

/// The whole file, at most `limit` bytes. Symbolic links are followed.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let failed = |source| unreadable(path, source);
    // Looked at before it is opened: to open a device may do something.
    check_kind(path, &std::fs::metadata(path).map_err(failed)?)?;
    let file = open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    check_kind(path, &before)?;
    check_size(path, before.len(), limit)?;
    read_unchanged(path, file, &before, limit)
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), LoadError> {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(LoadError::NotAFile {
        path: path.to_owned(),
        what,
    })
}

/// Why a path can't be read, with the link that it is made of.
fn unreadable(path: &Path, source: io::Error) -> LoadError {
    let path = path.to_owned();
    match std::fs::read_link(&path) {
        Ok(target) => LoadError::ReadLink {
            path,
            target,
            source,
        },
        Err(_) => LoadError::Read { path, source },
    }
}

/// The bytes of an open file that is still as it was before.
fn read_unchanged(
    path: &Path,
    mut file: File,
    before: &Metadata,
    limit: u64,
) -> Result<Vec<u8>, LoadError> {
    let failed = |source| unreadable(path, source);
    let bytes = read_at_most(&mut file, before.len(), limit.saturating_add(1)).map_err(failed)?;
    check_size(path, bytes.len() as u64, limit)?;
    let after = file.metadata().map_err(failed)?;
    // Not the change time: a file that is replaced by a rename while it's open gets a new one, and what was read is whole.
    let is_same = Written::from(before) == Written::from(&after);
    if !is_same || bytes.len() as u64 != after.len() {
        return Err(LoadError::ChangedWhileReading {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// Without blocking, should somebody have put a named pipe there.
fn open(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
}

fn read_at_most(file: &mut File, expected: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check_size(path: &Path, size: u64, limit: u64) -> Result<(), LoadError> {
    if size > limit {
        return Err(LoadError::TooLarge {
            path: path.to_owned(),
            size,
            limit,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();
        assert!(
            matches!(
                error,
                LoadError::TooLarge {
                    size: 5,
                    limit: 4,
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_grows_or_is_rewritten_meanwhile_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        let changes: [fn(&Path); 2] = [
            |path| std::fs::write(path, b"longer").unwrap(),
            |path| {
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.set_modified(std::time::SystemTime::UNIX_EPOCH)
                    .unwrap();
            },
        ];
        for change in changes {
            std::fs::write(&path, b"old").unwrap();
            let file = open(&path).unwrap();
            let before = file.metadata().unwrap();
            change(&path);
            let error = read_unchanged(&path, file, &before, 99).unwrap_err();
            assert!(
                matches!(error, LoadError::ChangedWhileReading { .. })
                    && error.could_be_incomplete()
            );
        }
    }

    #[test]
    fn what_is_replaced_meanwhile_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (path, next) = (dir.path().join("a.wasm"), dir.path().join("next"));
        std::fs::write(&path, b"old").unwrap();
        std::fs::write(&next, b"new").unwrap();
        let file = open(&path).unwrap();
        let before = file.metadata().unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert_eq!(read_unchanged(&path, file, &before, 99).unwrap(), b"old");
    }

    #[test]
    fn follows_links_and_refuses_what_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("real"), b"x").unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("a.wasm")).unwrap();
        assert_eq!(read(&dir.path().join("a.wasm"), 9).unwrap(), b"x");
        assert!(matches!(
            read(dir.path(), 9),
            Err(LoadError::NotAFile { .. })
        ));
        let error = read(&dir.path().join("none.wasm"), 9).unwrap_err();
        assert!(error.to_string().contains("none.wasm"), "{error}");
    }

    #[test]
    fn does_not_wait_for_a_named_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("a.wasm");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(matches!(read(&pipe, 9), Err(LoadError::NotAFile { .. })));
    }

    #[test]
    fn says_what_stands_in_the_place_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("directory.wasm")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket.wasm")).unwrap();
        let links = [
            ("device", "/dev/null"),
            ("broken", "nowhere"),
            ("loop", "loop.wasm"),
            // The kernel says that it is a regular file, and reading it fails with EIO.
            ("failing", "/proc/self/mem"),
        ];
        for (name, target) in links {
            std::os::unix::fs::symlink(target, path(&format!("{name}.wasm"))).unwrap();
        }
        let cases = [
            ("directory", "is a directory; put a regular file there"),
            ("socket", "is a socket; put"),
            ("device", "is a device; put"),
            ("broken", "it is a link to nowhere: No such file"),
            ("loop", "it is a link to loop.wasm: Too many levels"),
            (
                "failing",
                "it is a link to /proc/self/mem: Input/output error",
            ),
        ];
        for (name, expected) in cases {
            let said = read(&path(&format!("{name}.wasm")), 9)
                .unwrap_err()
                .to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}

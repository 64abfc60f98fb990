//! Files of the cache: written whole or not at all, read only if they are ours.

use std::fs::{File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use twox_hash::XxHash3_64;

/// What the names of unfinished files begin with.
pub(super) const UNFINISHED: &str = ".tmp-";

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// What the file is or holds is wrong.
    #[error("{0}")]
    Broken(&'static str),
    /// It could not be looked at now (no file descriptor left, an error of the disk), which says nothing of what it holds.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Fault {
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Fault::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Writes a file under another name, which no other process has, and renames it. There is no fsync: what a crash leaves is
/// found by its checksum, and can be had again.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .rand_bytes(16)
        .tempfile_in(directory)?;
    unfinished.write_all(bytes)?;
    unfinished.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Opens a regular file that belongs to us and that nobody else may write.
pub(super) fn open_own(path: &Path) -> Result<File, Fault> {
    const NOT_OURS: Fault = Fault::Broken("it is not a file of ours alone");
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(NOT_OURS),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(NOT_OURS);
        }
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    let is_ours = metadata.is_file()
        && metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.mode() & 0o022 == 0;
    if is_ours { Ok(file) } else { Err(NOT_OURS) }
}

/// XXH3-64 of the rest of a file.
pub(super) fn checksum(mut file: &File) -> io::Result<u64> {
    let mut hasher = XxHash3_64::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            len => hasher.write(&buffer[..len]),
        }
    }
}

pub(super) fn checksum_of(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_stream_has_the_checksum_of_its_bytes() {
        let bytes: Vec<u8> = (0..700_001_u32).map(|number| number as u8).collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write_whole(&path, &bytes).unwrap();
        assert_eq!(
            checksum(&open_own(&path).unwrap()).unwrap(),
            checksum_of(&bytes)
        );
        // XXH3-64 of nothing with seed 0, from the specification.
        assert_eq!(checksum_of(b""), 0x2d06_8005_38d3_94c2);
    }

    #[test]
    fn opens_only_our_own_files() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("file"), dir.path().join("link"));
        write_whole(&path, b"x").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        symlink("file", &link).unwrap();
        assert!(open_own(&link).is_err());
        assert!(open_own(dir.path()).is_err());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        assert!(open_own(&path).is_err());
    }
}

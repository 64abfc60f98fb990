//! A directory of plugins, and every way in which people put a file there.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::Guest;

/// The directory of one proxy, gone with it. Files are named as given, such as `mark.wat`.
#[derive(Debug)]
pub struct Plugins {
    root: TempDir,
    next: AtomicUsize,
}

impl Plugins {
    /// An empty directory.
    pub fn new() -> Self {
        let plugins = Self {
            root: tempfile::tempdir().unwrap(),
            next: AtomicUsize::new(0),
        };
        plugins.make_directory();
        plugins
    }

    /// What the proxy is told to watch.
    pub fn path(&self) -> PathBuf {
        self.root.path().join("plugins")
    }

    /// A place beside it, in the same file system, for what the proxy shall not see.
    pub fn beside(&self) -> &Path {
        self.root.path()
    }

    /// Puts this configuration file beside the directory, whole at once.
    pub(crate) fn configure(&self, toml: &str) -> PathBuf {
        let file = self.beside().join("tollgate.toml");
        let fresh = self.beside().join("tollgate.toml.new");
        fs::write(&fresh, toml).unwrap();
        fs::rename(fresh, &file).unwrap();
        file
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes over the file in place, or creates it: what `cp` does.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.file(name), content).unwrap();
    }

    /// Puts a whole file in the place of what is there: what `mv`, `cargo` and deployments do.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let fresh = self.beside().join(format!("fresh-{number}"));
        fs::write(&fresh, content).unwrap();
        fs::rename(fresh, self.file(name)).unwrap();
    }

    /// Writes in pieces with a pause between them, as a slow copy over a network does.
    pub async fn write_slowly(&self, name: &str, content: &[u8], pieces: usize) {
        let mut file = fs::File::create(self.file(name)).unwrap();
        for piece in content.chunks(content.len().div_ceil(pieces)) {
            file.write_all(piece).unwrap();
            file.sync_all().unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    }

    /// The same by one who opens the file for each piece and closes it, as some synchronisers do.
    pub async fn append_slowly(&self, name: &str, content: &[u8], pieces: usize) {
        fs::write(self.file(name), "").unwrap();
        for piece in content.chunks(content.len().div_ceil(pieces)) {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            let mut file = fs::OpenOptions::new()
                .append(true)
                .open(self.file(name))
                .unwrap();
            file.write_all(piece).unwrap();
        }
    }

    /// Does what a Kubernetes volume does: the file is a link through `..data` into a directory of one version, and
    /// `..data` is switched by a rename.
    pub fn mount(&self, name: &str, content: impl AsRef<[u8]>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let version = format!("..version-{number}");
        fs::create_dir(self.path().join(&version)).unwrap();
        fs::write(self.path().join(&version).join(name), content).unwrap();
        let fresh = self.path().join("..data_tmp");
        symlink(&version, &fresh).unwrap();
        fs::rename(fresh, self.path().join("..data")).unwrap();
        if fs::symlink_metadata(self.file(name)).is_err() {
            symlink(Path::new("..data").join(name), self.file(name)).unwrap();
        }
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }

    pub fn make_directory(&self) {
        fs::create_dir(self.path()).unwrap();
    }

    pub fn remove_directory(&self) {
        fs::remove_dir_all(self.path()).unwrap();
    }

    /// A guest under its plugin's name, as text.
    pub fn add(&self, name: &str, guest: &Guest) {
        self.write(&format!("{name}.wat"), guest.text());
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self::new()
    }
}

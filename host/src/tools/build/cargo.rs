//! What cargo compiled for one project, for the next: standard library and dependencies take minutes, a plugin seconds.
//!
//! A project's first build begins with a copy of what the first build of another left in its target directory, without what
//! is of that project itself. Cargo decides, as always, what of it fits. One target directory for all projects would not
//! do: cargo tells packages by their names and their places within a project, so that two projects could get each
//! other's code.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use toml::Table;

use super::find::FoundTool;

/// In the cache, beside what cargo made: what it is of.
const KEY: &str = "tollgate-key";

/// Cargo's folders with what it knows of each package that it compiled.
const FINGERPRINTS: &str = ".fingerprint";

/// A project's target directory, and where what it has in common with others is kept.
#[derive(Debug)]
pub struct CargoTarget {
    target: PathBuf,
    cache: PathBuf,
    lock: PathBuf,
    /// The tools in their versions.
    tools: String,
    is_first: bool,
}

impl CargoTarget {
    /// Before the steps of a build: the target directory, if there is none, begins with what is in the cache.
    pub fn begin(dir: &Path, target: PathBuf, cache: PathBuf, tools: &[FoundTool]) -> Self {
        let is_first = !target.exists();
        if is_first && cache.join(KEY).exists() {
            // Without it the build takes longer, and is the same.
            let _ = copied(&cache, &target, &[]);
        }
        let tool = |tool: &FoundTool| format!("{} {}\n", tool.name, tool.version);
        Self {
            target,
            cache,
            lock: dir.join("Cargo.lock"),
            tools: tools.iter().map(tool).collect(),
            is_first,
        }
    }

    /// After they succeeded: what they made is kept for other projects, unless what is kept is of the same packages.
    pub fn keep(&self) {
        if !self.is_first {
            return;
        }
        let Some(packages) = Packages::read(&self.lock) else {
            return;
        };
        let key = format!("{}{}", self.tools, packages.of_others);
        if fs::read_to_string(self.cache.join(KEY)).is_ok_and(|kept| kept == key) {
            return;
        }
        let _ = self.replace(&packages.own, &key);
    }

    /// In one step, so that who copies meanwhile gets all or an error.
    fn replace(&self, own: &[String], key: &str) -> io::Result<()> {
        let beside = |what: &str| {
            let mut name = self.cache.clone().into_os_string();
            name.push(format!(".{what}.{}", std::process::id()));
            PathBuf::from(name)
        };
        let (new, old) = (beside("new"), beside("old"));
        let made = copied(&self.target, &new, own)
            .and_then(|()| fs::write(new.join(KEY), key))
            .and_then(|()| match fs::rename(&self.cache, &old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => fs::rename(&new, &self.cache),
            });
        let _ = fs::remove_dir_all(&old);
        if made.is_err() {
            let _ = fs::remove_dir_all(&new);
        }
        made
    }
}

/// What a lock file names.
struct Packages {
    /// Names of packages that are part of the project, its copy of the SDK among them.
    own: Vec<String>,
    /// Names and versions of all others.
    of_others: String,
}

impl Packages {
    fn read(lock: &Path) -> Option<Self> {
        let lock: Table = fs::read_to_string(lock).ok()?.parse().ok()?;
        let mut packages = Self {
            own: Vec::new(),
            of_others: String::new(),
        };
        for package in lock.get("package")?.as_array()? {
            let text = |key: &str| package.get(key)?.as_str();
            match (text("name")?, text("source")) {
                (name, None) => packages.own.push(name.to_owned()),
                (name, Some(_)) => {
                    let line = format!("{name} {}\n", text("version")?);
                    packages.of_others.push_str(&line);
                }
            }
        }
        Some(packages)
    }
}

/// Copies a target directory whole or not at all, with its times, by which cargo knows what is newer; without what it knows
/// of these packages, which makes it compile them again.
fn copied(from: &Path, to: &Path, without: &[String]) -> io::Result<()> {
    let mut unfinished = to.to_owned().into_os_string();
    unfinished.push(format!(".part.{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let copied = copy(from, &unfinished, without).and_then(|()| fs::rename(&unfinished, to));
    if copied.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    copied
}

fn copy(from: &Path, to: &Path, without: &[String]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let is_fingerprints = from.file_name().is_some_and(|name| name == FINGERPRINTS);
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_fingerprints && is_of(&name.to_string_lossy(), without) {
            continue;
        }
        let (path, target) = (entry.path(), to.join(&name));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&path, &target, without)?;
        } else if kind.is_file() {
            fs::copy(&path, &target)?;
            let written: SystemTime = entry.metadata()?.modified()?;
            File::options()
                .append(true)
                .open(&target)?
                .set_modified(written)?;
        }
    }
    Ok(())
}

/// Whether a folder `NAME-HASH` is about one of these packages.
fn is_of(folder: &str, packages: &[String]) -> bool {
    let name = folder.rsplit_once('-').map_or(folder, |(name, _)| name);
    packages.iter().any(|package| package == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    const LOCK: &str = "[[package]]\nname = \"mine\"\nversion = \"1.0.0\"\n\
        [[package]]\nname = \"tollgate-plugin\"\nversion = \"0.1.0\"\n\
        [[package]]\nname = \"serde\"\nversion = \"VERSION\"\nsource = \"registry+x\"\n";

    #[test]
    fn what_projects_have_in_common_is_kept_and_what_is_their_own_is_not() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let begin = |project: &str| {
            CargoTarget::begin(
                &at(project),
                at(project).join("target"),
                at("cache/rust"),
                &[],
            )
        };
        let first = begin("a");
        assert!(!at("a/target").exists(), "nothing is kept yet");
        write(&at("a/Cargo.lock"), &LOCK.replace("VERSION", "1"));
        for name in ["serde-1f", "mine-2f", "tollgate-plugin-3f", "mine-other-4f"] {
            write(
                &at("a/target/release/.fingerprint").join(name).join("x"),
                name,
            );
        }
        write(&at("a/target/release/deps/libserde.rlib"), "code");
        let file = File::options()
            .append(true)
            .open(at("a/target/release/deps/libserde.rlib"));
        let time =
            SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(1_500_000_000_123_456_789);
        file.unwrap().set_modified(time).unwrap();
        first.keep();

        let second = begin("b");
        let mut known: Vec<_> = fs::read_dir(at("b/target/release/.fingerprint"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        known.sort();
        assert_eq!(known, ["mine-other-4f", "serde-1f"]);
        let copied = fs::metadata(at("b/target/release/deps/libserde.rlib")).unwrap();
        assert_eq!(copied.modified().unwrap(), time);
        // The same packages: what is kept stays. Others: it is replaced.
        write(&at("b/target/new"), "");
        write(
            &at("b/Cargo.lock"),
            &LOCK.replace("VERSION", "1").replace("mine", "yours"),
        );
        second.keep();
        assert!(!at("cache/rust/new").exists());
        write(&at("b/Cargo.lock"), &LOCK.replace("VERSION", "2"));
        second.keep();
        assert!(at("cache/rust/new").exists());
        // A target directory that is there is the project's own affair.
        fs::remove_file(at("b/target/new")).unwrap();
        begin("b").keep();
        assert!(!at("b/target/new").exists() && at("cache/rust/new").exists());
        assert_eq!(
            fs::read_dir(at("cache")).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }
}

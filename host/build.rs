//! Gathers what `tollgate new` writes (the templates and the helper libraries) into one folder for `include_dir!`.
//!
//! The libraries' folders are worked in: environments, packages and compiled files lie there, which must not get into
//! the program. And a new file must get in without anybody touching the code, which `include_dir!` by itself doesn't
//! notice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders that tools make beside the source; so are all whose names begin with a dot.
const MADE_FOLDERS: [&str; 8] = [
    "target",
    "build",
    "node_modules",
    "zig-out",
    "__pycache__",
    "venv",
    "dist",
    "coverage",
];

/// Extensions of files that tools make beside the source.
const MADE_EXTENSIONS: [&str; 6] = ["wasm", "o", "a", "pyc", "orig", "swp"];

/// What the Rust SDK has of its own in `plugin-sdk`; the libraries of other languages are folders beside it.
const RUST_SDK: [&str; 4] = ["Cargo.toml", "README.md", "src", "wit"];

/// Decides what to leave out, by name.
type Filter = fn(&Path) -> bool;

fn main() -> io::Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut watched = vec![root.join("build.rs")];
    watched.extend(afresh(&root.join("templates"), &out.join("templates"))?);
    watched.extend(libraries(&root.join("../plugin-sdk"), &out.join("sdk"))?);
    for path in watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(())
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}

/// The templates as they are.
fn afresh(from: &Path, to: &Path) -> io::Result<Vec<PathBuf>> {
    clear(to)?;
    gather(from, to, is_made)
}

/// One folder for each language. What only tests need stays here.
fn libraries(sdk: &Path, to: &Path) -> io::Result<Vec<PathBuf>> {
    clear(to)?;
    let mut watched = Vec::new();
    for path in entries(sdk)? {
        let name = file_name(&path);
        if RUST_SDK.contains(&name) {
            watched.extend(gather(&path, &to.join("rust").join(name), is_made)?);
        } else if path.is_dir() && !is_made(&path) {
            let filter: Filter = |path| is_made(path) || is_test(path);
            watched.extend(gather(&path, &to.join(name), filter)?);
        }
    }
    Ok(watched)
}

/// Copies a file, or a folder without what the filter leaves out. Gives what to watch: the folder as a whole, or each
/// part of it if something was left out, as cargo would look at that too.
fn gather(from: &Path, to: &Path, leave_out: Filter) -> io::Result<Vec<PathBuf>> {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        fs::copy(from, to)?;
        return Ok(vec![from.to_owned()]);
    }
    fs::create_dir_all(to)?;
    let (mut parts, mut is_whole) = (Vec::new(), true);
    for path in entries(from)? {
        if leave_out(&path) {
            is_whole = false;
            continue;
        }
        let watched = gather(&path, &to.join(file_name(&path)), leave_out)?;
        is_whole &= watched == [path];
        parts.extend(watched);
    }
    Ok(if is_whole {
        vec![from.to_owned()]
    } else {
        parts
    })
}

fn is_made(path: &Path) -> bool {
    let name = file_name(path);
    if path.is_dir() {
        return name.starts_with('.') || MADE_FOLDERS.contains(&name);
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| MADE_EXTENSIONS.contains(&extension)) || name.ends_with('~')
}

fn is_test(path: &Path) -> bool {
    let name = file_name(path);
    ["test", "tests", "test.sh"].contains(&name)
        || name.starts_with("test_")
        || name.contains("_test.")
        || name.contains(".test.")
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// Names in this repository are text.
fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
}

fn clear(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)
}

//! How long a source is: lines that somebody has to write, without comments, blank ones and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// Endings of source files, each with what a comment's line begins with.
const ENDINGS: [(&str, &[&str]); 10] = [
    ("c", &["//", "/*", "*"]),
    ("cpp", &["//", "/*", "*"]),
    ("go", &["//"]),
    ("js", &["//", "/*", "*"]),
    ("mjs", &["//", "/*", "*"]),
    ("py", &["#", "\"\"\""]),
    ("rs", &["//"]),
    ("ts", &["//", "/*", "*"]),
    ("wat", &[";;", "(;"]),
    ("zig", &["//"]),
];

/// Lines of all sources in a template's folder; none if there is no source.
pub fn lines(template: &Path) -> Option<usize> {
    let mut directories = vec![template.to_owned()];
    let mut counted = None;
    while let Some(directory) = directories.pop() {
        for path in fs::read_dir(&directory)
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
        {
            if path.is_dir() {
                directories.push(path);
            } else if let Some(lines) = source(&path) {
                counted = Some(counted.unwrap_or(0) + lines);
            }
        }
    }
    counted
}

/// Lines of one file; none if it is no source, or a test.
fn source(path: &Path) -> Option<usize> {
    let name = PathBuf::from(path.file_name()?.to_str()?.trim_end_matches(".in"));
    let extension = name.extension()?.to_str()?;
    let (_, comments) = ENDINGS.iter().find(|(ending, _)| *ending == extension)?;
    if name.to_str()?.contains("test") {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    // What stands behind this is for tests alone.
    let text = text.split("#[cfg(test)]").next()?;
    let counts = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !comments.iter().any(|comment| line.starts_with(comment))
    };
    Some(text.lines().filter(counts).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_written_counts() {
        let template = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = template.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("README.md", "a\nb\n");
        write("tests/hello.http", "### request\n");
        assert_eq!(lines(template.path()), None);
        write(
            "src/lib.rs",
            "//! Why.\n\nuse a;\nfn f() {} // said\n\n#[cfg(test)]\nmod tests;\n",
        );
        write("src/tests.rs", "fn t() {}\n");
        assert_eq!(lines(template.path()), Some(2));
        write("plugin.py", "\"\"\"Why.\"\"\"\n# Why not.\nimport a\n");
        assert_eq!(lines(template.path()), Some(3));
        assert_eq!(lines(&template.path().join("none")), None);
    }
}

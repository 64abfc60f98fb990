//! Guests from source: WebAssembly text in `tests/guests`, one behaviour or misbehaviour a file.

use std::path::PathBuf;

/// What stands for a guest's version in its source.
const VERSION: &str = "v000";

/// The source of a plugin.
#[derive(Debug, Clone)]
pub struct Guest {
    text: String,
}

/// The guest of `tests/guests/NAME.wat`.
pub fn guest(name: &str) -> Guest {
    let path = directory().join(format!("{name}.wat"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Guest { text }
}

/// Every guest that there is, sorted.
pub fn guest_names() -> Vec<String> {
    let files = std::fs::read_dir(directory()).unwrap();
    let mut names: Vec<String> = files
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("guests")
}

impl Guest {
    /// The same guest in another version: four letters, so that lengths in the source stay right.
    #[must_use]
    pub fn version(&self, version: &str) -> Self {
        assert_eq!(
            version.len(),
            VERSION.len(),
            "a version has {} letters",
            VERSION.len()
        );
        assert!(self.text.contains(VERSION), "this guest has no versions");
        Self {
            text: self.text.replace(VERSION, version),
        }
    }

    /// The same guest with so many more functions, which take the optimizing compiler about a millisecond each.
    #[must_use]
    pub fn with_ballast(&self, functions: usize) -> Self {
        let step = "(local.set 0 (i64.rotl (i64.mul (i64.add (local.get 0) (local.get 1)) (local.get 0)) (local.get 1)))\n";
        let function = format!(
            "(func (param i64 i64) (result i64)\n{}(local.get 0))\n",
            step.repeat(100)
        );
        let end = self.text.rfind(')').unwrap();
        Self {
            text: format!("{}{})", &self.text[..end], function.repeat(functions)),
        }
    }

    /// WebAssembly text, which the host takes as it is.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The binary module.
    pub fn binary(&self) -> Vec<u8> {
        wat::parse_str(&self.text).unwrap()
    }
}

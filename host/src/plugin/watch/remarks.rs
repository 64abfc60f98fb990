//! What is said of a plugins directory: what in it is not loaded, and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::scan::{Scan, SeenFile};
use crate::text;

/// Warnings, each once for as long as its cause lasts.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    shadowed: BTreeMap<PathBuf, PathBuf>,
    problems: Vec<(PathBuf, String)>,
    unreadable: bool,
}

impl Remarks {
    /// Says what a look at the plugins directory found that nobody would hear of otherwise.
    pub fn make(&mut self, dir: &Path, found: &Scan) {
        match found {
            Scan::Unknown(error) => {
                if !std::mem::replace(&mut self.unreadable, true) {
                    tracing::warn!(
                        "{}: cannot look into it: {error}; the plugins stay as they are; give the proxy the permissions r and \
                         x for it",
                        text::path(dir)
                    );
                }
            }
            Scan::NoDirectory => *self = Remarks::default(),
            Scan::Files {
                files, problems, ..
            } => {
                if std::mem::take(&mut self.unreadable) {
                    tracing::info!("{}: can be looked into again", text::path(dir));
                }
                self.make_about_shadows(files);
                self.make_about_problems(problems);
            }
        }
    }

    fn make_about_shadows(&mut self, files: &[SeenFile]) {
        let mut shadowed = BTreeMap::new();
        for seen in files {
            for path in &seen.shadows {
                if self.shadowed.get(path) != Some(&seen.path) {
                    tracing::warn!(
                        "{}: not loaded: {} is loaded in its place; remove one of the two files",
                        text::path(path),
                        text::path(&seen.path)
                    );
                }
                shadowed.insert(path.clone(), seen.path.clone());
            }
        }
        self.shadowed = shadowed;
    }

    fn make_about_problems(&mut self, problems: &[(PathBuf, String)]) {
        for problem in problems {
            // Sorted.
            if self.problems.binary_search(problem).is_err() {
                let (path, words) = problem;
                tracing::error!("{}: not loaded: {words}", text::path(path));
            }
        }
        if self.problems != problems {
            self.problems = problems.to_vec();
        }
    }
}

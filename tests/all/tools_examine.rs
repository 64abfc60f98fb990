//! `tollgate check` and `tollgate test`, as somebody at a terminal uses them.

mod cases;
mod check;
mod conditions;
mod services;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use tollgate_tests::*;

/// A directory with plugins and cases.
struct Desk(TempDir);

impl Desk {
    /// With these guests of `tests/guests` as plugin files.
    fn with(guests: &[&str]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for name in guests {
            desk.write(&format!("{name}.wat"), guest(name).text());
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs the command with the words behind `$` as paths in this directory. The directory is gone from what it says.
    async fn run(&self, line: &str) -> Ended {
        let words = line.split(' ').map(|word| match word.strip_prefix('$') {
            Some(name) => self.path(name).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        });
        let words: Vec<String> = words.collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut ended = run_binary(&words).await;
        let here = format!("{}/", self.0.path().display());
        ended.stdout = ended.stdout.replace(&here, "");
        ended.stderr = ended.stderr.replace(&here, "");
        ended
    }

    /// Tests a guest on the cases in `tests`.
    async fn test(&self, guest: &str, flags: &str) -> Ended {
        let line = format!("test ${guest}.wat --no-cache {flags}");
        self.run(line.trim_end()).await
    }
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", ended.stdout, ended.stderr))
}

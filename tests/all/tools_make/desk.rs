//! A desk to write plugins at: a directory of one's own, and the executable that is run in it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tollgate_tests::*;

/// A place of one's own, with the tools that projects share in `tools`.
pub struct Desk {
    dir: TempDir,
}

impl Desk {
    pub fn new() -> Desk {
        Desk {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// With the project `p`, which is built by this `[build]` of its own.
    pub fn with_project(build: &str) -> Desk {
        let desk = Desk::new();
        desk.write(
            "p/plugin.toml",
            &format!("name = \"p\"\nlanguage = \"own\"\n{build}"),
        );
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(executable());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TOLLGATE_")) {
            command.env_remove(name);
        }
        command
            .args(line.split(' '))
            .current_dir(self.dir.path())
            .env("TOLLGATE_TOOLS", self.path("tools"))
            .env("TOLLGATE_CACHE_DIR", self.path("cache"))
            .stdin(Stdio::null());
        command
    }

    /// Runs `tollgate` here until it ends.
    pub fn run(&self, line: &str) -> Ran {
        Ran::from(self.command(line).output().unwrap())
    }

    /// Starts `tollgate dev` here; what it says goes to the files `out` and `err`.
    pub fn dev(&self, line: &str) -> Dev {
        let file = |name: &str| File::create(self.path(name)).unwrap();
        let mut command = self.command(line);
        command.stdout(file("out")).stderr(file("err"));
        Dev {
            child: command.spawn().unwrap(),
        }
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A running `tollgate dev`. It is killed when dropped.
pub struct Dev {
    child: Child,
}

impl Dev {
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    pub async fn code(&mut self) -> Option<i32> {
        eventually!(self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A step of a shell that makes the project's one source its output.
pub fn shell(script: &str) -> String {
    format!(
        "[build]\nwatch = [\"*.wat\"]\n[[build.ways]]\nname = \"sh\"\noutput.file = \"{{build}}/core.wat\"\n\
         [[build.ways.steps]]\nrun = [\"sh\", \"-c\", '''{script}''']\n"
    )
}

/// The source of a plugin that marks responses with these four letters.
pub fn mark(letters: &str) -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/guests/mark.wat"))
        .unwrap()
        .replace("v000", letters)
}

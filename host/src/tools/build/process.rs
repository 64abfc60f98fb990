//! Running a language's tools: with an environment that no outer build has changed, and none of them left behind when
//! somebody stops tollgate in the middle.
//!
//! Each command is a process group of its own. Ctrl-C reaches tollgate alone, which ends the group and then itself.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::signal::unix::{SignalKind, signal};

/// What an outer cargo, rustup or make says of its own build, which is not meant for ours.
const OUTER: [&str; 20] = [
    "CARGO",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "GNUMAKEFLAGS",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "OUT_DIR",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUST_RECURSION_COUNT",
];

/// The same, by how the names begin.
const OUTER_BEGIN: [&str; 5] = [
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
];

/// How long what was told to end may take to tidy up.
const PATIENCE: Duration = Duration::from_millis(300);

/// The process group that runs now. Who holds the lock can't be interrupted.
static RUNNING: Mutex<Option<Pid>> = Mutex::new(None);

/// From where commands are run.
#[derive(Debug, Clone)]
pub struct Runner {
    /// Where programs are looked for, as `PATH` has it.
    path: OsString,
    /// Where commands run; absolute.
    dir: PathBuf,
}

impl Runner {
    pub fn new(dir: &Path) -> Runner {
        Runner::with_path(dir, std::env::var_os("PATH").unwrap_or_default())
    }

    pub fn with_path(dir: &Path, path: impl Into<OsString>) -> Runner {
        Runner {
            path: path.into(),
            dir: dir.to_owned(),
        }
    }

    /// The program's file: a path from the directory, or a name to be found on the `PATH`. None if there is none that
    /// can be run.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(self.dir.join(name)).filter(|path| is_executable(path));
        }
        std::env::split_paths(&self.path)
            .filter(|directory| !directory.as_os_str().is_empty())
            .map(|directory| self.dir.join(directory).join(name))
            .find(|path| is_executable(path))
    }

    /// Runs a command whose words nobody sees. Its standard output if it succeeds, at most 64 KiB.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn ask(&self, words: &[String]) -> io::Result<Option<String>> {
        let mut command = self.command(words, &[])?;
        let (mut reader, writer) = io::pipe()?;
        command.stdout(writer).stderr(Stdio::null());
        let child = start(&mut command)?;
        // It has the writing end; while that is open here, reading would not end.
        drop(command);
        let mut said = Vec::new();
        reader.by_ref().take(64 << 10).read_to_end(&mut said)?;
        drop(reader);
        let status = finish(child)?;
        Ok(status
            .success()
            .then(|| String::from_utf8_lossy(&said).into_owned()))
    }

    /// Runs a command; what it says goes to our standard error as it is.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn show(&self, words: &[String], env: &[(String, String)]) -> io::Result<ExitStatus> {
        let mut command = self.command(words, env)?;
        command.stdout(io::stderr());
        finish(start(&mut command)?)
    }

    /// As [`show`](Self::show), for commands that may ask for a password: at a terminal they stay in our process group,
    /// so that the terminal is theirs too, Ctrl-C included.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn converse(&self, words: &[String]) -> io::Result<ExitStatus> {
        if !io::stdin().is_terminal() {
            return self.show(words, &[]);
        }
        let mut command = self.command(words, &[])?;
        command.stdout(io::stderr()).stdin(Stdio::inherit());
        command.status()
    }

    fn command(&self, words: &[String], env: &[(String, String)]) -> io::Result<Command> {
        let name = words.first().map_or("", String::as_str);
        let program = self
            .program(name)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no program {name}")))?;
        let mut command = Command::new(program);
        command
            .args(words.iter().skip(1))
            .current_dir(&self.dir)
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_outer_build(name)) {
            command.env_remove(name);
        }
        command.env("PATH", &self.path);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

/// Ends what runs, and then this process, when somebody says so: by SIGINT, SIGTERM or SIGHUP.
///
/// # Errors
/// When the system refuses a thread or a handler.
pub fn stop_on_signals() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut interrupt, mut terminate, mut hang_up) = {
        let _context = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        )
    };
    let wait = async move {
        let number = tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = hang_up.recv() => SignalKind::hangup().as_raw_value(),
        };
        end(number);
    };
    std::thread::Builder::new()
        .name("tollgate-signals".into())
        .spawn(move || runtime.block_on(wait))?;
    Ok(())
}

/// As long as this lives, no signal ends the process: a file is either not begun or whole.
pub fn undisturbed() -> impl Drop {
    running()
}

fn running() -> MutexGuard<'static, Option<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Never gives the lock back, so that nothing more is started.
fn end(signal: i32) -> ! {
    let running = running();
    if let Some(group) = *running {
        let _ = kill_process_group(group, Signal::TERM);
        let told = Instant::now();
        while told.elapsed() < PATIENCE && !has_ended(group) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = kill_process_group(group, Signal::KILL);
    }
    // As shells report a process that a signal ended.
    std::process::exit(128 + signal)
}

fn start(command: &mut Command) -> io::Result<Child> {
    let mut running = running();
    let child = command.process_group(0).spawn()?;
    *running = Some(Pid::from_child(&child));
    Ok(child)
}

/// Waits for the end. The process's number stays taken until nobody can signal it any more.
fn finish(mut child: Child) -> io::Result<ExitStatus> {
    let id = Pid::from_child(&child);
    while let Err(error) = waitid(
        WaitId::Pid(id),
        WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
    ) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    let mut running = running();
    *running = None;
    child.wait()
}

/// Whether the first process of a group has ended. Nobody has taken notice of it yet, or its number would be free.
fn has_ended(group: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(group), options), Ok(None))
}

fn is_of_outer_build(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    OUTER.iter().any(|outer| outer.as_bytes() == name)
        || OUTER_BEGIN
            .iter()
            .any(|begin| name.starts_with(begin.as_bytes()))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests;

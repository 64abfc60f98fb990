//! The real executable on port 0: its words, its exit code, and its process as the system sees it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::{ops::Deref, thread};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tollgate::cli::RunArgs;

use crate::said::Said;
use crate::{Patience, Plugins, Served, eventually};

/// A running executable. It is killed when dropped; if the test has failed by then, what it said is shown.
#[derive(Debug)]
pub struct Binary {
    served: Served,
    child: Child,
    stdout: Said,
    stderr: Said,
}

/// What a process came to.
#[derive(Debug)]
pub struct Ended {
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the executable with these arguments until it ends by itself.
pub async fn run_binary(args: &[&str]) -> Ended {
    let child = spawn(&mut command(&[], args));
    Binary {
        served: nowhere(),
        child: child.0,
        stdout: child.1,
        stderr: child.2,
    }
    .ended()
    .await
}

/// The executable under test.
pub fn executable() -> &'static Path {
    &EXECUTABLE
}

impl Binary {
    pub(crate) async fn start(under: &[String], args: &RunArgs, plugins: Plugins) -> Self {
        let (child, stdout, stderr) = spawn(&mut command(under, &flags(args)));
        let mut binary = Self {
            served: Served {
                address: nowhere().address,
                plugins,
            },
            child,
            stdout,
            stderr,
        };
        let patience = Patience::begin();
        while binary.ready_address().is_none() {
            assert!(
                binary.child.try_wait().unwrap().is_none(),
                "it ended before it was ready"
            );
            patience
                .wait("the line that says that the proxy is ready")
                .await;
        }
        binary.served.address = binary.ready_address().unwrap();
        binary
    }

    /// The same with streams of the test's own, of which [`stdout`](Self::stdout) and [`stderr`](Self::stderr) hear nothing.
    /// Its address is asked of the system, so it must listen on one alone.
    pub(crate) async fn start_into(
        args: &RunArgs,
        plugins: Plugins,
        stdout: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
    ) -> Self {
        let mut command = command(&[], &flags(args));
        let command = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let mut binary = Self {
            served: Served {
                address: nowhere().address,
                plugins,
            },
            child: command.spawn().unwrap(),
            stdout: Said::default(),
            stderr: Said::default(),
        };
        eventually!(binary.listening_port().is_some());
        binary
            .served
            .address
            .set_port(binary.listening_port().unwrap());
        binary
    }

    /// The port on which the process listens; none while it doesn't.
    fn listening_port(&self) -> Option<u16> {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let files = std::fs::read_dir(process.join("fd")).ok()?;
        let sockets: Vec<String> = files
            .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
            .filter_map(|target| {
                let inode = target.to_str()?.strip_prefix("socket:[")?;
                Some(inode.strip_suffix(']')?.to_owned())
            })
            .collect();
        // One line a socket: number, local address, remote address, state (0A listens), four more fields, inode.
        let table = std::fs::read_to_string(process.join("net/tcp")).ok()?;
        table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(3) == Some(&"0A");
            let is_its_own = fields
                .get(9)
                .is_some_and(|inode| sockets.iter().any(|own| own == inode));
            let port = fields.get(1)?.rsplit(':').next()?;
            u16::from_str_radix(port, 16)
                .ok()
                .filter(|_| listens && is_its_own)
        })
    }

    /// The address of this listener among the lines of the start; none when there is none, or one listener alone.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        let said = self.stdout();
        let start = format!("listener {name}: http://");
        let line = said.lines().find_map(|line| line.strip_prefix(&start))?;
        Some(line.split(' ').next()?.parse().unwrap())
    }

    /// The address in the ready line; none while that line isn't complete.
    fn ready_address(&self) -> Option<SocketAddr> {
        let said = self.stdout();
        let line = said
            .lines()
            .find(|line| line.contains("ready: http://"))
            .filter(|_| said.ends_with('\n'))?;
        let address = line.split("http://").nth(1)?.split(' ').next()?;
        Some(address.parse().unwrap())
    }

    pub fn stdout(&self) -> String {
        self.stdout.0.lock().unwrap().clone()
    }

    /// The log.
    pub fn stderr(&self) -> String {
        self.stderr.0.lock().unwrap().clone()
    }

    /// Writes another configuration file and has it read at once.
    pub fn configure(&self, toml: &str) {
        self.served.plugins.configure(toml);
        self.signal(Signal::HUP);
    }

    /// Of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Asks for the configuration to be read again.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) -> Ended {
        eventually!(self.child.try_wait().unwrap().is_some());
        let status = self.child.wait().unwrap();
        // The readers end with the process's streams.
        eventually!(
            Arc::strong_count(&self.stdout.0) == 1 && Arc::strong_count(&self.stderr.0) == 1
        );
        Ended {
            code: status.code(),
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }

    /// Lets the process have no further file descriptor. Gives the limit that it had.
    pub fn exhaust_files(&self) -> u64 {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let number = |file: std::io::Result<std::fs::DirEntry>| {
            let name = file.unwrap().file_name();
            name.to_str().unwrap().parse::<u64>().unwrap()
        };
        let taken: Vec<u64> = files.map(number).collect();
        // A new one takes the lowest number that is free, and the limit is on numbers.
        let free = (0..).find(|number| !taken.contains(number)).unwrap();
        self.set_most_files(free)
    }

    /// Sets the limit of file descriptors (the soft one). Gives what it was.
    pub fn set_most_files(&self, most: u64) -> u64 {
        let process = Pid::from_child(&self.child);
        let mut limit = prlimit_now(process);
        let before = limit.current.unwrap_or(u64::MAX);
        limit.current = Some(most);
        prlimit(Some(process), Resource::Nofile, limit).unwrap();
        before
    }

    /// Kibibytes of memory that the process has taken at most so far.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim().split(' ').next().unwrap().parse().unwrap()
    }

    /// How many pieces of executable memory the process has: one for each piece of compiled code, beside its own.
    pub fn pieces_of_code(&self) -> usize {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.child.id())).unwrap();
        let flags = maps.lines().filter_map(|line| line.split(' ').nth(1));
        flags.filter(|flags| flags.contains('x')).count()
    }
}

impl Deref for Binary {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!(
                "--- its stdout\n{}--- its stderr\n{}---",
                self.stdout(),
                self.stderr()
            );
        }
    }
}

fn prlimit_now(process: Pid) -> Rlimit {
    // The kernel gives the old limit when it sets one, so ask `/proc`.
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", process.as_raw_nonzero())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let mut numbers = line.split_whitespace().skip(3);
    let mut number = || numbers.next().and_then(|number| number.parse().ok());
    Rlimit {
        current: number(),
        maximum: number(),
    }
}

fn nowhere() -> Served {
    Served {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        plugins: Plugins::new(),
    }
}

/// The executable with these arguments, run by the command before it if there is one.
fn command(under: &[String], args: &[impl AsRef<OsStr>]) -> Command {
    let mut words = under.iter().map(OsStr::new).chain([EXECUTABLE.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(args);
    let is_taken = |name: &str| name.starts_with("TOLLGATE_") && name != "TOLLGATE_LINKING";
    for (name, _) in std::env::vars().filter(|(name, _)| is_taken(name)) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG");
    command
}

fn flags(args: &RunArgs) -> Vec<String> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_str().unwrap().to_owned());
    let given = [
        ("--backend", args.backend.clone()),
        ("--plugins", path(&args.plugins)),
        ("--config", path(&args.config)),
        ("--record", path(&args.record)),
        ("--watch", args.watch.clone()),
        ("--cache-dir", path(&args.cache_dir)),
        ("--workers", args.workers.clone()),
        ("--log", args.log.clone()),
    ];
    let given = given
        .into_iter()
        .filter_map(|(flag, value)| Some([flag.to_owned(), value?]))
        .flatten();
    let listen = args.listen.iter();
    let listen = listen.flat_map(|address| ["--listen".to_owned(), address.clone()]);
    let no_cache = args.no_cache.then(|| "--no-cache".to_owned());
    ["run".to_owned()]
        .into_iter()
        .chain(listen)
        .chain(given)
        .chain(no_cache)
        .collect()
}

fn spawn(command: &mut Command) -> (Child, Said, Said) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = Said::hear(child.stdout.take().unwrap());
    let stderr = Said::hear(child.stderr.take().unwrap());
    (child, stdout, stderr)
}

/// The executable under test: what `TOLLGATE_TEST_BINARY` names, else the one of the profile that the tests were built
/// with, brought up to date first. (Cargo does so by itself only for tests in the package of the executable.)
static EXECUTABLE: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(given) = std::env::var_os("TOLLGATE_TEST_BINARY") {
        return given.into();
    }
    let test = std::env::current_exe().unwrap();
    // target/PROFILE/deps/all-…
    let directory = test.ancestors().nth(2).unwrap();
    let profile = match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let arguments = [
        "build",
        "--quiet",
        "--package",
        "tollgate",
        "--manifest-path",
        manifest,
        "--profile",
        profile,
    ];
    let mut build = Command::new(cargo);
    // What the cargo that runs these tests says of this package. Build scripts ask for it (ring's does), and would be run
    // again here, and everything above them compiled again, here and when the tests are built next.
    let of_this_package = |name: &str| {
        [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix))
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_this_package) {
            build.env_remove(name);
        }
    }
    let built = build
        .args(arguments)
        .arg("--target-dir")
        .arg(directory.parent().unwrap())
        .status();
    assert!(
        built.unwrap().success(),
        "the executable could not be built"
    );
    directory.join("tollgate")
});

//! What the tests of all backends use: a clock that is moved by hand, a Redis server of one's own, and each kind of store
//! behind the same few functions.

mod alike;
mod crash;
mod damage;
mod disk;
mod killed;
mod random;
mod servers;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::journal::file::Disk;
use super::{Clock, Durability, Kind, Quotas, Store, StoreConfig};

/// Longer than anything takes that is waited for here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that stands still until it is moved.
#[derive(Debug)]
struct Stopped(AtomicU64);

impl Clock for Stopped {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Memory,
    Eventual,
    Immediate,
    Redis,
}

const ALL: [Which; 4] = [
    Which::Memory,
    Which::Eventual,
    Which::Immediate,
    Which::Redis,
];

/// A store with all that belongs to it.
struct Lab {
    config: StoreConfig,
    clock: Arc<Stopped>,
    disk: Disk,
    store: Option<Store>,
    server: Option<Server>,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new(which: Which, quotas: Quotas) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = (which == Which::Redis).then(|| Server::start(folder.path()));
        let path = folder.path().join("state.redb");
        let kind = match which {
            Which::Memory => Kind::Memory,
            Which::Eventual => embedded(&path, Durability::Eventual),
            Which::Immediate => embedded(&path, Durability::Immediate),
            Which::Redis => server.as_ref().unwrap().kind("tollgate"),
        };
        let mut lab = Self {
            config: StoreConfig { kind, quotas },
            clock: Arc::new(Stopped(AtomicU64::new(1_800_000_000_000))),
            disk: Disk::default(),
            store: None,
            server,
            folder,
        };
        lab.reopen();
        lab
    }

    fn with(which: Which) -> Self {
        Self::new(which, Quotas::default())
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Closes the store and opens it again.
    fn reopen(&mut self) {
        self.store = None;
        let clock = self.clock.clone();
        self.store = Some(Store::open_with(&self.config, clock, &self.disk).unwrap());
    }

    /// Lets time pass: for Redis, which has its own, by making all that is there older.
    async fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
        if let Some(server) = &self.server {
            server.age(seconds * 1000).await;
        }
    }

    async fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.store().get(bucket, key).await.unwrap()
    }

    async fn set(&self, bucket: &str, key: &str, value: &str) {
        let value = Bytes::copy_from_slice(value.as_bytes());
        self.store().set(bucket, key, value, None).await.unwrap();
    }
}

fn embedded(path: &Path, durability: Durability) -> Kind {
    Kind::Embedded {
        path: path.to_owned(),
        durability,
        make_directory: false,
    }
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

/// Asks again and again until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < PATIENCE, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// This test program, to run one test in a process of its own.
fn test_program(module: &str, test: &str) -> Vec<String> {
    let (_crate, module) = module.split_once("::").unwrap();
    let program = std::env::current_exe().unwrap();
    let test = format!("{module}::{test}");
    [program.to_str().unwrap(), "--exact", &test, "--nocapture"]
        .map(str::to_owned)
        .into()
}

/// A redis-server that ends with the test.
struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        Self {
            child: run(port, folder),
            port,
            folder: folder.to_owned(),
        }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn kind(&self, prefix: &str) -> Kind {
        Kind::Redis {
            url: self.url(),
            prefix: prefix.to_owned(),
            timeout: Duration::from_secs(20),
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = run(self.port, &self.folder);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    async fn age(&self, milliseconds: u64) {
        let script = redis::Script::new(
            r"
            for _, key in ipairs(redis.call('KEYS', '*')) do
                local left = redis.call('PTTL', key)
                if left > tonumber(ARGV[1]) then
                    redis.call('PEXPIRE', key, left - ARGV[1])
                elseif left >= 0 then
                    redis.call('DEL', key)
                elseif string.sub(key, -7) == ':expiry' and redis.call('TYPE', key).ok == 'zset' then
                    for _, name in ipairs(redis.call('ZRANGE', key, 0, -1)) do
                        redis.call('ZINCRBY', key, -ARGV[1], name)
                    end
                end
            end",
        );
        let mut connection = self.connection().await;
        let mut call = script.prepare_invoke();
        let done: redis::RedisResult<()> =
            call.arg(milliseconds).invoke_async(&mut connection).await;
        done.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server, which keeps what it acknowledged when it is killed, and waits until it answers.
fn run(port: u16, folder: &Path) -> Child {
    let port_text = port.to_string();
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port_text, "--save", ""])
        .args(["--appendonly", "yes", "--dir", folder.to_str().unwrap()])
        .stdout(Stdio::null())
        .spawn()
        .expect("these tests need redis-server: apt-get install redis-server");
    let start = Instant::now();
    loop {
        let answers = TcpStream::connect(("127.0.0.1", port)).is_ok_and(|mut stream| {
            let mut answer = [0; 5];
            stream.write_all(b"PING\r\n").is_ok()
                && stream.read_exact(&mut answer).is_ok()
                && answer == *b"+PONG"
        });
        if answers {
            return child;
        }
        assert!(start.elapsed() < PATIENCE, "redis-server doesn't answer");
        assert!(child.try_wait().unwrap().is_none(), "redis-server ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}

//! The socket of the admin listener, and the connections that it takes.

use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::routes;
use super::state::Admin;
use super::throughput::LOOK_EVERY;
use crate::config::admin::AdminAddress;
use crate::counted::{Counted, Counter};
use crate::descriptors::Trouble;
use crate::stamp::FileId;

/// A head that takes longer than this is nobody's who asks here.
const HEAD: Duration = Duration::from_secs(5);

/// Connections at once. Those above it are closed: whoever keeps so many open is no operator.
const MOST_CONNECTIONS: usize = 256;

/// Bytes of a head.
const LARGEST_HEAD: usize = 64 << 10;

/// A socket that listens.
#[derive(Debug)]
pub struct AdminListener {
    socket: Socket,
    address: AdminAddress,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// The file of a unix socket; removed with it, unless another one has taken its place.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    id: Option<FileId>,
}

impl AdminListener {
    /// Listens. A unix socket is made so that at no moment anybody but the proxy's own user may open it, and takes the place of
    /// one at which nobody listens any more.
    ///
    /// # Errors
    /// When the address can't be had.
    pub async fn bind(address: &AdminAddress) -> io::Result<Self> {
        let socket = match address {
            AdminAddress::Tcp(address) => Socket::Tcp(TcpListener::bind(address).await?),
            AdminAddress::Unix(path) => {
                let (listener, file) = bind_unix(path)?;
                Socket::Unix(listener, file)
            }
        };
        let address = match &socket {
            Socket::Tcp(listener) => AdminAddress::Tcp(listener.local_addr()?),
            Socket::Unix(_, file) => AdminAddress::Unix(file.path.clone()),
        };
        Ok(Self { socket, address })
    }

    /// Where it listens; with the port that was taken.
    pub fn address(&self) -> &AdminAddress {
        &self.address
    }
}

fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something that is no socket is there",
            ));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(_) | Err(_) => {}
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    // Nobody else can look into it, so the socket has its mode before anybody can open it.
    let apart = tempfile::Builder::new()
        .prefix(".t")
        .rand_bytes(4)
        .tempdir_in(parent.unwrap_or(Path::new(".")))?;
    let made = apart.path().join("s");
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
    fs::rename(&made, path)?;
    let id = fs::metadata(path).ok().as_ref().map(FileId::from);
    let file = SocketFile {
        path: path.to_owned(),
        id,
    };
    Ok((listener, file))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path)
            .ok()
            .as_ref()
            .map(FileId::from);
        if now == self.id {
            // Whoever finds it next finds that nobody listens.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Answers until `stop` resolves.
pub async fn serve(listener: AdminListener, admin: Arc<Admin>, stop: impl Future<Output = ()>) {
    let looking = look(&admin);
    let router = routes::router(admin.clone());
    tokio::select! {
        () = accept(&listener.socket, &router) => {}
        () = looking => {}
        () = stop => {}
    }
}

async fn look(admin: &Admin) {
    let mut every = interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = every.tick().await;
        admin.throughput.look(now, admin.exchanges_total());
    }
}

async fn accept(socket: &Socket, router: &Router) {
    let mut trouble = Trouble::default();
    let connections = Counter::default();
    loop {
        let accepted = match socket {
            Socket::Tcp(listener) => listener.accept().await.map(|(socket, _)| {
                // Small pieces of a stream of events are not to wait for more.
                let _ = socket.set_nodelay(true);
                start(socket, router, connections.take());
            }),
            Socket::Unix(listener, _) => listener
                .accept()
                .await
                .map(|(socket, _)| start(socket, router, connections.take())),
        };
        match accepted {
            Ok(()) => trouble.over(),
            Err(error) => {
                let (pause, told) = trouble.again(&error, Instant::now());
                if let Some(told) = told {
                    tracing::warn!("admin: can't accept connections: {told}");
                }
                sleep(pause).await;
            }
        }
    }
}

/// Serves a connection, or closes it when there are too many.
fn start<S>(socket: S, router: &Router, place: Counted)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if place.is_above(MOST_CONNECTIONS) {
        tracing::debug!("admin: a connection is closed, because {MOST_CONNECTIONS} are open");
        return;
    }
    let service = TowerToHyperService::new(router.clone());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LARGEST_HEAD);
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = http.serve_connection(TokioIo::new(socket), service).await {
            tracing::debug!("admin connection ended: {error}");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_unix_socket_is_for_its_user_and_takes_the_place_of_a_dead_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.sock");
        let address = AdminAddress::Unix(path.clone());
        let first = AdminListener::bind(&address).await.unwrap();
        assert_eq!(first.address(), &address);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let taken = AdminListener::bind(&address).await.unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert!(!path.exists(), "it goes with its listener");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "nobody listens at this one");
        let second = AdminListener::bind(&address).await.unwrap();
        assert!(tokio::net::UnixStream::connect(&path).await.is_ok());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(second);
        fs::write(&path, "mine").unwrap();
        let file = AdminListener::bind(&address).await.unwrap_err();
        assert_eq!(file.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}

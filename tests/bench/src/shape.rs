//! The two shapes of the runtime: work-stealing workers around one listener, or one single-threaded runtime per core,
//! each with its own listener and its own backend connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::args::{Args, Shape};
use crate::forward::{Upstream, forward};

const BACKLOG: i32 = 4096;

/// Serves until the process is ended. Prints `bare-proxy: http://ADDRESS` when connections are accepted.
///
/// # Errors
/// What the operating system says when a socket or a runtime can't be had.
pub fn run(args: &Args) -> io::Result<()> {
    match args.shape {
        Shape::Stealing => run_stealing(args),
        Shape::PerCore => run_per_core(args),
    }
}

fn run_stealing(args: &Args) -> io::Result<()> {
    let listener = listen(args.listen)?;
    announce(&listener)?;
    let upstream = Arc::new(Upstream::new(args.pool, args.backend));
    let runtime = Builder::new_multi_thread()
        .worker_threads(args.workers)
        .enable_all()
        .build()?;
    runtime.block_on(async { tokio::spawn(accept(listener, upstream)).await })?
}

fn run_per_core(args: &Args) -> io::Result<()> {
    let first = listen(args.listen)?;
    let address = first.local_addr()?;
    let others = (1..args.workers)
        .map(|_| listen(address))
        .collect::<io::Result<Vec<_>>>()?;
    announce(&first)?;
    thread::scope(|scope| {
        let workers: Vec<_> = others
            .into_iter()
            .map(|listener| scope.spawn(|| run_one_core(listener, args)))
            .collect();
        run_one_core(first, args)?;
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a worker panicked")))
        })
    })
}

fn run_one_core(listener: std::net::TcpListener, args: &Args) -> io::Result<()> {
    let upstream = Arc::new(Upstream::new(args.pool, args.backend));
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(accept(listener, upstream))
}

async fn accept(listener: std::net::TcpListener, upstream: Arc<Upstream>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upstream = Arc::clone(&upstream);
        let service = service_fn(move |request| forward(Arc::clone(&upstream), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn announce(listener: &std::net::TcpListener) -> io::Result<()> {
    println!("bare-proxy: http://{}", listener.local_addr()?);
    Ok(())
}

//! The sockets that clients connect to, each with what its connections go by. Sockets come and go while the proxy runs; one that
//! stays is never closed, so no connection to it is refused.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio_util::task::TaskTracker;

use super::accept::{accept, bind};
use super::connection::Listener;
use super::exchange::Proxy;
use super::stop::Stop;
use crate::counted::Counter;
use crate::essential;
use crate::interceptor::ChainSource;
use crate::tls::ServerIdentity;

/// An address that is to be listened on, and for whom.
#[derive(Debug, Clone)]
pub struct ListenAt {
    /// The listener's; several addresses may have it.
    pub listener: Arc<str>,
    /// As the configuration has it. Port 0 takes any free port.
    pub address: SocketAddr,
    /// None: clients speak cleartext.
    pub tls: Option<Arc<ServerIdentity>>,
    /// Whether cleartext is answered, too, where there is TLS.
    pub cleartext: bool,
}

/// The same with its socket; none if it is open already.
#[derive(Debug)]
pub struct Bound {
    wanted: ListenAt,
    socket: Option<(SocketAddr, tokio::net::TcpListener)>,
}

/// A socket that is open.
#[derive(Debug, Clone)]
pub struct OpenSocket {
    pub listener: Arc<str>,
    /// With the port that it has.
    pub address: SocketAddr,
    pub tls: Option<Arc<ServerIdentity>>,
    /// How often a client of the listener has connected, and its connections that are open.
    pub accepted: u64,
    pub connections: usize,
}

/// All open sockets.
#[derive(Debug)]
pub struct Listeners<S> {
    proxy: Arc<Proxy<S>>,
    connections: TaskTracker,
    state: Mutex<State<S>>,
}

#[derive(Debug)]
struct State<S> {
    open: Vec<Open<S>>,
    /// None is opened any more.
    is_stopped: bool,
}

#[derive(Debug)]
struct Open<S> {
    /// As the configuration has it.
    wanted: SocketAddr,
    address: SocketAddr,
    /// What connections to come go by.
    listener: Arc<ArcSwap<Listener<S>>>,
    /// Ends the accepting.
    stop: Stop,
}

impl ListenAt {
    /// Whether it is this socket. Port 0 is another port for each listener.
    fn is<S>(&self, open: &Open<S>) -> bool {
        self.address == open.wanted
            && (self.address.port() != 0 || self.listener == open.listener.load().name)
    }

    /// Listens. The kernel takes connections from now on; nobody serves them yet.
    ///
    /// # Errors
    /// When the address can't be had.
    pub fn bind(self, reuse_port: bool) -> io::Result<Bound> {
        let socket = bind(self.address, reuse_port)?;
        let address = socket.local_addr()?;
        let socket = tokio::net::TcpListener::from_std(socket)?;
        Ok(Bound {
            wanted: self,
            socket: Some((address, socket)),
        })
    }

    fn listener<S>(self, proxy: &Arc<Proxy<S>>, stop: Stop, counted: Counted) -> Listener<S> {
        Listener {
            proxy: proxy.clone(),
            name: self.listener,
            tls: self.tls,
            cleartext: self.cleartext,
            stop,
            accepted: counted.accepted,
            open: counted.open,
        }
    }
}

/// What is counted for each listener.
#[derive(Debug, Clone, Default)]
struct Counted {
    accepted: Arc<std::sync::atomic::AtomicU64>,
    open: Counter,
}

impl<S: ChainSource> Listeners<S> {
    /// None yet.
    pub fn new(proxy: Arc<Proxy<S>>, connections: TaskTracker) -> Self {
        Self {
            proxy,
            connections,
            state: Mutex::new(State {
                open: Vec::new(),
                is_stopped: false,
            }),
        }
    }

    /// Binds those that are not open yet, and leaves all that are open as they are.
    ///
    /// # Errors
    /// The first address that can't be had, and why.
    pub fn bind(
        &self,
        wanted: Vec<ListenAt>,
        reuse_port: bool,
    ) -> Result<Vec<Bound>, (ListenAt, io::Error)> {
        let state = self.lock();
        let bound = |wanted: ListenAt| {
            if state.open.iter().any(|open| wanted.is(open)) {
                let socket = None;
                return Ok(Bound { wanted, socket });
            }
            wanted
                .clone()
                .bind(reuse_port)
                .map_err(|error| (wanted, error))
        };
        wanted.into_iter().map(bound).collect()
    }

    /// Serves these and no others. Who is connected to one that goes is told to end.
    pub fn serve(&self, bound: Vec<Bound>) {
        let mut state = self.lock();
        if state.is_stopped {
            return;
        }
        let is_wanted = |open: &Open<S>| bound.iter().any(|bound| bound.wanted.is(open));
        for gone in state.open.extract_if(.., |open| !is_wanted(open)) {
            gone.end();
        }
        for Bound { wanted, socket } in bound {
            match socket {
                Some((address, socket)) => self.open(&mut state, wanted, address, socket),
                None => self.change(&state, wanted),
            }
        }
    }

    /// Stops accepting and lets exchanges end. Nothing is opened after that.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        for open in &state.open {
            open.end();
        }
    }

    /// The sockets that are open, in the order of the configuration.
    pub fn sockets(&self) -> Vec<OpenSocket> {
        let state = self.lock();
        let socket = |open: &Open<S>| {
            let listener = open.listener.load();
            OpenSocket {
                listener: listener.name.clone(),
                address: open.address,
                tls: listener.tls.clone(),
                accepted: listener.accepted.load(std::sync::atomic::Ordering::Relaxed),
                connections: listener.open.count(),
            }
        };
        state.open.iter().map(socket).collect()
    }

    fn open(
        &self,
        state: &mut State<S>,
        wanted: ListenAt,
        address: SocketAddr,
        socket: tokio::net::TcpListener,
    ) {
        let (configured, counted) = (wanted.address, state.counted(&wanted.listener));
        let listener = wanted.listener(&self.proxy, Stop::default(), counted);
        let open = Open {
            wanted: configured,
            address,
            listener: Arc::new(ArcSwap::from_pointee(listener)),
            stop: Stop::default(),
        };
        let accepting = accept(
            socket,
            open.listener.clone(),
            open.stop.clone(),
            self.connections.clone(),
        );
        let stop = open.stop.clone();
        let task = essential::task("accept", move || stop.is_stopped(), accepting);
        self.connections.spawn(task);
        state.open.push(open);
    }

    /// The socket of this address is open; connections to come are to go by this. Those of before go on, unless they belong to
    /// another listener, or may be in cleartext where that is over.
    fn change(&self, state: &State<S>, wanted: ListenAt) {
        let Some(open) = state.open.iter().find(|open| wanted.is(open)) else {
            return;
        };
        let now = open.listener.load_full();
        let is_named = now.name == wanted.listener;
        if is_named && now.has_tls_of(&wanted.tls, wanted.cleartext) {
            return;
        }
        let counted = state.counted(&wanted.listener);
        let before = (now.tls.is_some(), now.cleartext);
        let after = (wanted.tls.is_some(), wanted.cleartext);
        let is_kept = is_named && may_stay(before, after);
        let stop = if is_kept {
            now.stop.clone()
        } else {
            Stop::default()
        };
        open.listener
            .store(Arc::new(wanted.listener(&self.proxy, stop, counted)));
        if !is_kept {
            now.stop.stop();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> State<S> {
    /// The counts of this listener, which all its sockets share.
    fn counted(&self, name: &Arc<str>) -> Counted {
        let listeners = self.open.iter().map(|open| open.listener.load_full());
        let same = listeners
            .into_iter()
            .find(|listener| listener.name == *name);
        same.map_or_else(Counted::default, |listener| Counted {
            accepted: listener.accepted.clone(),
            open: listener.open.clone(),
        })
    }
}

impl<S> Open<S> {
    fn end(&self) {
        self.stop.stop();
        self.listener.load().stop.stop();
    }
}

/// Whether connections may stay when their listener changes; each is whether it has TLS, and whether it takes cleartext beside it.
fn may_stay(before: (bool, bool), after: (bool, bool)) -> bool {
    let takes_cleartext = |(has_tls, beside): (bool, bool)| !has_tls || beside;
    takes_cleartext(after) || !takes_cleartext(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_stay_unless_cleartext_is_over() {
        let (none, both, only) = ((false, true), (true, true), (true, false));
        for (before, after, stay) in [
            (none, both, true),
            (none, only, false),
            (both, only, false),
            (both, none, true),
            (only, only, true),
            (only, both, true),
            (only, none, true),
        ] {
            assert_eq!(may_stay(before, after), stay, "{before:?} {after:?}");
        }
    }
}

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
        let was_in_cleartext = takes_cleartext(now.tls.is_some(), now.cleartext);
        let is_in_cleartext = takes_cleartext(wanted.tls.is_some(), wanted.cleartext);
        let is_kept = is_named && (is_in_cleartext || !was_in_cleartext);
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

/// Whether cleartext is answered where there is TLS or none.
fn takes_cleartext(has_tls: bool, cleartext: bool) -> bool {
    !has_tls || cleartext
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::SystemTime;

    use super::super::backends::Backends;
    use super::super::routing::Routing;
    use super::*;
    use crate::config::server::ServerConfig;
    use crate::message::hygiene::Forwarding;
    use crate::message::trace::Observers;
    use crate::plugin::RouteChain;

    fn listeners() -> Listeners<RouteChain> {
        let routing = Routing {
            routes: Vec::new(),
            listeners: BTreeMap::new(),
            backends: Arc::new(Backends::new(&BTreeMap::new())),
            server: Arc::new(ServerConfig::default()),
            forwarding: Forwarding::default(),
        };
        let connections = TaskTracker::new();
        let observers = Arc::new(Observers::default());
        let proxy = Proxy::new(routing, 1, connections.clone(), observers);
        Listeners::new(Arc::new(proxy), connections)
    }

    /// Has this served, and says how connections hear from now on that they are to end.
    fn served(listeners: &Listeners<RouteChain>, wanted: ListenAt) -> Stop {
        let bound = listeners.bind(vec![wanted], false).unwrap();
        listeners.serve(bound);
        let state = listeners.lock();
        assert_eq!(state.open.len(), 1);
        state.open[0].listener.load().stop.clone()
    }

    #[tokio::test]
    async fn connections_end_where_cleartext_is_over_or_the_listener_is_another() {
        let listen = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let identity = || {
            let identity = ServerIdentity::self_signed(listen, SystemTime::now()).unwrap();
            Some(Arc::new(identity))
        };
        let at = |name: &str, tls: Option<Arc<ServerIdentity>>, cleartext: bool| ListenAt {
            listener: name.into(),
            address: SocketAddr::new(listen, 0),
            tls,
            cleartext,
        };
        let (first, second) = (identity(), identity());
        let all = listeners();
        let mut before = served(&all, at("main", None, true));
        // What it becomes, and whether connections of before end.
        let changes = [
            (first.clone(), true, false),
            (first.clone(), false, true),
            (second.clone(), false, false),
            (second, true, false),
            (None, true, false),
            (first.clone(), false, true),
            (None, true, false),
            (first, true, false),
        ];
        for (number, (tls, cleartext, ends)) in changes.into_iter().enumerate() {
            let now = served(&all, at("main", tls, cleartext));
            assert_eq!(before.is_stopped(), ends, "{number}");
            assert!(!now.is_stopped(), "{number}");
            before = now;
        }
        let _ = served(&all, at("other", None, true));
        assert!(before.is_stopped());
        all.stop();
    }
}

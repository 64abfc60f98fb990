//! What a user reads at the start: the plugins, where requests go, and what to do about an address that can't be had.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use crate::config::Config;
use crate::config::admin::AdminAddress;
use crate::config::backend::{BackendUrl, DEFAULT_BACKEND};
use crate::config::listener::{DEFAULT_LISTENER, ListenerConfig};
use crate::plugin::PluginStatus;
use crate::proxy::OpenSocket;
use crate::text;
use crate::tls::ServerIdentity;

/// Where clients connect, and where their requests go: one line for each address if there are several, and then the line that says
/// that the proxy is ready, with the first of them.
pub fn listening_lines(config: &Config, sockets: &[OpenSocket]) -> String {
    let mut lines = String::new();
    let url = |socket: &OpenSocket| {
        let scheme = if socket.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", socket.address)
    };
    let words = |socket: &OpenSocket| {
        let listener = config
            .listeners
            .iter()
            .find(|own| *own.name == *socket.listener);
        backend_words(config, listener.and_then(ListenerConfig::routes_of))
    };
    if let [_, _, ..] = sockets {
        for socket in sockets {
            let (url, words) = (url(socket), words(socket));
            // Writing to a string does not fail.
            let _ = writeln!(lines, "listener {}: {url} -> {words}", socket.listener);
        }
    }
    if let Some(first) = sockets.first() {
        let _ = writeln!(
            lines,
            "tollgate is ready: {} -> {}",
            url(first),
            words(first)
        );
    }
    lines
}

/// What the certificates are, each once.
pub fn certificate_lines(sockets: &[OpenSocket]) -> String {
    let mut lines = String::new();
    let mut seen: Vec<&Arc<ServerIdentity>> = Vec::new();
    for (socket, identity) in sockets
        .iter()
        .filter_map(|socket| Some((socket, socket.tls.as_ref()?)))
    {
        if seen.iter().any(|seen| Arc::ptr_eq(seen, identity)) {
            continue;
        }
        seen.push(identity);
        let of = of_listener(&socket.listener);
        let _ = writeln!(
            lines,
            "certificate{of}: SHA-256 fingerprint {}",
            identity.fingerprint()
        );
    }
    lines
}

/// Names the listener, unless it is the one without a name.
pub fn of_listener(name: &str) -> String {
    match name {
        DEFAULT_LISTENER => String::new(),
        name => format!(" of listener {name}"),
    }
}

/// Where requests go that take the routes of this listener, or those at the top.
fn backend_words(config: &Config, listener: Option<&str>) -> String {
    let routes = config.routes.iter();
    let routes: Vec<_> = routes
        .filter(|route| route.listener.as_deref() == listener)
        .collect();
    let rest = routes.iter().find(|route| route.is_everything());
    let Some(rest) = rest.and_then(|route| config.backends.get(&route.backend)) else {
        return format!("{} routes", routes.len());
    };
    let addresses: Vec<_> = rest.addresses.iter().map(BackendUrl::to_string).collect();
    let is_echo = config.echo.is_some() && config.backends.get(DEFAULT_BACKEND) == Some(rest);
    let echo = if is_echo {
        " (embedded echo backend)"
    } else {
        ""
    };
    let routes = match routes.len() {
        0 | 1 => String::new(),
        more => format!(" and {} more routes", more - 1),
    };
    // As it was shown before there was more than one: host and port alone for cleartext.
    format!(
        "{}{echo}{routes}",
        addresses.join(", ").trim_start_matches("http://")
    )
}

/// The start-up table: name, version hash, order, state.
pub fn plugin_lines(config: &Config, plugins: &[PluginStatus]) -> String {
    let mut lines = String::new();
    if plugins.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(
            lines,
            "no plugins in {} yet: drop a .wasm file there",
            config.plugins.display()
        );
        return lines;
    }
    let width = plugins
        .iter()
        .map(|plugin| plugin.name.len())
        .max()
        .unwrap_or(0)
        .max(6);
    let _ = writeln!(
        lines,
        "{:<width$}  {:<12}  {:>5}  state",
        "plugin", "version", "order"
    );
    for plugin in plugins {
        let version = plugin
            .serving
            .as_ref()
            .map_or_else(|| "-".to_owned(), |serving| serving.hash.short());
        let reason = plugin
            .error
            .as_ref()
            .map(|error| format!(": {}", text::line(error)))
            .unwrap_or_default();
        let trial = match plugin.warnings.is_empty() {
            true => String::new(),
            false => format!("; in its trial {}", text::line(&plugin.warnings.join(", "))),
        };
        let (name, order, state) = (&plugin.name, plugin.order, plugin.state());
        let _ = writeln!(
            lines,
            "{name:<width$}  {version:<12}  {order:>5}  {state}{reason}{trial}"
        );
    }
    lines
}

/// Where the page is, or the API if there is no page.
pub fn inspector_line(admin: &AdminAddress, has_page: bool) -> String {
    match (admin, has_page) {
        (AdminAddress::Tcp(address), true) => format!("inspector: http://{address}/\n"),
        (AdminAddress::Tcp(_) | AdminAddress::Unix(_), _) => format!("admin: {admin}\n"),
    }
}

pub fn admin_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process listens there: stop it, or choose with --admin"
        }
        io::ErrorKind::NotFound => "; its directory does not exist",
        _ => listen_advice(error),
    }
}

pub fn listen_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process listens there: stop it, or choose another address (--listen, `listen` or `address` in the configuration)"
        }
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 are reserved: choose another with --listen"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
        _ => "",
    }
}

pub fn echo_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process listens there: choose another address, or `echo` alone for any free one; to forward to \
             what listens there, give its URL (--backend)"
        }
        _ => "",
    }
}

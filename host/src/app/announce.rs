//! What a user reads at the start: the plugins, where requests go, and what to do about an address that can't be had.

use std::fmt::Write as _;
use std::io;

use crate::config::Config;
use crate::config::admin::AdminAddress;
use crate::config::backend::{BackendUrl, DEFAULT_BACKEND};
use crate::plugin::PluginStatus;
use crate::text;

/// Where requests go, for the ready line.
pub fn backend_words(config: &Config) -> String {
    let Some(default) = config.backends.get(DEFAULT_BACKEND) else {
        return format!("{} routes", config.routes.len());
    };
    let addresses: Vec<_> = default
        .addresses
        .iter()
        .map(BackendUrl::to_string)
        .collect();
    let echo = if config.echo.is_some() {
        " (embedded echo backend)"
    } else {
        ""
    };
    let routes = match config.routes.len() {
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
            "; another process listens there: stop it, or choose with --listen"
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

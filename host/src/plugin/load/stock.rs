//! Worlds of `wasi:http`: told by what a component exports and imports. The linker has the last word on its types.

use std::fmt;

use super::Interfaces;
use crate::plugin::contract::{INTERCEPTOR, InterfaceName, PACKAGE, versions_fit};

const HTTP: &str = "wasi:http";

/// The worlds of `wasi:http` that this host serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockWorld {
    /// `wasi:http/proxy@0.2.x`
    Proxy,
    /// `wasi:http/service@0.3.x`
    Service,
    /// `wasi:http/middleware@0.3.x`
    Middleware,
}

impl StockWorld {
    const ALL: [Self; 3] = [Self::Proxy, Self::Service, Self::Middleware];

    /// The world that a component is for, unless it is a plugin of ours too.
    pub fn of(interfaces: &Interfaces) -> Option<Self> {
        let has = |list: &[String], interface: &str, version: &str| {
            parsed(list).any(|name| {
                (name.package, name.interface) == (HTTP, interface)
                    && versions_fit(name.version, Some(version))
            })
        };
        let ours =
            |name: InterfaceName<'_>| (name.package, name.interface) == (PACKAGE, INTERCEPTOR);
        if parsed(&interfaces.exports).any(ours) {
            None
        } else if has(&interfaces.exports, "handler", "0.3.0") {
            Some(match has(&interfaces.imports, "handler", "0.3.0") {
                true => Self::Middleware,
                false => Self::Service,
            })
        } else if has(&interfaces.exports, "incoming-handler", "0.2.0") {
            Some(Self::Proxy)
        } else {
            None
        }
    }

    /// The world of this name, as `Display` writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|world| world.to_string() == name)
    }
}

fn parsed(names: &[String]) -> impl Iterator<Item = InterfaceName<'_>> {
    names.iter().filter_map(|name| InterfaceName::parse(name))
}

impl fmt::Display for StockWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StockWorld::Proxy => "wasi:http/proxy@0.2",
            StockWorld::Service => "wasi:http/service@0.3",
            StockWorld::Middleware => "wasi:http/middleware@0.3",
        })
    }
}

//! Worlds of `wasi:http`: told by what a component exports and imports. The linker has the last word on its types.

use std::fmt;

use crate::plugin::wasm::{InterfaceName, versions_fit};

const HTTP: &str = "wasi:http";

/// The worlds of `wasi:http` that this host serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandardWorld {
    /// `wasi:http/proxy@0.2.x`
    Proxy,
    /// `wasi:http/service@0.3.x`
    Service,
    /// `wasi:http/middleware@0.3.x`
    Middleware,
}

impl StandardWorld {
    const ALL: [Self; 3] = [Self::Proxy, Self::Service, Self::Middleware];

    /// The world that a component with these imports and exports is for.
    pub fn of(imports: &[String], exports: &[String]) -> Option<Self> {
        let has = |list: &[String], interface: &str, version: &str| {
            parsed(list).any(|name| {
                (name.package, name.interface) == (HTTP, interface)
                    && versions_fit(name.version, Some(version))
            })
        };
        if has(exports, "handler", "0.3.0") {
            Some(match has(imports, "handler", "0.3.0") {
                true => Self::Middleware,
                false => Self::Service,
            })
        } else if has(exports, "incoming-handler", "0.2.0") {
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

impl fmt::Display for StandardWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StandardWorld::Proxy => "wasi:http/proxy@0.2",
            StandardWorld::Service => "wasi:http/service@0.3",
            StandardWorld::Middleware => "wasi:http/middleware@0.3",
        })
    }
}

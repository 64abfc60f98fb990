//! The contract as this host serves it: `wit/v0.1`, built into the program, and what a plugin may import beside it.

use std::sync::LazyLock;

use wit_component::{StringEncoding, metadata};
use wit_parser::{PackageId, Resolve, SourceMap, WorldId};

/// The package and its version as this host has it.
pub(super) const PACKAGE: &str = "tollgate:proxy@0.1.0";
/// The name of the package alone.
pub(super) const PACKAGE_NAME: &str = "tollgate:proxy";
/// The versions that fit, as people write them.
pub(super) const TRACK: &str = "tollgate:proxy@0.1.x";
pub(super) const VERSION: &str = "0.1.0";
/// What a plugin must export, and the functions in it.
pub(super) const INTERCEPTOR: &str = "tollgate:proxy/interceptor@0.1.0";
pub(super) const FUNCTIONS: [&str; 2] = ["forward-request", "return-response"];
/// The world to bind, without its package.
pub(super) const WORLD: &str = "plugin";
/// What may be imported, for messages.
pub(super) const SERVED: &str = "tollgate:proxy/{request,response,exchange}@0.1.x, wasi:config/store@0.2.0-rc.1, \
     wasi:logging/logging@0.1.0-draft and wasi:{cli,clocks,filesystem,io,random,sockets}@0.2.x";

/// WASI 0.2 as wasmtime-wasi's linker has it. Its types are compared by the linker, not here.
const WASI_0_2: &[(&str, &[&str])] = &[
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:filesystem", &["preopens", "types"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    (
        "wasi:sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

/// The interfaces of a WASI 0.2 package; none for other packages.
pub(super) fn wasi_interfaces(package: &str) -> Option<&'static [&'static str]> {
    WASI_0_2
        .iter()
        .find(|(name, _)| *name == package)
        .map(|(_, interfaces)| *interfaces)
}

/// Our package's files, in any order; a test holds this list against the folder.
const FILES: &[(&str, &str)] = &[
    ("body.wit", include_str!("../../../../wit/v0.1/body.wit")),
    (
        "client.wit",
        include_str!("../../../../wit/v0.1/client.wit"),
    ),
    (
        "exchange.wit",
        include_str!("../../../../wit/v0.1/exchange.wit"),
    ),
    (
        "interceptor.wit",
        include_str!("../../../../wit/v0.1/interceptor.wit"),
    ),
    (
        "request.wit",
        include_str!("../../../../wit/v0.1/request.wit"),
    ),
    (
        "response.wit",
        include_str!("../../../../wit/v0.1/response.wit"),
    ),
    ("types.wit", include_str!("../../../../wit/v0.1/types.wit")),
    ("world.wit", include_str!("../../../../wit/v0.1/world.wit")),
];

/// The packages that ours needs, one file each.
const DEPENDENCIES: &[(&str, &str)] = &[
    (
        "deps/wasi-config/store.wit",
        include_str!("../../../../wit/v0.1/deps/wasi-config/store.wit"),
    ),
    (
        "deps/wasi-logging/logging.wit",
        include_str!("../../../../wit/v0.1/deps/wasi-logging/logging.wit"),
    ),
];

/// The contract's files as they stand in `wit/v0.1`: path in that folder, text.
pub(super) fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().chain(DEPENDENCIES).copied()
}

/// The contract, parsed.
pub(super) struct HostWorld {
    pub resolve: Resolve,
    /// The world `plugin`.
    pub world: WorldId,
    package: PackageId,
    /// A binary component whose one export is the world as a type, as wit-bindgen embeds it in core modules.
    pub encoded: Vec<u8>,
}

impl HostWorld {
    /// Whether our package declares this interface, served or not.
    pub fn declares(&self, interface: &str) -> bool {
        self.resolve.packages[self.package]
            .interfaces
            .contains_key(interface)
    }
}

/// Parsed at first use, about a millisecond.
#[expect(
    clippy::expect_used,
    reason = "the text is part of the program, and a test parses it"
)]
pub(super) static HOST_WORLD: LazyLock<HostWorld> =
    LazyLock::new(|| parse().expect("the built-in wit/v0.1 is valid, a test parses it"));

fn parse() -> Result<HostWorld, String> {
    let mut resolve = Resolve::default();
    for (path, text) in DEPENDENCIES {
        resolve
            .push_source(path, text)
            .map_err(|error| format!("{error:#}"))?;
    }
    let mut files = SourceMap::default();
    for (path, text) in FILES {
        files.push_str(path, *text);
    }
    let group = files.parse().map_err(|(_, error)| format!("{error:?}"))?;
    let package = resolve
        .push_group(group)
        .map_err(|error| format!("{error:?}"))?;
    let world = resolve
        .select_world(&[package], Some(WORLD))
        .map_err(|error| format!("{error:#}"))?;
    let encoded = metadata::encode(&resolve, world, StringEncoding::UTF8, None)
        .map_err(|error| format!("{error:#}"))?;
    Ok(HostWorld {
        resolve,
        world,
        package,
        encoded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_parses_and_agrees_with_the_constants() {
        let host = parse().unwrap();
        assert_eq!(
            host.resolve.packages[host.package].name.to_string(),
            PACKAGE
        );
        assert_eq!(PACKAGE, format!("{PACKAGE_NAME}@{VERSION}"));
        let exports: Vec<_> = host.resolve.worlds[host.world].exports.keys().collect();
        assert_eq!(exports.len(), 1);
        assert_eq!(host.resolve.name_world_key(exports[0]), INTERCEPTOR);
        let interceptor = host.resolve.packages[host.package].interfaces["interceptor"];
        assert!(
            host.resolve.interfaces[interceptor]
                .functions
                .keys()
                .eq(FUNCTIONS.iter())
        );
    }

    #[test]
    fn every_file_of_the_contract_is_built_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/v0.1");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter(|name| name.ends_with(".wit"))
            .collect();
        found.sort();
        assert!(
            found.iter().eq(FILES.iter().map(|(name, _)| name)),
            "{found:?}"
        );
    }
}

//! What a plugin may import of WASI, beside the contract.

use crate::plugin::wasm::{InterfaceName, versions_fit};

/// The release that is served, with all that fit.
const VERSION: &str = "0.2.0";

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

/// All of it, for messages.
pub(super) const SERVED: &str = "wasi:{cli,clocks,filesystem,io,random,sockets}@0.2.x";

/// Whether this host has it.
pub(super) fn has(name: &InterfaceName<'_>) -> bool {
    has_other_version(name) && versions_fit(name.version, Some(VERSION))
}

/// Whether this host has it in some version.
pub(super) fn has_other_version(name: &InterfaceName<'_>) -> bool {
    WASI_0_2.iter().any(|(package, interfaces)| {
        *package == name.package && interfaces.contains(&name.interface)
    })
}

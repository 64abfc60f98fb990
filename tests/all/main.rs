//! Every test of the whole: one file a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails loudly"
)]

/// HTTP/1.1 byte for byte: tables of what goes in and what comes out.
mod wire;

/// Messages without plugins: nothing is lost, added or decoded.
mod passthrough;

/// Where messages begin and end.
mod framing;

/// Lengths, trailers, interim responses, half-closed clients.
mod fields;

/// Peers that break the rules.
mod hostile;

/// Order, verdicts, rules, notes, settings.
mod chain;

/// Heads that plugins make.
mod heads;

/// Bodies that plugins read and replace.
mod bodies;

/// What plugins put in place of a body, and the fields that described the old one.
mod described;

/// Bodies that stream past.
mod streaming;

/// Plugins that fail, and who is hurt by it.
mod failures;

/// Error answers of the host: their form, and what plugins add to them.
mod errors;

/// File descriptors that run out.
mod descriptors;

/// Guests that wait.
mod waiting;

/// Backends that plugins choose.
mod backends;

/// Work that no exchange asks for.
mod background;

/// The admin API: who may ask, and what an operator can do to plugins while requests pass them.
mod admin;

/// Tapes in the place of backends.
mod played;

/// Requests of a tape sent again.
mod sent;

/// Idle instances, and what they give way to.
mod idle;

/// The first calls of a new version.
mod trial;

/// Several addresses for clients, with routes of their own.
mod listeners;

/// Plugins that change while the proxy runs.
mod reload;

/// What stands in the plugins directory beside good files, or in their place.
mod files;

/// Plugins that must not be missing.
mod required;

/// Configuration that stands beside a plugin.
mod beside;

/// What a plugin's settings must be like.
mod schema;

/// What becomes of a file, when, and who is told.
mod verdicts;

/// Requests that are made to miss a plugin.
mod dodges;

/// Files that are no plugins.
mod refused;

/// What is left of old versions: nothing.
mod retire;

/// Bodies that plugins rewrite as they flow.
mod rewriting;

/// Messages of WebSockets that plugins get.
mod websocket;

/// The configuration file while the proxy runs.
mod configuration;

/// Table, ready line, mistakes, exit codes.
mod startup;

/// The log: what is in it, and that a stderr which takes nothing costs nothing else.
mod logging;

/// What plugins count and measure.
mod metrics;

/// What is kept of exchanges that are over.
mod recording;

/// What plugins keep and whom they call.
mod services;

/// What plugins keep, when its place fails.
mod faults;

/// Signals and draining.
mod shutdown;

/// From nothing to a plugin: new, build, dev.
mod tools_make;

/// `check` and `test`: plugins looked at and tried without a proxy.
mod tools_examine;

/// `tape`: recorded exchanges looked at, filtered, and exchanged with HARs.
mod tape;

/// `run --record` and `what-if`: exchanges that are kept and tried again.
mod taped;

/// Style that a machine can check.
mod tidy;

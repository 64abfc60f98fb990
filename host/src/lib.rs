//! Tollgate: a proxy whose behaviour is WebAssembly plugins.
//!
//! Two straight lines that meet in one type:
//!
//! ```text
//! A request                                         A plugin
//! accept → connection → exchange → flow → upstream  watch → load → compile → swap → retire
//!                                   │                                         │
//!                                   └────── chain of `Link`s (interceptor) ───┘
//! ```
//!
//! [`proxy`] and [`plugin`] never import each other. What both know is [`interceptor`] and [`message`]. [`app`] is the
//! only file that knows everyone. `tests/all/tidy.rs` holds this.

pub mod counted;
pub mod descriptors;
pub mod dial;
pub mod matching;
pub mod metrics;
pub mod stamp;
pub mod text;
pub mod timer;

pub mod cli;
pub mod config;
pub mod essential;
pub mod telemetry;

pub mod message;

pub mod record;

pub mod tls;

pub mod outbound;

pub mod interceptor;

pub mod store;

pub mod access_log;

pub mod export;

pub mod otlp;

pub mod proxy;

pub mod plugin;

pub mod echo;

pub mod what_if;

pub mod admin;

pub mod app;

pub mod tools;

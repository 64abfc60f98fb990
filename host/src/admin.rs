//! The listener for whoever runs the proxy: is it alive, may it be sent traffic, what do its plugins do, and orders to them. It
//! is not the clients' port, so that no route and no plugin can hide it.
//!
//! `listen` takes connections, `guard` says who may ask, `routes` who answers; `view` is what is shown of an exchange.

mod api;
mod guard;
mod input;
mod listen;
mod openapi;
mod page;
mod problem;
mod ready;
mod routes;
mod state;
mod throughput;
mod token;
mod turn;
pub mod view;

pub use guard::Guard;
pub use listen::{AdminListener, serve};
pub use page::has_page;
pub use ready::Readiness;
pub use state::{Admin, ReloadOrder, Reloaded};
pub use throughput::Throughput;
pub use token::{Token, TokenError};
pub use turn::WhatIfTurn;

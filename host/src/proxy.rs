//! The request's straight line: accept → connection → exchange → chain → upstream, and `respond` for what goes wrong.
//!
//! Nothing here knows that interceptors are WebAssembly; see [`crate::interceptor`].

mod accept;
mod chain;
mod connection;
mod error;
mod exchange;
mod respond;
mod upstream;

pub use accept::{accept, bind};
pub use exchange::Proxy;
pub use upstream::Upstream;

//! A bare hyper reverse proxy: the floor that tollgate is measured against.
//!
//! It does what every reverse proxy must do (keep-alive both ways, pooled backend connections, bodies that stream,
//! hop-by-hop fields removed) and nothing else: no log, no limit, no timeout, no plugin. It runs in several shapes, so
//! that `shape.py` can tell what a runtime's shape and a client pool cost. `SHAPE.md` has the outcome.

mod args;
mod forward;
mod inline;
mod pool;
mod shape;

use std::process::ExitCode;

/// The allocator of tollgate, so that the two differ in nothing but what tollgate does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = args::parse(std::env::args().skip(1))
        .and_then(|args| shape::run(&args).map_err(|e| e.to_string()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bare-proxy: {message}");
            ExitCode::FAILURE
        }
    }
}

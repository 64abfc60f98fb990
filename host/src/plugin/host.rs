//! What a plugin can reach, whatever version of the contract it was made for: the state in its store, and one child
//! file for each thing that an interface is about. The versions (`plugin/contract`) put it into their types.

mod body;
mod described;
pub mod exchange;
pub mod fields;
mod logging;
pub mod request;
pub mod response;
mod settings;
mod stdio;

use std::sync::Arc;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::contract::Contracts;
use super::facts::Facts;
use super::instance::Pace;
use super::limits::{CpuBudget, MemoryLimiter};
use crate::message::{BodyError, Exchange};

pub use described::{Described, DescribedSides};
pub use fields::FieldError;
pub use stdio::Voice;

/// The state of one instance.
///
/// At rest it holds a blank exchange; the one in hand is swapped in for a call and out after it.
#[derive(Debug)]
pub struct State {
    pub exchange: Box<Exchange>,
    pub memory: MemoryLimiter,
    pub budget: CpuBudget,
    pub growth: HeadGrowth,
    /// The last body that the call in hand could not have.
    pub body_error: Option<BodyError>,
    /// The last critical line that the call in hand logged: why a plugin's library traps, if it does.
    pub last_words: Option<String>,
    /// What the call in hand has said itself about the bytes of the two bodies.
    pub described: DescribedSides,
    /// What the plugin prints and logs.
    pub voice: Voice,
    /// How the call in hand runs.
    pub pace: Pace,
    pub facts: Arc<Facts>,
    wasi: Wasi,
}

/// What the call in hand has added to the two heads.
#[derive(Debug)]
pub struct HeadGrowth {
    pub request: fields::Growth,
    pub response: fields::Growth,
}

/// WASI for one instance: clocks and randomness, but no files, sockets, arguments or environment.
struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl std::fmt::Debug for Wasi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wasi")
    }
}

impl State {
    /// The state of a new instance of this plugin.
    pub fn new(facts: Arc<Facts>) -> Self {
        let mut wasi = WasiCtx::builder();
        let voice = Voice::new(&facts);
        wasi.stdout(voice.stdout());
        wasi.stderr(voice.stderr());
        facts.ambient.apply(&mut wasi);
        Self {
            exchange: Box::new(Exchange::probe()),
            memory: MemoryLimiter::new(facts.limits.memory),
            budget: CpuBudget::new(facts.cpu_ticks()),
            growth: HeadGrowth {
                request: fields::Growth::new(facts.config.max_head),
                response: fields::Growth::new(facts.config.max_head),
            },
            body_error: None,
            last_words: None,
            described: DescribedSides::default(),
            voice,
            pace: Pace::Yielding,
            wasi: Wasi {
                ctx: wasi.build(),
                table: ResourceTable::new(),
            },
            facts,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi.ctx,
            table: &mut self.wasi.table,
        }
    }
}

/// Offers a plugin everything that it may import.
///
/// # Errors
/// None that a plugin could cause: the same names twice would be a mistake of ours.
pub fn add_to_linker(linker: &mut Linker<State>, contracts: Contracts) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    contracts.add_to_linker(linker)
}

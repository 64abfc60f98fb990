//! The two engines of the process, with the reason for every setting.
//!
//! An engine owns code memory, so there is one for each compiler and never one for each plugin: code of a retired plugin
//! is freed, memory stays flat. Figures come from measurements on wasmtime 48 (see `CONTRIBUTING.md`).

use std::sync::Arc;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy,
};

use super::clock;

/// Instances of each engine that can exist at once, at rest or waiting. Only address space is set aside for them.
pub const INSTANCES: u32 = 2000;

/// The same for standard components, of which each request has one to itself until its answer is complete.
const STANDARD_INSTANCES: u32 = 1000;

/// A component is a handful of core modules: the plugin, its adapter, the shims that join them.
const CORE_INSTANCES_PER_COMPONENT: u32 = 20;

/// Bytes of a freed slot that stay mapped; with the kernel's pagemap scan only those that were touched are cleared. They stay
/// for as long as the process lives, in every slot that was ever used: as much as a small plugin touches, and no more.
const KEEP_RESIDENT: usize = 256 << 10;
const TABLE_KEEP_RESIDENT: usize = 64 << 10;

/// What a guest may use of a stack; the rest of it belongs to host functions, where an overrun aborts the process.
const WASM_STACK: usize = 512 << 10;
const STACK: usize = 2 << 20;

/// Stacks for guests that make room for what they waited for while their own stack waits (`kind/hooks/abi/functions.rs`): few
/// at a time, because that takes microseconds.
const STACKS_FOR_RESULTS: u32 = 100;

/// How code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Winch: one pass, five to ten times faster to compile, about two thirds slower to run. Serves first.
    Baseline,
    /// Cranelift: swapped in behind.
    Optimized,
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Tier::Baseline => "baseline",
            Tier::Optimized => "optimized",
        })
    }
}

/// What engines are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Interceptors,
    StandardComponents,
}

/// Both engines. They live as long as the process.
#[derive(Clone)]
pub struct Engines {
    baseline: Engine,
    optimized: Engine,
}

impl std::fmt::Debug for Engines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engines").finish_non_exhaustive()
    }
}

impl Engines {
    /// Makes the engines, whose guests the clock interrupts.
    ///
    /// # Errors
    /// When the machine can't run them; wasmtime says why.
    pub fn new(max_memory: u64) -> wasmtime::Result<Arc<Self>> {
        Self::of(Purpose::Interceptors, max_memory)
    }

    /// Engines for components whose functions may run at the same time, as those of WASI 0.3 do.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn for_standard_components(max_memory: u64) -> wasmtime::Result<Arc<Self>> {
        Self::of(Purpose::StandardComponents, max_memory)
    }

    fn of(purpose: Purpose, max_memory: u64) -> wasmtime::Result<Arc<Self>> {
        let engines = Self {
            baseline: engine(Strategy::Winch, purpose, max_memory)?,
            optimized: engine(Strategy::Cranelift, purpose, max_memory)?,
        };
        clock::interrupt([&engines.baseline, &engines.optimized])?;
        Ok(Arc::new(engines))
    }

    /// Stands for everything about an engine that compiled code depends on: its version, settings and the CPU.
    pub fn fingerprint(&self, tier: Tier) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = twox_hash::XxHash3_64::with_seed(0);
        self.get(tier)
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        hasher.finish()
    }

    pub fn get(&self, tier: Tier) -> &Engine {
        match tier {
            Tier::Baseline => &self.baseline,
            Tier::Optimized => &self.optimized,
        }
    }
}

fn engine(strategy: Strategy, purpose: Purpose, max_memory: u64) -> wasmtime::Result<Engine> {
    let mut config = base(strategy, purpose);
    let instances = match purpose {
        Purpose::Interceptors => INSTANCES,
        Purpose::StandardComponents => STANDARD_INSTANCES,
    };
    let pool = pooling(instances, max_memory);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).or_else(|error| {
        // Under `ulimit -v` or strict overcommit the address space for the pool can't be had.
        tracing::warn!(
            "no pool of instances ({error:#}); making each one on demand, which is slower"
        );
        Engine::new(&base(strategy, purpose))
    })
}

fn base(strategy: Strategy, purpose: Purpose) -> Config {
    let mut config = Config::new();
    config.strategy(strategy);
    // Our world has no concurrent guests; without the support for them a call costs 0.13 us and not 0.39.
    config.concurrency_support(purpose == Purpose::StandardComponents);
    // 7 to 20 % of a guest's speed, and the only way to stop one that never returns.
    config.epoch_interruption(true);
    // Off: fuel would cost another 20 %, and the clock bounds time already.
    config.consume_fuel(false);
    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(STACK);
    // Bounded by the pool of threads that compiles; see `compile.rs`.
    config.parallel_compilation(true);
    // Offsets of instructions help nobody who has no debugger at hand; function names are kept without them.
    config.generate_address_map(false);
    // Memory images are mapped, not copied: a 12 MB JavaScript component starts in 8 us.
    config.memory_init_cow(true);
    // A plugin's author needs the function names of a trap; the rest of a backtrace is noise.
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8));
    config
}

fn pooling(instances: u32, max_memory: u64) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    pool.total_core_instances(instances * 4);
    pool.total_memories(instances);
    pool.total_tables(instances * 2);
    pool.total_stacks(instances + STACKS_FOR_RESULTS);
    pool.max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT);
    pool.max_memories_per_component(CORE_INSTANCES_PER_COMPONENT);
    pool.max_tables_per_component(CORE_INSTANCES_PER_COMPONENT);
    pool.max_component_instance_size(1 << 20);
    pool.max_core_instance_size(1 << 20);
    pool.max_memory_size(usize::try_from(max_memory).unwrap_or(usize::MAX));
    pool.table_elements(100_000);
    pool.linear_memory_keep_resident(KEEP_RESIDENT);
    pool.table_keep_resident(TABLE_KEEP_RESIDENT);
    pool.pagemap_scan(Enabled::Auto);
    // Slots that were used are used again before new ones are; more than these would stay resident beside them.
    pool.max_unused_warm_slots(16);
    pool
}

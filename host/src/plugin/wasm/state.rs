//! What is in the store of every guest, whatever its kind.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView};

use super::clock::ClockGoes;
use super::limits::MemoryLimiter;
use super::version::PluginVersion;
use super::voice::Voice;

/// What one instance is, has and says. Its WASI has clocks and randomness, but no files, sockets or arguments.
pub struct GuestState {
    pub version: Arc<PluginVersion>,
    pub memory: MemoryLimiter,
    /// What it prints and logs.
    pub voice: Voice,
    pub table: ResourceTable,
    wasi: WasiCtx,
    _clock: ClockGoes,
}

impl std::fmt::Debug for GuestState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestState")
            .field("plugin", &self.version.name)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

impl GuestState {
    /// Of a new instance of this version, with these environment variables.
    pub fn new(version: &Arc<PluginVersion>, environment: &[(String, String)]) -> Self {
        let voice = Voice::new(version);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(voice.stdout());
        wasi.stderr(voice.stderr());
        wasi.envs(environment);
        for name in &version.config.allow.environment {
            if let Ok(value) = std::env::var(name) {
                wasi.env(name, value);
            }
        }
        version.ambient.apply(&mut wasi);
        Self {
            version: version.clone(),
            memory: MemoryLimiter::new(version.limits.memory, version.counters().cloned()),
            voice,
            table: ResourceTable::new(),
            wasi: wasi.build(),
            _clock: ClockGoes::new(),
        }
    }

    pub fn wasi(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

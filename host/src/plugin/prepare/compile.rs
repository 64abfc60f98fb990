//! Step 2: from a plugin that is checked to code that is linked, with the time that it took.

use std::sync::Arc;
use std::time::Instant;

use super::{PluginError, Workbench, allowed};
use crate::metrics::CompiledBy;
use crate::plugin::kind::wasi_http::StandardComponent;
use crate::plugin::kind::{Guest, PluginKind};
use crate::plugin::load::Loaded;
use crate::plugin::wasm::{CompileError, PluginVersion, Tier};

impl Workbench {
    /// Compiles and links in one tier.
    ///
    /// # Errors
    /// When the compiler declines, or a standard component is not allowed.
    pub fn compile(
        &self,
        version: &Arc<PluginVersion>,
        loaded: &Loaded,
        tier: Tier,
    ) -> Result<Guest, PluginError> {
        let began = Instant::now();
        let compiled = self.compile_now(version, loaded, tier);
        if let (Ok(_), Some(counters)) = (&compiled, version.counters()) {
            let by = match tier {
                Tier::Baseline => CompiledBy::Baseline,
                Tier::Optimized => CompiledBy::Optimizing,
            };
            counters.compiled(by, began.elapsed());
        }
        compiled
    }

    fn compile_now(
        &self,
        version: &Arc<PluginVersion>,
        loaded: &Loaded,
        tier: Tier,
    ) -> Result<Guest, PluginError> {
        let (min, limit) = (loaded.min_memory, version.config.limits.memory);
        if min > limit {
            return Err(CompileError::Memory { min, limit }.into());
        }
        match loaded.kind {
            PluginKind::Interceptor(contract) => {
                let code = self.compiler.compile(&loaded.component, contract, tier)?;
                allowed(self.hooks(version, tier, code))
            }
            PluginKind::Standard(world) if !version.config.standard => {
                Err(PluginError::StandardOff(world))
            }
            PluginKind::Standard(world) => {
                let compiler = self.standard.get();
                let compiler =
                    compiler.map_err(|why| PluginError::StandardEngine(why.to_owned()))?;
                let threads = self.compiler.threads();
                let code = compiler.compile(&loaded.component, tier, threads)?;
                let component = StandardComponent::new(version.clone(), tier, world, code);
                Ok(Guest::Around(Arc::new(component)))
            }
        }
    }
}

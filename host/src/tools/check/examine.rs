//! One file, taken as far as the loader would take it, with what each step took.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::findings::{CheckRefusal, Compiled, Findings, PluginDescription};
use super::imports::import;
use super::times;
use crate::config::{Allow, Config, PluginConfig, PluginLimits};
use crate::interceptor::InterceptError;
use crate::plugin::load::{self, Loaded};
use crate::plugin::{self, beside, watch};
use crate::plugin::{
    CompileError, ContentHash, Guest, PluginError, PluginKind, PluginVersion, Tier,
};
use crate::tools::lab::Lab;

/// What is needed to look at plugins.
pub(super) struct Examiner {
    lab: Lab,
    config: Option<Config>,
}

impl Examiner {
    /// # Errors
    /// When the machine can't run the engine; says why.
    pub(super) fn new(config: Option<Config>) -> Result<Self, String> {
        let memory = config
            .as_ref()
            .map_or(PluginLimits::default().memory, Config::most_memory);
        let lab = Lab::new(None, memory)?;
        Ok(Self { lab, config })
    }

    /// Finds out what can be found out, and the first thing that stands in the way of service.
    pub(super) fn examine(&self, path: &Path) -> (Findings, Result<(), CheckRefusal>) {
        let mut findings = Findings::default();
        let result = self.steps(path, &mut findings);
        (findings, result)
    }

    fn steps(&self, path: &Path, findings: &mut Findings) -> Result<(), CheckRefusal> {
        findings.size = fs::metadata(path).ok().map(|metadata| metadata.len());
        let bytes = load::read(path, load::DEFAULT_MAX_SIZE).map_err(PluginError::from)?;
        let hash = ContentHash::of(&bytes);
        findings.hash = Some(hash);
        let schema = watch::schema_beside(path).filter(|path| path.exists());
        let schema = plugin::settings_schema(&bytes, schema.as_deref())?;
        let loaded = load::load(bytes).map_err(PluginError::from)?;
        let name = name(path);
        let config = self.plugin_config(&name, path)?;
        findings.loaded = Some(about(&loaded, &config.allow)?);
        findings.schema.clone_from(&schema);
        let version = self.lab.version(&name, hash, config, schema)?;
        let guest = self.compile(&version, &loaded, findings)?;
        findings.linking = guest.linking().cloned();
        let trial = self.lab.trial(&guest)?;
        findings.works = true;
        findings.failed = trial.handle.clone();
        findings.trial = matches!(guest, Guest::Hooks(_)).then_some(trial);
        use InterceptError::{Next, Returned};
        if !matches!(findings.failed, None | Some(Returned(_) | Next(_))) {
            // Its other calls would fail as this one did.
            return Ok(());
        }
        findings.calls = self.lab.runtime.block_on(times::time_calls(&guest))?;
        Ok(())
    }

    /// In both tiers; the better one that works goes on. What one compiler declines the loader leaves to the other.
    fn compile(
        &self,
        version: &Arc<PluginVersion>,
        loaded: &Loaded,
        findings: &mut Findings,
    ) -> Result<Guest, PluginError> {
        let compile = |tier| {
            let start = Instant::now();
            let guest = self.lab.compile(version, loaded, tier);
            (start.elapsed(), guest)
        };
        let (time, baseline) = compile(Tier::Baseline);
        let declined = |guest: &Result<Guest, PluginError>| {
            matches!(
                guest,
                Ok(_) | Err(PluginError::Compile(CompileError::Compile(_)))
            )
        };
        if !declined(&baseline) {
            return baseline;
        }
        findings.baseline = Some(compiled(time, &baseline));
        let (time, optimized) = compile(Tier::Optimized);
        findings.optimized = Some(compiled(time, &optimized));
        match (optimized, baseline) {
            (Ok(guest), _) | (Err(_), Ok(guest)) => Ok(guest),
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// What the given configuration and the file beside the plugin say of it.
    fn plugin_config(&self, name: &str, path: &Path) -> Result<PluginConfig, PluginError> {
        let beside = watch::config_beside(path).filter(|path| path.exists());
        let backends = self.config.as_ref().map(Config::backend_names);
        let read = |path: &Path| beside::read(path, backends.as_ref());
        let beside = beside.as_deref().map(read).transpose()?;
        Ok(match &self.config {
            Some(config) => config.for_plugin_beside(name, beside.as_ref()),
            None => PluginConfig {
                standard: true,
                ..beside.unwrap_or_default().config(PluginLimits::default())
            },
        })
    }
}

fn compiled(time: Duration, guest: &Result<Guest, PluginError>) -> Compiled {
    match guest {
        Ok(_) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

fn about(loaded: &Loaded, allow: &Allow) -> Result<PluginDescription, PluginError> {
    let interfaces = load::interfaces(&loaded.component)?;
    let can_be_granted = matches!(loaded.kind, PluginKind::Interceptor(_));
    let allow = can_be_granted.then_some(allow);
    Ok(PluginDescription {
        contract: loaded.kind.to_string(),
        kind: loaded.source.to_string(),
        component_size: loaded.component.len() as u64,
        imports: interfaces
            .imports
            .iter()
            .map(|name| import(name, allow))
            .collect(),
        exports: interfaces.exports,
    })
}

/// The name that a plugin file gives its plugin.
fn name(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

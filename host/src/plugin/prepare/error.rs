//! Why a plugin can't go into service.

use std::time::Duration;

use crate::interceptor::{Hook, InterceptError};
use crate::plugin::beside::PluginFileError;
use crate::plugin::kind::wasi_http::StandardWorld;
use crate::plugin::load::LoadError;
use crate::plugin::schema::{SchemaError, SettingsMistakes};
use crate::plugin::wasm::{CompileError, ServiceError};
use crate::text;

/// Why a file can't go into service.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// Names and texts of the file are in it.
    #[error("{}", text::lines(&.0.to_string()))]
    Load(#[from] LoadError),
    #[error("it {}", text::lines(&.0.to_string()))]
    Compile(#[from] CompileError),
    #[error(
        "a standard component for {0}, which the configuration doesn't allow; to serve it set `standard-components = true` \
         (or --standard-components)"
    )]
    StandardOff(StandardWorld),
    #[error("a standard component, and the engine for those can't be started: {0}")]
    StandardEngine(String),
    /// With the lines of the configuration that would grant it.
    #[error(
        "it imports what the configuration does not allow it; to allow it, add these lines to the configuration:\n{lines}\n\
         (or to {name}.toml beside the plugin's file, with [allow] as the first line)"
    )]
    NotAllowed { lines: String, name: String },
    /// With where it is from.
    #[error("{0}")]
    Schema(#[from] SchemaError),
    #[error("{0}")]
    Settings(#[from] SettingsMistakes),
    /// With the file's name and lines.
    #[error("{}", text::lines(&.0.to_string()))]
    Config(#[from] PluginFileError),
    #[error("its state can't be used: {0}")]
    State(#[from] ServiceError),
    #[error("its lifecycle.start returned an error: {0}")]
    NotStarted(String),
    #[error("it can't be started: it {0}")]
    Start(InterceptError),
    /// A mistake of ours; the log has the panic.
    #[error("it made the host's own loader fail")]
    Loader,
    #[error("its first call of {hook} failed: it {error}")]
    FirstCall { hook: Hook, error: InterceptError },
    #[error(
        "its trial was given up: after {limit:?} in all it was still waiting in {}; a plugin that must wait that long in \
         its first calls needs a higher `limits.trial`",
        call_words(.hook.as_ref())
    )]
    TrialStalled { hook: Option<Hook>, limit: Duration },
}

fn call_words(hook: Option<&Hook>) -> String {
    hook.map_or_else(
        || "its start-up".to_owned(),
        |hook| format!("its first call of {hook}"),
    )
}

impl PluginError {
    /// Whether the same file may be fine a little later: calls under way have all instances that there can be.
    pub fn is_for_now(&self) -> bool {
        matches!(
            self,
            PluginError::Start(InterceptError::Unavailable(_))
                | PluginError::FirstCall {
                    error: InterceptError::Unavailable(_),
                    ..
                }
        )
    }

    /// Whether the file may be a copy that isn't finished.
    pub fn could_be_incomplete(&self) -> bool {
        match self {
            PluginError::Load(error) => error.could_be_incomplete(),
            // Function bodies are checked by the compiler; a hole in the file is found there.
            PluginError::Compile(CompileError::Compile(_)) => true,
            PluginError::Config(_) | PluginError::Schema(_) => true,
            PluginError::Compile(_)
            | PluginError::StandardOff(_)
            | PluginError::StandardEngine(_)
            | PluginError::NotAllowed { .. }
            | PluginError::State(_)
            | PluginError::Settings(_)
            | PluginError::NotStarted(_)
            | PluginError::Start(_)
            | PluginError::Loader
            | PluginError::FirstCall { .. }
            | PluginError::TrialStalled { .. } => false,
        }
    }
}

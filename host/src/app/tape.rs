//! A tape as a backend: read whole at the start, and again when the backend's settings change.

use std::path::Path;

use crate::config::backend::BackendConfig;
use crate::proxy::upstream::Backend;
use crate::record::answers::{self, Answers};
use crate::text;

/// # Errors
/// When the file can't be read, or has no answer; says which and why.
pub fn backend(name: &str, config: &BackendConfig, path: &Path) -> Result<Backend, String> {
    let shown = text::path(path);
    let (exchanges, torn) = answers::read(path).map_err(|error| format!("{shown}: {error}"))?;
    if let Some(bytes) = torn {
        tracing::warn!(
            "backend {name}: {shown}: the last {bytes} bytes are a record that was not written to its end; they are skipped"
        );
    }
    let answers = Answers::new(exchanges, config.replay.rules.clone());
    let counts = answers.counts();
    tracing::info!(
        "backend {name}: {} answers from {shown}; no server is asked",
        counts.answers
    );
    if counts.unusable > 0 {
        tracing::warn!(
            "backend {name}: {} of {} answers of {shown} can't be given, most likely because their bodies were not kept whole; \
             record again with a larger record.body",
            counts.unusable,
            counts.answers
        );
    }
    if counts.masked > 0 {
        tracing::warn!(
            "backend {name}: {} of {} answers of {shown} have [masked] in the place of secrets and are given so; to have the \
             secrets on a tape, record with record.mask-defaults = false",
            counts.masked,
            counts.answers
        );
    }
    Ok(Backend::from_tape(name, config.clone(), answers))
}

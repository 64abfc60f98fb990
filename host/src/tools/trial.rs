//! The trial of a plugin that was built: the first calls that the proxy makes of a new version, before anybody serves it.

use std::path::Path;

use super::conditions::Conditions;
use super::lab::Lab;
use super::project::Project;
use super::test;
use crate::config::Settings;
use crate::plugin::{PluginError, Trial};
use crate::text;

/// Settings of cases that are tried; who has more of them than this has given enough.
const MOST_SETTINGS: usize = 8;

/// What came of a trial that the proxy would let pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// What was amiss though the proxy would serve it: `HOOK returned an error: TEXT`.
    pub errors: Vec<String>,
    /// The case whose settings the plugin had; none if it had those of the project, or none at all.
    pub case: Option<String>,
    /// Whether anybody said anything of settings.
    pub has_settings: bool,
}

impl Tried {
    fn of(trial: &Trial) -> Self {
        Self {
            errors: trial.warnings(),
            ..Self::default()
        }
    }

    /// One line for each of them.
    pub fn warnings(&self) -> Vec<String> {
        let advice = match (self.has_settings, &self.case) {
            (false, None) => {
                " (it was called without settings; `[test.settings]` in plugin.toml gives it some)"
            }
            _ => "",
        };
        let warning = |error: &String| {
            let error = text::lines(error);
            format!("warning: in its trial {error}{advice}")
        };
        self.errors.iter().map(warning).collect()
    }
}

/// Tries a component with the settings that the project has for tests. Without such it is tried without settings and, if it
/// doesn't like that, with those of its cases: what a plugin says of settings that are missing is no verdict on its code.
///
/// # Errors
/// Why the proxy would refuse it, in its words.
pub fn of_project(lab: &Lab, project: &Project, component: &[u8]) -> Result<Tried, PluginError> {
    let given = &project.conditions;
    let first = once(lab, &project.name, component, given);
    if given.settings.is_some() {
        return first.map(|tried| Tried {
            has_settings: true,
            ..tried
        });
    }
    if first.as_ref().is_ok_and(|tried| tried.errors.is_empty()) {
        return first;
    }
    let mut best = first;
    for (case, settings) in of_cases(&project.tests, given) {
        let conditions = Conditions {
            settings: Some(settings),
            ..given.clone()
        };
        let Ok(tried) = once(lab, &project.name, component, &conditions) else {
            continue;
        };
        let tried = Tried {
            case: Some(case),
            has_settings: true,
            ..tried
        };
        if tried.errors.is_empty() {
            return Ok(tried);
        }
        best = best.or(Ok(tried));
    }
    best
}

/// As the proxy does it: with the machine's own time and randomness.
fn once(
    lab: &Lab,
    name: &str,
    component: &[u8],
    conditions: &Conditions,
) -> Result<Tried, PluginError> {
    let guest = lab.plugin(name, component.to_vec(), conditions.config())?;
    lab.trial(&guest).map(|trial| Tried::of(&trial))
}

/// The settings in the cases of a directory, each once, with the first case that has them.
fn of_cases(tests: &Path, given: &Conditions) -> Vec<(String, Settings)> {
    let mut found: Vec<(String, Settings)> = Vec::new();
    for (case, settings) in test::settings_of_cases(tests, given) {
        if found.iter().all(|(_, other)| *other != settings) && found.len() < MOST_SETTINGS {
            found.push((case, settings));
        }
    }
    found
}

//! Metrics of a plugin.

use tracing::Level;

use super::state::HooksState;
use crate::metrics::{MetricRefusal, PluginMetrics};

impl HooksState {
    /// Records something by these means. If that can't be, the log says why, once for each name and reason.
    pub fn record_metric(
        &mut self,
        name: &str,
        record: impl FnOnce(&PluginMetrics) -> Result<(), MetricRefusal>,
    ) {
        let Some(of_plugin) = &self.guest.version.services.metrics else {
            return;
        };
        let metrics = match &mut self.trial {
            Some(trial) => trial.metrics(of_plugin),
            None => of_plugin,
        };
        if let Err(why) = record(metrics)
            && metrics.is_news(name, &why)
        {
            let shown: String = name.chars().take(LONGEST_SHOWN).collect();
            let text = format!("nothing was recorded for the metric {shown:?}: {why}");
            self.guest.voice.log(Level::WARN, &text);
        }
    }
}

/// Letters of a name that is too long to be one.
const LONGEST_SHOWN: usize = 120;

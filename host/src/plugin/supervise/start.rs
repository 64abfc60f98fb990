//! The start: every file that is there gets its verdict before the first request.

use tokio::time::Instant;

use super::state::{Start, Supervised, Supervisor};

impl Supervisor {
    pub(super) fn scanned(&mut self) {
        self.scanned = true;
        if let Some(start) = &mut self.started {
            start.scanned = Some(Instant::now());
        }
    }

    /// Tells whoever waits that every file has its verdict: it serves, it is refused, or it has not come to rest for too
    /// long.
    pub(super) fn tell_started(&mut self) {
        let Some(deadline) = self.started.as_ref().and_then(Start::deadline) else {
            return;
        };
        let late = Instant::now() >= deadline;
        let judged = |plugin: &Supervised| plugin.loading.is_none() && plugin.judged;
        let mut plugins = self.plugins.values();
        if !plugins.all(|plugin| judged(plugin) || (late && plugin.tried)) {
            return;
        }
        for (name, _) in self.plugins.iter().filter(|(_, plugin)| !judged(plugin)) {
            let file = self.files.get(name).map(|files| files.first().display());
            let file = file.map_or_else(String::new, |file| file.to_string());
            tracing::warn!(
                "plugin {name}: {file} keeps changing or is incomplete; the start goes on without it"
            );
        }
        let start = self.started.take();
        self.remark();
        self.publish();
        // Nobody may be waiting any more.
        let _ = start.map(|start| start.done.send(()));
    }
}

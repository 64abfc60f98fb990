//! `wasi:config/store`: the plugin's own settings.

use super::State;
use crate::plugin::contract::settings as store;

impl store::Host for State {
    fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        let settings = &self.facts.config.settings;
        Ok(settings
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.clone()))
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        Ok(self.facts.config.settings.clone())
    }
}

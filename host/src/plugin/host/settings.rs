//! `wasi:config/store`: the plugin's own settings.

use super::standard::settings as store;
use super::state::HooksState;

impl store::Host for HooksState {
    fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        let settings = &self.guest.version.config.settings.texts();
        Ok(settings
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.clone()))
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        Ok(self.guest.version.config.settings.texts().to_vec())
    }
}

//! Outbound requests of a plugin.

use std::sync::Arc;

use super::state::HooksState;
use crate::outbound::{CallBudget, CallError, Caller, WholeAnswer, WholeCall};

impl HooksState {
    /// Sends a request and waits for the whole response.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&mut self, call: WholeCall) -> Result<WholeAnswer, CallError> {
        let caller = self.caller()?;
        self.exchange.trace.called();
        caller.send(call, &self.calls).await
    }

    /// Sends several at the same time; the results are in their order.
    pub async fn send_all(&mut self, calls: Vec<WholeCall>) -> Vec<Result<WholeAnswer, CallError>> {
        let caller = self.caller();
        match caller {
            Ok(caller) => {
                calls.iter().for_each(|_| self.exchange.trace.called());
                caller.send_all(calls, &self.calls).await
            }
            Err(error) => calls.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// A plugin that imports the interface has a client, or it would not serve.
    pub(super) fn caller(&mut self) -> Result<Caller, CallError> {
        if let Some(trial) = &mut self.trial {
            return Err(trial.call());
        }
        let caller = self.guest.version.services.caller.clone();
        let none = || CallError::Configuration("the plugin has no client".to_owned());
        caller.ok_or_else(none)
    }

    /// A call for an exchange begins that is itself so many outbound calls deep.
    pub fn restart_calls(&mut self) {
        let depth = self.exchange.depth;
        if self.calls.made() > 0 || self.calls.depth() != depth {
            self.calls = Arc::new(CallBudget::new(depth));
        }
    }
}

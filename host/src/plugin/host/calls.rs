//! Outbound requests of a plugin.

use std::sync::Arc;

use super::observed::observed;
use super::state::HooksState;
use crate::outbound::{CallBudget, CallError, Caller, WholeAnswer, WholeCall};

impl HooksState {
    /// Sends a request and waits for the whole response.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&mut self, mut call: WholeCall) -> Result<WholeAnswer, CallError> {
        let caller = self.caller()?;
        let seen = observed(&self.exchange.trace, &mut call.head);
        let answer = caller.send(call, &self.calls).await;
        seen.end(status(&answer), length(&answer));
        answer
    }

    /// Sends several at the same time; the results are in their order.
    pub async fn send_all(
        &mut self,
        mut calls: Vec<WholeCall>,
    ) -> Vec<Result<WholeAnswer, CallError>> {
        let caller = match self.caller() {
            Ok(caller) => caller,
            Err(error) => return calls.iter().map(|_| Err(error.clone())).collect(),
        };
        let trace = &self.exchange.trace;
        let heads = calls.iter_mut().map(|call| &mut call.head);
        let seen: Vec<_> = heads.map(|head| observed(trace, head)).collect();
        let answers = caller.send_all(calls, &self.calls).await;
        for (seen, answer) in seen.into_iter().zip(&answers) {
            seen.end(status(answer), length(answer));
        }
        answers
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

fn length(answer: &Result<WholeAnswer, CallError>) -> u64 {
    answer.as_ref().map_or(0, |answer| answer.body.len() as u64)
}

fn status(answer: &Result<WholeAnswer, CallError>) -> Result<u16, String> {
    match answer {
        Ok(answer) => Ok(answer.status),
        Err(error) => Err(error.to_string()),
    }
}

//! Adds to an AWS emulator such as moto what clients miss there. Each part has a setting of its own and does nothing without it.

mod settings;
mod signatures;
#[cfg(test)]
mod tests;
mod time;
mod xml;

use tollgate_plugin::{Plugin, Request, Result, Verdict, clocks};

use settings::AwsExtras;

impl Plugin for AwsExtras {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if let Some(signatures) = &self.signatures
            && let Some(refusal) = signatures.check(request, clocks::unix_ms())?
        {
            return Ok(refusal.into());
        }
        Ok(Verdict::Forward)
    }
}

tollgate_plugin::export!(AwsExtras);

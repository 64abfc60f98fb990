//! Throttles, fails and delays a share of the requests, so that one can see what a client makes of it.
//!
//! DynamoDB and Kinesis are throttled as AWS throttles them: whole calls with
//! `ProvisionedThroughputExceededException`, batches in part. Everything else is up to rules (`faults`). What chance
//! decides is in `chance.rs`, what an error looks like in each of AWS's protocols in `protocol.rs`.

mod batch;
mod chance;
mod protocol;
mod rules;
mod settings;
mod subject;
#[cfg(test)]
mod tests;
mod throttle;

use std::time::Duration;

use serde_json::Value;
use tollgate_plugin::{
    Answer, Plugin, Request, Response, Result, Verdict, clocks, exchange, info, warn,
};

use batch::Batch;
use chance::Chance;
use protocol::Protocol;
use settings::{Chaos, Fault, Pattern};
use subject::Subject;
use throttle::Operation;

/// Where the first hook tells the second what it held back of a batch.
const WITHHELD: &str = "chaos.withheld";

impl Plugin for Chaos {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        self.warn_in_trial();
        let chance = self.chance(request);
        let subject = Subject::new(request);
        for (index, fault) in self.faults.iter().enumerate() {
            if !chance.hits(&format!("fault {index}"), fault.probability)
                || !fault.concerns(request, &subject)?
            {
                continue;
            }
            let delay = fault.delay(chance.fraction(&format!("delay {index}")));
            if !delay.is_zero() {
                info!(
                    "delays {} {} by {} ms",
                    request.method(),
                    request.target(),
                    delay.as_millis()
                );
                clocks::sleep(delay);
            }
            if let Some(answer) = fault.answer(&subject, &chance) {
                info!(
                    "fails {} {} by fault {index}",
                    request.method(),
                    request.target()
                );
                return Ok(answer.into());
            }
        }
        if !self.throttles() {
            return Ok(Verdict::Forward);
        }
        let operation = subject.known_call().and_then(Operation::of);
        match operation.filter(|operation| self.may_throttle(operation)) {
            Some(operation) => {
                let protocol = Protocol::of(&subject);
                self.throttle(request, &operation, &protocol, &chance)
            }
            None => Ok(Verdict::Forward),
        }
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        let Some(withheld) = exchange::note(WITHHELD) else {
            return Ok(());
        };
        if response.status() == 200 {
            let withheld: Value = serde_json::from_slice(&withheld)?;
            let merged = batch::merge(response.json()?, &withheld)?.to_string();
            if response.field("x-amz-crc32").is_some() {
                response.set_field(
                    "x-amz-crc32",
                    crc32fast::hash(merged.as_bytes()).to_string(),
                )?;
            }
            response.set_body(merged);
        }
        Ok(())
    }
}

impl Chaos {
    fn chance(&self, request: &Request) -> Chance {
        match self.seed {
            Some(seed) => Chance::seeded(seed, request, &self.key_fields),
            None => Chance::new(tollgate_plugin::random::u64()),
        }
    }

    /// Says once for each version what its rules can't do: in the trial before it serves (`wit/v0.1/interceptor.wit`).
    fn warn_in_trial(&self) {
        if !self.doubts.is_empty() && exchange::client_address() == "0.0.0.0:0" {
            for doubt in &self.doubts {
                warn!("{doubt}");
            }
        }
    }

    /// Throttles a call, or some of the items of a batch.
    fn throttle(
        &self,
        request: &mut Request,
        operation: &Operation,
        protocol: &Protocol,
        chance: &Chance,
    ) -> Result<Verdict> {
        let batch = Batch::of(operation).filter(|_| self.batch_partial && protocol.is_json());
        let is_body_needed = batch.is_some() || self.seed.is_some();
        let body = match is_body_needed {
            true => request.body()?,
            false => Vec::new(),
        };
        let chance = if self.seed.is_some() {
            chance.with(&body)
        } else {
            chance.clone()
        };
        let hits = |what: &str| {
            let mut causes = self.throttling(operation).into_iter();
            causes.any(|(cause, probability)| chance.hits(&format!("{cause} {what}"), probability))
        };
        let parsed = batch.and_then(|batch| Some((batch, serde_json::from_slice(&body).ok()?)));
        let Some((batch, parsed)) = parsed else {
            if !hits("call") {
                return Ok(Verdict::Forward);
            }
            info!("throttles {operation}");
            return Ok(operation.throttled(protocol, &chance).into());
        };
        let split = batch.split(parsed, |item| hits(&format!("item {item}")));
        if split.withheld_items == 0 {
            return Ok(Verdict::Forward);
        }
        info!(
            "throttles {} of {} items of {operation}",
            split.withheld_items, split.items
        );
        if split.withheld_items < split.items {
            request.set_body(split.kept.to_string());
            // The answer is going to be read.
            request.set_field("accept-encoding", "identity")?;
            exchange::set_note(WITHHELD, split.withheld.to_string());
            return Ok(Verdict::Forward);
        }
        match batch.all_failed(&split.withheld)? {
            Some(response) => Ok(protocol.success(&response, &chance).into()),
            None => Ok(operation.throttled(protocol, &chance).into()),
        }
    }
}

impl Fault {
    /// Whether the rule is about this request. What costs least is looked at first.
    fn concerns(&self, request: &Request, subject: &Subject<'_>) -> Result<bool> {
        let fits = |pattern: &Option<Pattern>, text: &dyn Fn() -> Result<String>| {
            pattern.as_ref().map_or(Ok(true), |pattern| {
                Ok::<_, tollgate_plugin::Error>(pattern.fits(&text()?))
            })
        };
        Ok(fits(&self.method, &|| Ok(request.method()))?
            && fits(&self.path, &|| Ok(request.path()))?
            && fits(&self.service, &|| subject.service())?
            && fits(&self.action, &|| subject.action())?)
    }

    fn delay(&self, fraction: f64) -> Duration {
        let (least, most) = self.latency_ms;
        Duration::from_secs_f64((least + (most - least) * fraction) / 1000.0)
    }

    /// The answer, if the rule does more than delay.
    fn answer(&self, subject: &Subject<'_>, chance: &Chance) -> Option<Answer> {
        let status = self.status.or(self.code.is_some().then_some(400))?;
        let answer = match (&self.code, &self.body) {
            (Some(code), None) => {
                let message = self.message.as_deref().unwrap_or("injected by chaos");
                Protocol::of(subject).error(status, code, message, chance)
            }
            (_, Some(body)) => Answer::new(status).text(body),
            (None, None) => Answer::new(status).text(self.message.as_deref().unwrap_or_default()),
        };
        Some(
            self.fields
                .iter()
                .fold(answer, |answer, (name, value)| answer.field(name, value)),
        )
    }
}

tollgate_plugin::export!(Chaos);

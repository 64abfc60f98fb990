//! Adds to an AWS emulator such as moto what clients miss there. Each part has a setting of its own and does nothing without it.

mod call;
mod events;
mod eventstream;
mod form;
mod ids;
mod kinesis;
mod queue;
mod replacer;
mod settings;
mod signatures;
mod sns;
#[cfg(test)]
mod tests;
mod time;
mod triggers;
mod urls;
mod xml;

use tollgate_plugin::{
    Background, Plugin, Request, Response, ResponseBody, Result, Rewriter, Verdict, Wish, clocks,
};

use replacer::Replacer;
use settings::AwsExtras;

impl Plugin for AwsExtras {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if let Some(signatures) = &self.signatures
            && let Some(refusal) = signatures.check(request, clocks::unix_ms())?
        {
            return Ok(refusal.into());
        }
        if let Some(sns) = &self.sns
            && let Some(verdict) = sns.forward_request(request, self.public_url.as_deref())?
        {
            return Ok(verdict);
        }
        if self.ids {
            ids::forward_request(request)?;
        }
        if let Some(events) = &self.events {
            events.forward_request(request)?;
        }
        if let Some(triggers) = &self.triggers
            && let Some(verdict) = triggers.forward_request(request)?
        {
            return Ok(verdict);
        }
        if let Some(backend) = &self.kinesis
            && let Some(verdict) = kinesis::forward_request(request, backend)?
        {
            return Ok(verdict);
        }
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        if let Some(sns) = &self.sns {
            sns.return_response(response)?;
        }
        if self.ids {
            ids::return_response(response)?;
        }
        if let Some(events) = &self.events {
            events.return_response(response)?;
        }
        if self.triggers.is_some() {
            triggers::Triggers::return_response(response)?;
        }
        Ok(())
    }
}

impl Background for AwsExtras {
    fn tick(&self) -> Result<()> {
        let delivered = queue::work(self.limits);
        let triggered = self
            .triggers
            .as_ref()
            .map_or(Ok(()), triggers::Triggers::work);
        delivered.and(triggered)
    }
}

impl ResponseBody for AwsExtras {
    type Rewriter = Box<dyn Rewriter>;

    fn response_body(
        &self,
        request: &Request,
        response: &Response,
    ) -> Result<Option<Wish<Self::Rewriter>>> {
        let mut pairs = Vec::new();
        if self.urls {
            pairs.extend(urls::in_answer(
                request,
                response,
                self.public_url.as_deref(),
            ));
        }
        if self.ids {
            pairs.extend(ids::in_answer()?);
        }
        let coding = response.content_coding();
        let is_readable =
            |coding: String| ["gzip", "deflate", "br", "zstd"].contains(&coding.as_str());
        if !pairs.is_empty() && coding.is_none_or(is_readable) {
            let replacer: Self::Rewriter = Box::new(Replacer::new(pairs));
            return Ok(Some(Wish::bytes(replacer).decoded()));
        }
        if self.kinesis.is_some()
            && let Some(feed) = kinesis::rewriter(response)
        {
            return Ok(Some(Wish::lines(Box::new(feed))));
        }
        Ok(None)
    }
}

tollgate_plugin::export!(AwsExtras, Background, ResponseBody);

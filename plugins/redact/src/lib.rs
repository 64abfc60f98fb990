//! Takes secrets and personal data out of the bodies of requests and responses as they flow.
//!
//! The hooks make sure that what comes can be read: no parts, no codings that the host can't undo. The scanner does the rest, byte by
//! byte, whatever pieces a body comes in.

mod head;
mod rewriter;
mod scanner;
mod settings;
#[cfg(test)]
mod tests;

use tollgate_plugin::{
    Answer, Error, Plugin, Request, RequestBody, Response, ResponseBody, Result, Verdict, Wish,
    warn,
};

use head::{Body, Head};
use rewriter::Redactor;
use settings::Redact;

impl Plugin for Redact {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if self.response {
            // The host gives no parts to plugins, and can't undo every coding.
            for name in ["range", "if-range"] {
                request.delete_field(name)?;
            }
            if let Some(accepted) = head::readable_codings(&request.field_values("accept-encoding"))
            {
                request.set_field("accept-encoding", accepted)?;
            }
        }
        if self.request
            && let Body::Unreadable(why) = self.body(&head_of_request(request))
            && !self.passes_unreadable()
        {
            let said = format!("{why}, and so its secrets can't be found\n");
            let answer = Answer::new(415).field("accept-encoding", "gzip, deflate, br, zstd");
            return Ok(answer.text(said).into());
        }
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        // The only body that a plugin is not asked about.
        let is_part = response.status() == 206;
        if self.response && is_part && self.body(&head_of_response(response)) != Body::Binary {
            self.unreadable("the response is a part (206)")?;
        }
        Ok(())
    }
}

impl RequestBody for Redact {
    type Rewriter = Redactor;

    fn request_body(&self, request: &Request) -> Result<Option<Wish<Redactor>>> {
        if !self.request {
            return Ok(None);
        }
        self.wish(&head_of_request(request), "request")
    }
}

impl ResponseBody for Redact {
    type Rewriter = Redactor;

    fn response_body(&self, _: &Request, response: &Response) -> Result<Option<Wish<Redactor>>> {
        if !self.response {
            return Ok(None);
        }
        self.wish(&head_of_response(response), "response")
    }
}

impl Redact {
    /// What kind of body this head announces.
    fn body(&self, head: &Head) -> Body {
        head::body(head, &self.types, self.passes_binary())
    }

    fn wish(&self, head: &Head, side: &'static str) -> Result<Option<Wish<Redactor>>> {
        match self.body(head) {
            Body::Text(form) => {
                let redactor = Redactor::new(self, form, side);
                Ok(Some(Wish::text(redactor).decoded()))
            }
            Body::Binary => Ok(None),
            Body::Unreadable(why) => {
                self.unreadable(&why)?;
                Ok(None)
            }
        }
    }

    /// Refuses a body that can't be read, or says in the log that it passes.
    fn unreadable(&self, why: &str) -> Result<()> {
        if !self.passes_unreadable() {
            return Err(Error::new(format_args!(
                "{why}, and so its secrets can't be found"
            )));
        }
        warn!("passed with all that is in it: {why}");
        Ok(())
    }
}

fn head_of_request(request: &Request) -> Head {
    Head::new(
        request.field("content-type"),
        &request.field_values("content-encoding"),
    )
}

fn head_of_response(response: &Response) -> Head {
    Head::new(
        response.field("content-type"),
        &response.field_values("content-encoding"),
    )
}

tollgate_plugin::export!(Redact, RequestBody, ResponseBody);

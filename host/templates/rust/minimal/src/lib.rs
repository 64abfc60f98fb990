//! Sets a field on every request and every response.
//!
//! To write to the host's log: `use tollgate_plugin::info;`. What the standard `println!` prints is lost.

use tollgate_plugin::{Plugin, Request, Response, Result, Verdict};

#[derive(serde::Deserialize)]
struct Hello;

impl Plugin for Hello {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        request.set_field("x-{{name}}", "hello")?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        Ok(response.set_field("x-{{name}}", "hello")?)
    }
}

tollgate_plugin::export!(Hello);

#[cfg(test)]
mod tests;

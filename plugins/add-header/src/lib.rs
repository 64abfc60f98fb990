//! Sets a field on every request and every response: the smallest plugin that does something.

use tollgate_plugin::{Plugin, Request, Response, Result, Verdict};

#[derive(serde::Deserialize)]
#[serde(default)]
struct AddHeader {
    name: String,
    value: String,
}

impl Default for AddHeader {
    fn default() -> Self {
        Self {
            name: "x-tollgate".into(),
            value: "hello".into(),
        }
    }
}

impl Plugin for AddHeader {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        request.set_field(&self.name, &self.value)?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        Ok(response.set_field(&self.name, &self.value)?)
    }
}

tollgate_plugin::export!(AddHeader);

#[cfg(test)]
mod tests;

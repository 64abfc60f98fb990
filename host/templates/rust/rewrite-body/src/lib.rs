//! Replaces every occurrence of the setting `from` by the setting `to` in text and JSON that comes back.

use tollgate_plugin::{Plugin, Request, Response, Result, Verdict, warn};

/// The settings.
#[derive(serde::Deserialize)]
struct Rewrite {
    from: String,
    to: String,
}

impl Plugin for Rewrite {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        // A compressed body would have to be unpacked first.
        request.accept_identity()?;
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        let is_text = response.field("content-type").is_some_and(|value| {
            let media_type = value.text().to_ascii_lowercase();
            media_type.starts_with("text/") || media_type.starts_with("application/json")
        });
        if !is_text {
            return Ok(());
        }
        if let Some(coding) = response.content_coding() {
            warn!("left a body alone that is encoded: {coding}");
            return Ok(());
        }
        response.map_text(|text| text.replace(&self.from, &self.to))?;
        Ok(())
    }
}

tollgate_plugin::export!(Rewrite);

#[cfg(test)]
mod tests;

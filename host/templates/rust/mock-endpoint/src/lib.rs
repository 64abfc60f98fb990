//! Answers `GET` of one path itself; everything else goes to the backend.

use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict};

/// The settings.
#[derive(serde::Deserialize)]
#[serde(default)]
struct Mock {
    path: String,
    body: String,
}

impl Default for Mock {
    fn default() -> Self {
        Self {
            path: "/mock".into(),
            body: r#"{"mock":true}"#.into(),
        }
    }
}

impl Plugin for Mock {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        if request.method() != "GET" || request.path() != self.path {
            return Ok(Verdict::Forward);
        }
        let answer = Answer::new(200).field("content-type", "application/json");
        Ok(answer.body(self.body.as_str()).into())
    }
}

tollgate_plugin::export!(Mock);

#[cfg(test)]
mod tests;

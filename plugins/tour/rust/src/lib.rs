//! A tour of what a plugin can do: it reads a setting, sets a field both ways, answers one path itself, rewrites a JSON
//! body, and logs. The same plugin is there in every language.

mod json;

use tollgate_plugin::{
    Answer, Error, FieldError, Plugin, Request, Response, Result, Verdict, info, warn,
};

/// The settings.
#[derive(serde::Deserialize)]
struct Tour {
    /// What the plugin leaves wherever it was.
    #[serde(default = "unmarked")]
    mark: String,
}

fn unmarked() -> String {
    "none".to_owned()
}

impl Plugin for Tour {
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        info!("forward {} {}", request.method(), request.target());
        request.set_field("x-tour", &self.mark).map_err(refused)?;
        if request.path() == "/tour" {
            let tour = Answer::new(200).text(format!("tour: {}\n", self.mark));
            return Ok(tour.into());
        }
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        response.set_field("x-tour", &self.mark).map_err(refused)?;
        let media_type = response.field("content-type");
        if media_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json")) {
            match response.body() {
                Ok(body) => {
                    if let Some(marked) = json::replace(&body, "greeting", &self.mark) {
                        response.set_body(marked);
                    }
                }
                Err(_) => warn!("body: not available"),
            }
        }
        info!("return {}", response.status());
        Ok(())
    }
}

fn refused(_: FieldError) -> Error {
    Error::new("x-tour: refused")
}

tollgate_plugin::export!(Tour);

#[cfg(test)]
mod tests;

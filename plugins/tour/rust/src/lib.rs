//! A tour of what a plugin can do: it reads and checks settings, sets a field both ways, answers one path itself, rewrites a JSON
//! body and event streams, counts in its state, waits, asks a server, measures, and logs. The same plugin is there in every language.

mod json;
mod settings;
mod stream;

use std::time::Duration;

use tollgate_plugin::metrics::{self, Counter};
use tollgate_plugin::{
    Answer, Error, Plugin, Request, Response, Result, Verdict, client, clocks, exchange, info,
    state, warn,
};

use settings::Tour;

const RESPONSES: Counter<'_> = metrics::counter("tour_responses");

impl Plugin for Tour {
    fn start(&self) -> Result<()> {
        RESPONSES.describe("Responses by class of status");
        stream::EVENTS.describe_with_buckets("Events of a stream", &[1.0, 10.0, 100.0, 1000.0]);
        Ok(())
    }

    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        info!("forward {} {}", request.method(), request.target());
        let set = request.set_field("x-tour", &self.mark);
        set.map_err(|_| refused("x-tour"))?;
        if request.path() == "/tour" {
            let tour = Answer::new(200).text(format!("tour: {}\n", self.mark));
            return Ok(tour.into());
        }
        if let Some(window) = self.window {
            let set = request.set_field("x-tour-count", count(window));
            set.map_err(|_| refused("x-tour-count"))?;
        }
        if let Some(delay) = self.delay {
            clocks::sleep(delay);
        }
        if let Some(url) = &self.lookup {
            let set = request.set_field("x-tour-lookup", self.look_up(url));
            set.map_err(|_| refused("x-tour-lookup"))?;
        }
        Ok(Verdict::Forward)
    }

    fn return_response(&self, _: &Request, response: &mut Response) -> Result<()> {
        let set = response.set_field("x-tour", &self.mark);
        set.map_err(|_| refused("x-tour"))?;
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
        let status = response.status();
        RESPONSES.add(1, &[("class", &format!("{}xx", status / 100))]);
        info!("return {status}");
        Ok(())
    }
}

fn refused(field: &str) -> Error {
    Error::new(format_args!("{field}: refused"))
}

impl Tour {
    /// What a server says, or `failed`.
    fn look_up(&self, url: &str) -> Vec<u8> {
        let question = client::request("GET", url).field("x-tour", &self.mark);
        match question.timeout(settings::LOOKUP_TIMEOUT).send() {
            Ok(response) if response.status == 200 => return response.body,
            Ok(response) => warn!("lookup: status {}", response.status),
            Err(error) => warn!("lookup: {}", error.name()),
        }
        b"failed".to_vec()
    }
}

/// How many requests the client has sent in its window, or `unknown`.
fn count(window: Duration) -> String {
    let address = exchange::client_address();
    let host = address.rsplit_once(':').map_or("", |(host, _)| host);
    match state::increment_for(&format!("count {host}"), 1, window) {
        Ok(count) => count.to_string(),
        Err(error) => {
            warn!("count: {}", error.name());
            "unknown".to_owned()
        }
    }
}

tollgate_plugin::export!(Tour, ResponseBody);

#[cfg(test)]
mod tests;

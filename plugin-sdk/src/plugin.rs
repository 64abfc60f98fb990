//! What an author writes: one type with one trait.

use serde::de::DeserializeOwned;

use crate::{Answer, Request, Response, Result};

/// A plugin: a type whose fields are its settings, with up to two hooks.
///
/// Plugins form an onion around the backend: `forward_request` runs in the order of the chain, `return_response` in
/// reverse order for every plugin whose `forward_request` ran.
///
/// The type is made from the host's settings by `serde`, once for each instance. A string setting is the string;
/// anything else is read as JSON. For work that shall be done once, such as checking or parsing a setting, use
/// `#[serde(try_from = "Settings")]`. Settings that don't fit make every hook fail with an error that names the key, the
/// value and what was expected. A plugin without settings derives `Deserialize` on a unit struct.
///
/// Hooks take `&self`: an instance serves one exchange at a time but many in a row, comes and goes as the host likes,
/// and the two hooks of an exchange may run in two instances. Notes ([`exchange`](crate::exchange)) carry what
/// `return_response` must know.
pub trait Plugin: DeserializeOwned + 'static {
    /// Called before the backend is asked, as soon as the request's head is there. Does nothing by default.
    fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
        let _ = request;
        Ok(Verdict::Forward)
    }

    /// Called when the response's head is there, whoever made it. Does nothing by default.
    fn return_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        let _ = (request, response);
        Ok(())
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Goes on to the next plugin, and behind the last one to the backend.
    Forward,
    /// Is answered with this; later plugins and the backend are skipped.
    Respond(Answer),
}

//! Outbound HTTP requests. The plugin needs the permission `http`, which lists where requests may go.
//!
//! Redirects are not followed, and nothing is sent in the trial of a version.
//!
//! ```
//! use tollgate_plugin::{Answer, Plugin, Request, Result, Verdict, client, testing};
//!
//! #[derive(serde::Deserialize)]
//! struct Ask;
//!
//! impl Plugin for Ask {
//!     fn forward_request(&self, request: &mut Request) -> Result<Verdict> {
//!         let user: serde_json::Value = client::get("https://users.example/me")?.json()?;
//!         request.set_field("x-user", user["name"].as_str().unwrap_or_default())?;
//!         Ok(Verdict::Forward)
//!     }
//! }
//!
//! let outcome = testing::exchange()
//!     .outbound("https://users.example/me", Answer::new(200).text(r#"{"name": "ann"}"#))
//!     .run::<Ask>();
//! assert_eq!(outcome.request.field("x-user"), Some("ann"));
//! assert_eq!(outcome.outbound[0].method, "GET");
//! ```

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use crate::{Result, host};

pub use crate::outbound::{IncomingResponse, OutgoingRequest, SendError};

/// Sends a GET request and waits for the whole response.
pub fn get(uri: &str) -> Result<IncomingResponse, SendError> {
    request("GET", uri).send()
}

/// A request, to be completed and sent.
pub fn request(method: &str, uri: &str) -> OutgoingRequest {
    OutgoingRequest {
        method: method.to_owned(),
        uri: uri.to_owned(),
        ..OutgoingRequest::default()
    }
}

/// Sends several requests at the same time. The results are in the order of the requests.
pub fn send_all(requests: Vec<OutgoingRequest>) -> Vec<Result<IncomingResponse, SendError>> {
    host::send_all(requests)
}

impl OutgoingRequest {
    /// Sends it and waits for the whole response.
    pub fn send(self) -> Result<IncomingResponse, SendError> {
        host::send(self)
    }
}

//! What a proxy must do to every message, as pure functions on heads. Which names go from heads, interim responses and
//! trailers is said once, in [`hop`].

mod hop;
mod host;
mod refusal;
mod request;
mod via;

pub use hop::{clean_trailers, interim_fields, is_owned_by_host, strip_hop_by_hop};
pub use host::is_authority;
pub use refusal::BadRequest;
pub use request::{Asked, receive_request};
pub use via::add_via;

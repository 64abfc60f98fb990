//! What a proxy must do to every message, as pure functions on heads. Which names go from heads, interim responses and
//! trailers is said once, in [`hop`].

mod forwarded;
mod hop;
mod host;
mod refusal;
mod request;
mod via;

pub use forwarded::{Forward, Forwarding, shown_address, tell_of_client};
pub use hop::{
    asks_trailers, clean_trailers, interim_fields, is_owned_by_host, resembles_framing,
    strip_hop_by_hop,
};
pub use host::{is_authority, is_same_authority};
pub use refusal::BadRequest;
pub use request::{Asked, receive_request};
pub use via::add_via;

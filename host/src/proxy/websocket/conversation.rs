//! A WebSocket of which interceptors get the messages.

use super::extensions::Deflate;
use crate::interceptor::MessageInterceptor;

/// Those who get the messages, in the order of the chain, and how messages are compressed at each end.
pub struct Conversation {
    pub(super) interceptors: Vec<Box<dyn MessageInterceptor>>,
    pub(super) client: Option<Deflate>,
    pub(super) backend: Option<Deflate>,
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let interceptors = self.interceptors.iter();
        f.debug_struct("Conversation")
            .field(
                "interceptors",
                &interceptors.map(|one| one.name()).collect::<Vec<_>>(),
            )
            .field("client", &self.client)
            .field("backend", &self.backend)
            .finish()
    }
}

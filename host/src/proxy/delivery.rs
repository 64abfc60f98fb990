//! Whether all of a response has gone to the client.

use std::pin::Pin;

/// The body of a response that is told when all of the response has been taken by the client's connection, its head included. What
/// was read of a body may still be lost on the way there.
pub trait Delivery {
    fn delivered(self: Pin<&mut Self>) {}
}

#[cfg(test)]
mod bodies {
    use super::Delivery;

    impl Delivery for crate::message::Body {}
    impl Delivery for crate::message::Streaming {}
    impl<D> Delivery for http_body_util::Full<D> {}
    impl<D> Delivery for http_body_util::Empty<D> {}
    impl<D, E> Delivery for http_body_util::combinators::BoxBody<D, E> {}
    impl<D, E> Delivery for http_body_util::combinators::UnsyncBoxBody<D, E> {}
}

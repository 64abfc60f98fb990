//! The two bodies of the exchange in hand, under the plugin's limits.

use bytes::Bytes;

use super::state::HooksState;
use crate::message::{Body, BodyError, ReadLimits};

impl HooksState {
    /// The request's whole body. The guest waits until the last byte has come.
    pub async fn read_request_body(&mut self) -> Result<Vec<u8>, BodyError> {
        let limits = self.read_limits();
        let read = read(&mut self.exchange.request_body, limits).await;
        self.remember(read)
    }

    /// The response's, in the same way.
    pub async fn read_response_body(&mut self) -> Result<Vec<u8>, BodyError> {
        let limits = self.read_limits();
        let read = read(&mut self.exchange.response_body, limits).await;
        self.remember(read)
    }

    /// Puts these bytes in the place of the request's body, and corrects the fields that describe the old ones.
    pub fn replace_request_body(&mut self, data: Bytes) {
        self.exchange.set_request_body(data);
        let fields = &mut self.exchange.request.fields;
        self.described.request.correct_others(fields);
    }

    /// The response's, in the same way.
    pub fn replace_response_body(&mut self, data: Bytes) {
        self.exchange.set_response_body(data);
        let fields = &mut self.exchange.response.fields;
        self.described.response.correct_others(fields);
    }

    fn read_limits(&self) -> ReadLimits {
        ReadLimits {
            size: self.guest.version.limits.body,
            idle: self.guest.version.limits.body_timeout,
        }
    }

    /// Keeps why a body could not be had: if the plugin then gives up, the client shall hear that reason.
    fn remember(&mut self, read: Result<Vec<u8>, BodyError>) -> Result<Vec<u8>, BodyError> {
        if let Err(error) = &read {
            self.body_error = Some(error.clone());
        }
        read
    }
}

async fn read(body: &mut Body, limits: ReadLimits) -> Result<Vec<u8>, BodyError> {
    body.read_all(limits).await.map(|bytes| bytes.to_vec())
}

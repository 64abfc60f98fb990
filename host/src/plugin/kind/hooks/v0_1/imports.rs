//! What a plugin of this version imports: the host's own functions in its types.

use bytes::Bytes;

use super::bindings::tollgate::proxy::{body_sink, exchange, request, response, types};
use super::convert::{body_error, field_error};
use crate::plugin::host::{self, HooksState, fields};

type WitFieldResult = Result<(), types::FieldError>;

impl types::Host for HooksState {}

impl request::Host for HooksState {
    fn method(&mut self) -> String {
        host::request::method(&self.exchange)
    }

    fn set_method(&mut self, method: String) -> WitFieldResult {
        host::request::set_method(&mut self.exchange, &mut self.growth.request, &method)
            .map_err(field_error)
    }

    fn scheme(&mut self) -> String {
        host::request::scheme(&self.exchange)
    }

    fn authority(&mut self) -> String {
        host::request::authority(&self.exchange)
    }

    fn set_authority(&mut self, authority: String) -> WitFieldResult {
        host::request::set_authority(&mut self.exchange, &mut self.growth.request, &authority)
            .map_err(field_error)
    }

    fn target(&mut self) -> String {
        host::request::target(&self.exchange)
    }

    fn set_target(&mut self, target: String) -> WitFieldResult {
        host::request::set_target(&mut self.exchange, &mut self.growth.request, &target)
            .map_err(field_error)
    }

    fn field(&mut self, name: String) -> Option<Vec<u8>> {
        fields::get(&self.exchange.request.fields, name.as_str())
    }

    fn field_values(&mut self, name: String) -> Vec<Vec<u8>> {
        fields::get_all(&self.exchange.request.fields, name.as_str())
    }

    fn fields(&mut self) -> Vec<(String, Vec<u8>)> {
        fields::list(&self.exchange.request.fields)
    }

    fn set_field(&mut self, name: String, value: Vec<u8>) -> WitFieldResult {
        self.request_fields()
            .set(name.as_str(), &value)
            .map_err(field_error)
    }

    fn set_fields(&mut self, list: Vec<(String, Vec<u8>)>) -> WitFieldResult {
        self.request_fields().set_all(&list).map_err(field_error)
    }

    fn append_field(&mut self, name: String, value: Vec<u8>) -> WitFieldResult {
        self.request_fields()
            .append(name.as_str(), &value)
            .map_err(field_error)
    }

    fn delete_field(&mut self, name: String) -> WitFieldResult {
        self.request_fields()
            .delete(name.as_str())
            .map_err(field_error)
    }

    async fn body(&mut self) -> Result<Vec<u8>, types::BodyError> {
        self.read_request_body().await.map_err(body_error)
    }

    fn set_body(&mut self, body: Vec<u8>) {
        self.replace_request_body(Bytes::from(body));
    }
}

impl response::Host for HooksState {
    fn status(&mut self) -> u16 {
        host::response::status(&self.exchange)
    }

    fn set_status(&mut self, status: u16) -> WitFieldResult {
        host::response::set_status(&mut self.exchange, status).map_err(field_error)
    }

    fn field(&mut self, name: String) -> Option<Vec<u8>> {
        fields::get(&self.exchange.response.fields, name.as_str())
    }

    fn field_values(&mut self, name: String) -> Vec<Vec<u8>> {
        fields::get_all(&self.exchange.response.fields, name.as_str())
    }

    fn fields(&mut self) -> Vec<(String, Vec<u8>)> {
        fields::list(&self.exchange.response.fields)
    }

    fn set_field(&mut self, name: String, value: Vec<u8>) -> WitFieldResult {
        self.response_fields()
            .set(name.as_str(), &value)
            .map_err(field_error)
    }

    fn set_fields(&mut self, list: Vec<(String, Vec<u8>)>) -> WitFieldResult {
        self.response_fields().set_all(&list).map_err(field_error)
    }

    fn append_field(&mut self, name: String, value: Vec<u8>) -> WitFieldResult {
        self.response_fields()
            .append(name.as_str(), &value)
            .map_err(field_error)
    }

    fn delete_field(&mut self, name: String) -> WitFieldResult {
        self.response_fields()
            .delete(name.as_str())
            .map_err(field_error)
    }

    async fn body(&mut self) -> Result<Vec<u8>, types::BodyError> {
        self.read_response_body().await.map_err(body_error)
    }

    fn set_body(&mut self, body: Vec<u8>) {
        self.replace_response_body(Bytes::from(body));
    }
}

impl body_sink::Host for HooksState {
    async fn emit(&mut self, data: Vec<u8>) -> wasmtime::Result<()> {
        HooksState::emit(self, Bytes::from(data)).await
    }
}

impl exchange::Host for HooksState {
    fn id(&mut self) -> String {
        self.exchange.id.to_string()
    }

    fn client_address(&mut self) -> String {
        self.exchange.client.to_string()
    }

    fn note(&mut self, key: String) -> Option<Vec<u8>> {
        host::exchange::note(&self.exchange, &key)
    }

    fn set_note(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<()> {
        host::exchange::set_note(&mut self.exchange, key, value)
    }
}

//! What a plugin of the made-up version imports.

use super::bindings::tollgate::proxy::types::{self, FieldValue, Refusal};
use super::bindings::tollgate::proxy::{request, response};
use crate::plugin::host::{self, FieldError, HooksState, fields};

impl types::Host for HooksState {}

impl request::Host for HooksState {
    fn target(&mut self) -> String {
        host::request::target(&self.exchange)
    }

    fn field(&mut self, name: String) -> Option<FieldValue> {
        let bytes = fields::get(&self.exchange.request.fields, name.as_str())?;
        Some(FieldValue {
            bytes,
            sensitive: name == "authorization",
        })
    }

    fn put_field(&mut self, name: String, value: FieldValue) -> Result<(), Refusal> {
        let put = fields::set(
            &mut self.exchange.request.fields,
            &mut self.growth.request,
            name.as_str(),
            &value.bytes,
        );
        put.map(drop).map_err(|error| refusal(name, &error))
    }

    async fn read_body(&mut self, most: u64) -> Result<Vec<u8>, String> {
        let body = self
            .read_request_body()
            .await
            .map_err(|error| error.to_string())?;
        if body.len() as u64 > most {
            return Err(format!("the body is longer than {most} bytes"));
        }
        Ok(body)
    }
}

impl response::Host for HooksState {
    fn put_field(&mut self, name: String, value: FieldValue) -> Result<(), Refusal> {
        let put = fields::set(
            &mut self.exchange.response.fields,
            &mut self.growth.response,
            name.as_str(),
            &value.bytes,
        );
        put.map(drop).map_err(|error| refusal(name, &error))
    }
}

fn refusal(name: String, error: &FieldError) -> Refusal {
    Refusal {
        name,
        why: format!("{error:?}"),
    }
}

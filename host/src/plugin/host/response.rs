//! The response of the exchange in hand: its status.

use http::StatusCode;

use super::fields::{FieldError, FieldResult};
use crate::message::Exchange;

pub fn status(exchange: &Exchange) -> u16 {
    exchange.response.status.as_u16()
}

pub fn set_status(exchange: &mut Exchange, status: u16) -> FieldResult {
    let valid = (200..600)
        .contains(&status)
        .then(|| StatusCode::from_u16(status).ok())
        .flatten();
    exchange.response.status = valid.ok_or_else(|| {
        FieldError::InvalidValue(format!("{status} is not a final status (200 to 599)"))
    })?;
    Ok(())
}

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
    let valid = valid.ok_or_else(|| {
        FieldError::InvalidValue(format!("{status} is not a final status (200 to 599)"))
    })?;
    let head = &mut exchange.response;
    if head.status != valid {
        // It told of the other status.
        head.reason = None;
    }
    head.status = valid;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_phrase_goes_with_its_status() {
        let mut exchange = Exchange::blank();
        exchange.response.reason = Some(b"Fine".as_slice().into());
        set_status(&mut exchange, 200).unwrap();
        assert!(exchange.response.reason.is_some());
        assert!(set_status(&mut exchange, 199).is_err() && exchange.response.reason.is_some());
        set_status(&mut exchange, 404).unwrap();
        assert_eq!((status(&exchange), &exchange.response.reason), (404, &None));
    }
}

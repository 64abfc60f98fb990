//! The codings of a body that a plugin gets without them.

use crate::interceptor::InterceptError;
use crate::message::coding::{Codings, DecodeLimits, Decoder, Encoder};
use crate::message::{Fields, Known};
use crate::plugin::kind::hooks::contract::BodyWish;

/// Undoes and does again the codings of a body.
pub struct Coder {
    pub decoder: Decoder,
    pub encoder: Encoder,
}

impl Coder {
    /// What undoes and does again the codings of a body; none if it has none, or nobody wished for that.
    pub fn of(wish: BodyWish, fields: &Fields) -> Result<Option<Box<Self>>, InterceptError> {
        if !wish.decoded {
            return Ok(None);
        }
        let codings = Codings::read(fields.get_all(Known::ContentEncoding));
        let codings = codings.map_err(|error| InterceptError::Returned(error.to_string()))?;
        Ok((!codings.is_identity()).then(|| {
            Box::new(Self {
                decoder: Decoder::new(&codings, DecodeLimits::default()),
                encoder: Encoder::new(&codings),
            })
        }))
    }
}

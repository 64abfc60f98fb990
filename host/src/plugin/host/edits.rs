//! The fields of the two messages in hand, as the plugin of the call in hand changes them.

use super::described::Described;
use super::fields::{self, FieldResult, Growth};
use super::state::HooksState;
use crate::message::{Fields, GivenName};

/// One message's fields, with what is kept of the call's changes to them.
#[derive(Debug)]
pub struct FieldEdits<'a> {
    fields: &'a mut Fields,
    growth: &'a mut Growth,
    described: &'a mut Described,
}

impl HooksState {
    pub fn request_fields(&mut self) -> FieldEdits<'_> {
        FieldEdits {
            fields: &mut self.exchange.request.fields,
            growth: &mut self.growth.request,
            described: &mut self.described.request,
        }
    }

    pub fn response_fields(&mut self) -> FieldEdits<'_> {
        FieldEdits {
            fields: &mut self.exchange.response.fields,
            growth: &mut self.growth.response,
            described: &mut self.described.response,
        }
    }
}

impl FieldEdits<'_> {
    #[inline]
    pub fn set<'n>(self, name: impl Into<GivenName<'n>>, value: &[u8]) -> FieldResult {
        let name = fields::set(self.fields, self.growth, name, value)?;
        self.described.note(name);
        Ok(())
    }

    pub fn set_all(self, list: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> FieldResult {
        fields::set_all(self.fields, self.growth, list)?;
        self.described.add(Described::by(list));
        Ok(())
    }

    pub fn append<'n>(self, name: impl Into<GivenName<'n>>, value: &[u8]) -> FieldResult {
        let name = fields::append(self.fields, self.growth, name, value)?;
        self.described.note(name);
        Ok(())
    }

    pub fn delete<'n>(self, name: impl Into<GivenName<'n>>) -> FieldResult {
        fields::delete(self.fields, self.growth, name)
    }
}

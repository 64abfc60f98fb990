//! Settings as the author's own type: a serde `Deserializer` over the host's list of key and text.
//!
//! The host gives a string as it is and everything else as JSON text (`wit/v0.1/world.wit`), so what a text means is
//! known only from the type that wants it: a `String` takes it whole, a `u64` parses it, a list reads it as JSON.
//! Every error names the key and the value. Numbers are parsed without `serde_json`, which keeps plugins without lists
//! or tables small.

use alloc::string::{String, ToString};
use core::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::de::StrRead;

/// Makes a `T` from settings. The error is a line that says which setting is wrong, and how.
pub(crate) fn from_settings<T: DeserializeOwned>(
    settings: &[(String, String)],
) -> Result<T, String> {
    T::deserialize(Settings {
        rest: settings.iter(),
        value: None,
    })
    .map_err(|error| error.0)
}

/// The whole list, as a map.
struct Settings<'a> {
    rest: core::slice::Iter<'a, (String, String)>,
    value: Option<&'a (String, String)>,
}

/// One setting's text. Its errors say only what is wrong with it; the map that holds it adds key and value.
struct Setting<'a>(&'a str);

#[derive(Debug)]
struct SettingsError(String);

impl<'de> Deserializer<'de> for Settings<'de> {
    type Error = SettingsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_map(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_unit()
    }

    /// A plugin without settings.
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, SettingsError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, SettingsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Settings<'de> {
    type Error = SettingsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, SettingsError> {
        self.value = self.rest.next();
        let Some((key, _)) = self.value else {
            return Ok(None);
        };
        let key: StrDeserializer<'de, SettingsError> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SettingsError> {
        let Some((key, text)) = self.value.take() else {
            return Err(SettingsError::custom(
                "a value was asked for before its key",
            ));
        };
        seed.deserialize(Setting(text))
            .map_err(|SettingsError(why)| {
                SettingsError(format!("setting {key} is {text:?}: {why}"))
            })
    }
}

impl<'de> Setting<'de> {
    fn parse<T: core::str::FromStr>(&self, expected: &dyn Expected) -> Result<T, SettingsError> {
        let parsed = self.0.trim().parse();
        parsed.map_err(|_| SettingsError(format!("expected {expected}")))
    }

    /// Reads the text as JSON, in the way that `read` says.
    fn json<T>(
        &self,
        read: impl FnOnce(&mut serde_json::Deserializer<StrRead<'de>>) -> serde_json::Result<T>,
    ) -> Result<T, SettingsError> {
        let mut json = serde_json::Deserializer::from_str(self.0);
        let value = read(&mut json).and_then(|value| json.end().map(|()| value));
        value.map_err(|error| SettingsError(error.to_string()))
    }
}

macro_rules! parsed {
    ($($deserialize:ident $visit:ident,)*) => { $(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
            let value = self.parse(&visitor)?;
            visitor.$visit(value)
        }
    )* };
}

macro_rules! through_json {
    ($($deserialize:ident ( $($name:ident : $type:ty),* ),)*) => { $(
        fn $deserialize<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, SettingsError> {
            self.json(|json| json.$deserialize($($name,)* visitor))
        }
    )* };
}

impl<'de> Deserializer<'de> for Setting<'de> {
    type Error = SettingsError;

    /// For a type that takes what comes (an untagged enum, a `serde_json::Value`): JSON if it is JSON, else text.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        match serde_json::from_str::<serde::de::IgnoredAny>(self.0) {
            Ok(_) => self.json(|json| json.deserialize_any(visitor)),
            Err(_) => visitor.visit_borrowed_str(self.0),
        }
    }

    parsed! {
        deserialize_bool visit_bool,
        deserialize_i8 visit_i8,
        deserialize_i16 visit_i16,
        deserialize_i32 visit_i32,
        deserialize_i64 visit_i64,
        deserialize_i128 visit_i128,
        deserialize_u8 visit_u8,
        deserialize_u16 visit_u16,
        deserialize_u32 visit_u32,
        deserialize_u64 visit_u64,
        deserialize_u128 visit_u128,
        deserialize_f32 visit_f32,
        deserialize_f64 visit_f64,
        deserialize_char visit_char,
    }

    through_json! {
        deserialize_seq(),
        deserialize_map(),
        deserialize_tuple(len: usize),
        deserialize_tuple_struct(name: &'static str, len: usize),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_borrowed_bytes(self.0.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_borrowed_bytes(self.0.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, SettingsError> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant's bare name, or the JSON of a variant that has content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SettingsError> {
        if self.0.starts_with('{') {
            return self.json(|json| json.deserialize_enum(name, variants, visitor));
        }
        let variant: StrDeserializer<'de, SettingsError> = self.0.into_deserializer();
        visitor.visit_enum(variant)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingsError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, SettingsError> {
        visitor.visit_unit()
    }

    fn deserialize_identifier<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, SettingsError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, SettingsError> {
        visitor.visit_unit()
    }
}

impl Error for SettingsError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("setting {field} is missing"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self(format!(
            "setting {field} is unknown: there are {}",
            expected.join(", ")
        ))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("expected one of {}", expected.join(", ")))
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for SettingsError {}

#[cfg(test)]
mod tests;

//! Secrets among a plugin's settings: what is shown in their place, and how what is shown becomes what it stands for again.
//!
//! A value is a secret if its schema says so (`writeOnly: true` or `format: password`), or if it stands under a key that the record
//! masks know. While no version serves, no schema is known: then every text and number is taken for one.

mod schema;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::plugin::PluginStatus;
use crate::record::{MASKED, Masks};
use schema::Place;

/// Tells what is a secret in the settings of one plugin.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a> {
    masks: &'a Masks,
    schema: Option<&'a Value>,
    /// Nothing is known of the settings.
    are_all: bool,
}

/// Settings as they may be shown.
#[derive(Debug, Default, PartialEq)]
pub struct Shown {
    pub settings: Map<String, Value>,
    /// Where the masks are, as JSON pointers (RFC 6901).
    pub masked: Vec<String>,
}

/// A mask stands where there is no value that it could stand for: its JSON pointer.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown(pub String);

/// Where a value is: its place in the schema, its JSON pointer, and whether a key above it is one of a secret.
#[derive(Debug, Clone)]
struct At<'a> {
    place: Place<'a>,
    pointer: String,
    under_key: bool,
}

impl<'a> Secrets<'a> {
    pub fn of(status: &'a PluginStatus, masks: &'a Masks) -> Self {
        let serving = status.serving.as_ref();
        Self {
            masks,
            schema: serving.and_then(|serving| serving.schema.as_ref()),
            are_all: serving.is_none(),
        }
    }

    /// These settings with masks in the places of secrets.
    pub fn shown(&self, settings: &Map<String, Value>) -> Shown {
        let mut masked = Vec::new();
        let values = settings.iter().map(|(key, value)| {
            let at = self.child(&self.root(), key);
            (key.clone(), self.mask(value, &at, &mut masked))
        });
        Shown {
            settings: values.collect(),
            masked,
        }
    }

    /// New settings with the values of these in the places of masks.
    ///
    /// # Errors
    /// When a mask stands where these have no secret.
    pub fn restored(
        &self,
        new: Map<String, Value>,
        now: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Unknown> {
        let root = self.root();
        let value = |(key, value): (String, Value)| {
            let restored = self.restore(value, now.get(&key), &self.child(&root, &key))?;
            Ok((key, restored))
        };
        new.into_iter().map(value).collect()
    }

    fn root(&self) -> At<'a> {
        At {
            place: Place::root(self.schema),
            pointer: String::new(),
            under_key: self.are_all,
        }
    }

    fn child(&self, at: &At<'a>, key: &str) -> At<'a> {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        At {
            place: at.place.property(key),
            pointer: format!("{}/{escaped}", at.pointer),
            under_key: at.under_key || self.masks.is_key(key),
        }
    }

    fn mask(&self, value: &Value, at: &At<'a>, masked: &mut Vec<String>) -> Value {
        if at.is_secret(value) {
            masked.push(at.pointer.clone());
            return Value::from(MASKED);
        }
        match value {
            Value::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let masked = self.mask(value, &self.child(at, key), masked);
                    (key.clone(), masked)
                });
                Value::Object(entries.collect())
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| self.mask(item, &at.item(index), masked));
                Value::Array(items.collect())
            }
            other => other.clone(),
        }
    }

    fn restore(&self, new: Value, now: Option<&Value>, at: &At<'a>) -> Result<Value, Unknown> {
        match new {
            Value::String(text) if text == MASKED && at.may_be_secret() => {
                let value = now.filter(|value| at.is_secret(value));
                value.cloned().ok_or_else(|| Unknown(at.pointer.clone()))
            }
            Value::Object(entries) => {
                let entry = |(key, value): (String, Value)| {
                    let now = now.and_then(|now| now.get(&key));
                    Ok((
                        key.clone(),
                        self.restore(value, now, &self.child(at, &key))?,
                    ))
                };
                let entries: Result<Map<_, _>, _> = entries.into_iter().map(entry).collect();
                entries.map(Value::Object)
            }
            Value::Array(items) => {
                let now = now.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let counterparts = self.counterparts(&items, now, at);
                let items = items.into_iter().zip(counterparts).enumerate();
                let items =
                    items.map(|(index, (item, now))| self.restore(item, now, &at.item(index)));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            other => Ok(other),
        }
    }

    /// For each new item the one that it was before, if that can be told: items may have been added, removed, changed and put into
    /// another order meanwhile, and a secret must not get to another item.
    fn counterparts<'v>(
        &self,
        new: &[Value],
        now: &'v [Value],
        at: &At<'a>,
    ) -> Vec<Option<&'v Value>> {
        let shown = |(index, item)| self.mask(item, &at.item(index), &mut Vec::new());
        let shown: Vec<Value> = now.iter().enumerate().map(shown).collect();
        let counterpart = |(index, item): (usize, &Value)| {
            let mut alike = (0..now.len()).filter(|before| shown[*before] == *item);
            let is_as_long = new.len() == now.len();
            // It is what it was.
            if is_as_long && shown[index] == *item {
                return Some(&now[index]);
            }
            // It has another place now. Those that look alike may be different secrets.
            if let Some(first) = alike.next() {
                let is_clear = alike.all(|other| now[other] == now[first]);
                return is_clear.then(|| &now[first]);
            }
            // Something else in it was changed.
            (is_as_long && !new.contains(&shown[index])).then(|| &now[index])
        };
        new.iter().enumerate().map(counterpart).collect()
    }
}

impl At<'_> {
    fn item(&self, index: usize) -> Self {
        Self {
            place: self.place.item(index),
            pointer: format!("{}/{index}", self.pointer),
            under_key: self.under_key,
        }
    }

    /// Whether a value here is masked. Nothing is hidden of what is empty, on, or off.
    fn is_secret(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::String(text) => !text.is_empty() && self.may_be_secret(),
            Value::Number(_) => self.may_be_secret(),
            // Under a key of a secret what is in it is masked, so that its form is seen.
            Value::Array(items) => !items.is_empty() && self.place.is_secret(),
            Value::Object(entries) => !entries.is_empty() && self.place.is_secret(),
        }
    }

    fn may_be_secret(&self) -> bool {
        self.under_key || self.place.is_secret()
    }
}

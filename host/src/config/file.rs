//! The configuration file as tables that report what is wrong with them.
//!
//! A derived `Deserialize` stops at the first mistake. Here [`resolve`](mod@super::resolve) asks a table
//! for its keys one by one; a wrong type, and at the end every key that nobody asked for, becomes a
//! [`Mistake`] with its line, and the walk goes on.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{ConfigErrors, Mistake, Place};
use super::names::{nearest_key, quoted};
use super::settings::Setting;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    pub(crate) fn add(&self, place: Place, problem: impl Into<String>) {
        let problem = problem.into();
        self.0.borrow_mut().push(Mistake { place, problem });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// The value if there was no mistake, else all of them, sorted by place.
    pub(crate) fn or<T>(self, value: T) -> Result<T, ConfigErrors> {
        let mut mistakes = self.0.into_inner();
        if mistakes.is_empty() {
            return Ok(value);
        }
        mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        Err(ConfigErrors { mistakes })
    }
}

/// A scalar as text and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) place: Place,
    pub(crate) text: String,
}

impl Scalar {
    /// What the text means; notes the problem if it means nothing.
    pub(crate) fn read<T>(
        &self,
        mistakes: &Mistakes,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(&self.text) {
            Ok(value) => Some(value),
            Err(problem) => {
                mistakes.add(self.place.clone(), problem);
                None
            }
        }
    }
}

/// A parsed file.
#[derive(Debug)]
pub(crate) struct TomlDocument<'s> {
    source: Source<'s>,
    root: DeTable<'s>,
}

impl<'s> TomlDocument<'s> {
    /// Parses a file's text; the path is for messages alone.
    ///
    /// A text that is no TOML gives its syntax mistakes and an empty document: what could be
    /// recovered from it would only raise mistakes that nobody made.
    pub(crate) fn parse(path: &'s Path, text: &'s str, mistakes: &'s Mistakes) -> Self {
        let source = Source {
            path,
            text,
            mistakes,
        };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            source.syntax(error);
        }
        let root = if errors.is_empty() {
            root.into_inner()
        } else {
            DeTable::new()
        };
        Self { source, root }
    }

    pub(crate) fn root(&self) -> TomlTable<'_> {
        let place = Place::File {
            path: self.source.path.to_owned(),
        };
        TomlTable {
            source: &self.source,
            place,
            path: String::new(),
            entries: &self.root,
            known: Vec::new(),
        }
    }
}

/// The text that is read and where its mistakes go.
#[derive(Debug)]
struct Source<'s> {
    path: &'s Path,
    text: &'s str,
    mistakes: &'s Mistakes,
}

impl Source<'_> {
    /// Of a syntax error only the message: the line itself may hold a secret.
    fn syntax(&self, error: &toml::de::Error) {
        let line = self.line(error.span().unwrap_or_default());
        let path = self.path.to_owned();
        let problem = error.message().lines().collect::<Vec<_>>().join("; ");
        self.mistakes.add(Place::Line { path, line }, problem);
    }

    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.bytes().take(span.start);
        before.filter(|byte| *byte == b'\n').count() + 1
    }

    fn place(&self, span: Range<usize>, key: String, value: &Spanned<DeValue<'_>>) -> Place {
        let (path, line) = (self.path.to_owned(), self.line(span));
        let value = self.excerpt(value);
        Place::Key {
            path,
            line,
            key,
            value,
        }
    }

    /// A scalar as it is written, cut to what a message can hold.
    fn excerpt(&self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        const LONGEST: usize = 60;
        if value.get_ref().is_table() || value.get_ref().is_array() {
            return None;
        }
        let line = self.text.get(value.span())?.lines().next()?;
        Some(match line.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        })
    }
}

/// A table that is asked for its keys one by one, and at the end told that these were all.
#[derive(Debug)]
pub(crate) struct TomlTable<'s> {
    source: &'s Source<'s>,
    pub(crate) place: Place,
    /// The keys that lead here, with a dot at the end; empty for the root.
    path: String,
    entries: &'s DeTable<'s>,
    known: Vec<&'static str>,
}

impl<'s> TomlTable<'s> {
    /// The value of a key, whatever it is.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value<'s>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.values()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<Scalar> {
        self.take(key)?.text()
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Option<Scalar> {
        self.take(key)?.number()
    }

    pub(crate) fn text_or_number(&mut self, key: &'static str) -> Option<Scalar> {
        self.take(key)?.text_or_number()
    }

    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        let boolean = value.value.as_bool();
        boolean.or_else(|| value.wrong("true or false"))
    }

    /// As [`boolean`](Self::boolean), with its place.
    pub(crate) fn switch(&mut self, key: &'static str) -> Option<(bool, Place)> {
        let place = self.take(key)?.place;
        Some((self.boolean(key)?, place))
    }

    pub(crate) fn table(&mut self, key: &'static str) -> Option<TomlTable<'s>> {
        self.take(key)?.table()
    }

    /// The strings of an array. An empty one holds none; what `items` are is for messages.
    pub(crate) fn list(&mut self, key: &'static str, items: &str) -> Option<Vec<Scalar>> {
        let value = self.take(key)?;
        if value.value.is_array() {
            Some(value.items().filter_map(Value::text).collect())
        } else {
            value.wrong(&format!("a list of {items}"))
        }
    }

    /// All values by name, in the order of the names.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'s str, Value<'s>)> + use<'s> {
        let (source, path) = (self.source, self.path.clone());
        self.entries.iter().map(move |(name, value)| {
            let key = format!("{path}{}", quoted(name.get_ref()));
            let place = source.place(name.span(), key.clone(), value);
            let value = value.get_ref();
            (
                name.get_ref().as_ref(),
                Value {
                    source,
                    place,
                    key,
                    value,
                },
            )
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the key is there, with whatever value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Notes this of the table as a whole.
    pub(crate) fn wrong<T>(self, problem: &str) -> Option<T> {
        self.source.mistakes.add(self.place, problem);
        None
    }

    /// Reports the keys that nobody asked for. `elsewhere` names keys of other tables that people
    /// put here.
    pub(crate) fn finish(self, elsewhere: &[&'static str]) {
        for (name, value) in self.values().filter(|(name, _)| !self.known.contains(name)) {
            let problem = match nearest_key(name, self.known.iter().chain(elsewhere)) {
                Some(known) => format!("unknown key; did you mean {known}?"),
                None => format!("unknown key; expected one of {}", self.known.join(", ")),
            };
            let place = value.place.without_value();
            self.source.mistakes.add(place, problem);
        }
    }
}

/// A value that must have some shape, and what to say if it hasn't.
#[derive(Debug)]
pub(crate) struct Value<'s> {
    source: &'s Source<'s>,
    pub(crate) place: Place,
    key: String,
    pub(crate) value: &'s DeValue<'s>,
}

impl<'s> Value<'s> {
    /// Notes what was expected instead.
    pub(crate) fn wrong<T>(self, expected: &str) -> Option<T> {
        let problem = format!("expected {expected}");
        self.source.mistakes.add(self.place, problem);
        None
    }

    pub(crate) fn text(self) -> Option<Scalar> {
        let Some(text) = self.value.as_str().map(str::to_owned) else {
            return self.wrong("a string");
        };
        Some(Scalar {
            place: self.place,
            text,
        })
    }

    pub(crate) fn number(self) -> Option<Scalar> {
        let Some(number) = integer(self.value) else {
            return self.wrong("a whole number");
        };
        Some(Scalar {
            place: self.place,
            text: number.to_string(),
        })
    }

    pub(crate) fn text_or_number(self) -> Option<Scalar> {
        match self.value.is_integer() {
            true => self.number(),
            false => self.text(),
        }
    }

    pub(crate) fn table(self) -> Option<TomlTable<'s>> {
        let Some(entries) = self.value.as_table() else {
            return self.wrong("a table");
        };
        let (source, place, path) = (self.source, self.place, format!("{}.", self.key));
        Some(TomlTable {
            source,
            place,
            path,
            entries,
            known: Vec::new(),
        })
    }

    /// The value of a setting: for the plugin a string as it is, anything else as JSON text.
    pub(crate) fn setting(self) -> Option<Setting> {
        match json(self.value) {
            Ok(value) => Some(Setting {
                text: match self.value.as_str() {
                    Some(text) => text.to_owned(),
                    None => value.to_string(),
                },
                value,
            }),
            Err(expected) => self.wrong(expected),
        }
    }

    pub(crate) fn is_empty_list(&self) -> bool {
        self.value.as_array().is_some_and(|items| items.is_empty())
    }

    /// The items of an array; none of anything else.
    pub(crate) fn items(self) -> impl Iterator<Item = Value<'s>> {
        let (source, key) = (self.source, self.key);
        let items = self
            .value
            .as_array()
            .into_iter()
            .flat_map(|items| items.iter());
        items.map(move |item| {
            let (key, value) = (key.clone(), item.get_ref());
            let place = source.place(item.span(), key.clone(), item);
            Value {
                source,
                place,
                key,
                value,
            }
        })
    }
}

/// A TOML value as JSON; dates and times as strings. Else what was expected.
fn json(value: &DeValue<'_>) -> Result<serde_json::Value, &'static str> {
    Ok(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(_) => integer(value).ok_or("a number that fits 64 bits")?.into(),
        DeValue::Float(float) => {
            let number = float
                .as_str()
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64);
            number
                .ok_or("a finite number, as JSON has no other")?
                .into()
        }
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(items) => items
            .iter()
            .map(|i| json(i.get_ref()))
            .collect::<Result<_, _>>()?,
        DeValue::Table(table) => {
            let fields = table.iter();
            let fields =
                fields.map(|(k, v)| json(v.get_ref()).map(|v| (k.get_ref().to_string(), v)));
            serde_json::Value::Object(fields.collect::<Result<_, _>>()?)
        }
    })
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

//! How tapes answer: the tables `[backends.NAME.replay]`, and `--replay` for the default backend.

use std::path::Path;
use std::sync::Arc;

use http::StatusCode;

use super::backends::NamedBackends;
use super::layers::Layers;
use crate::config::backend::{DEFAULT_BACKEND, OnMiss};
use crate::config::file::{Scalar, TomlTable};
use crate::config::{Place, nearest_name, units, url};
use crate::record::answers::{AnswerRules, Pace, QueryRule, Repeat};

/// The keys of the table, and of the flag.
const KEYS: [&str; 8] = [
    "match-host",
    "match-body",
    "match-fields",
    "ignore-query",
    "ignore-keys",
    "repeat",
    "pace",
    "on-miss",
];

/// The rules of a table, and what it says of requests without an answer.
pub(super) type Replay = (AnswerRules, Option<Scalar>);

impl Layers<'_> {
    /// What a table says.
    pub(super) fn replay(&self, mut table: TomlTable<'_>) -> Replay {
        let mut rules = AnswerRules::default();
        if let Some(host) = table.boolean("match-host") {
            rules.host = host;
        }
        if let Some(body) = table.boolean("match-body") {
            rules.body = body;
        }
        for (key, items) in [
            ("match-fields", "names of fields"),
            ("ignore-query", "names of parameters"),
            ("ignore-keys", "names of keys"),
        ] {
            let list = table.list(key, items).into_iter();
            for list in list {
                let names = list.into_iter().map(|name| name.text);
                set_names(&mut rules, key, names.collect());
            }
        }
        for key in ["repeat", "pace"] {
            if let Some(entry) = table.text(key) {
                entry.read(self.mistakes, |text| set(&mut rules, key, text));
            }
        }
        let on_miss = table.text_or_number("on-miss");
        table.finish(&[]);
        (rules, on_miss)
    }

    /// What flag or variable say of the default backend.
    pub(super) fn replay_above(&self, backends: &mut NamedBackends) {
        let flags = self.args.replay.iter().map(|text| {
            let (name, value) = ("replay", Some(text.clone()));
            let place = Place::Flag { name, value };
            let text = text.clone();
            Scalar { place, text }
        });
        let mut entries: Vec<Scalar> = flags.collect();
        if entries.is_empty()
            && let Some(entry) = self.variable("replay").and_then(|it| self.utf8(it))
        {
            let place = &entry.place;
            let words = entry.text.split_whitespace();
            let words = words.map(|word| Scalar {
                place: place.clone(),
                text: word.to_owned(),
            });
            entries.extend(words);
        }
        for entry in entries {
            let Some((key, value)) = entry.read(self.mistakes, pair) else {
                continue;
            };
            let Some(config) = backends.config_mut(DEFAULT_BACKEND) else {
                self.mistakes.add(entry.place, NO_TAPE);
                continue;
            };
            if config.tape().is_none() {
                self.mistakes.add(entry.place, NO_TAPE);
            } else if key == "on-miss" {
                let text = value;
                let place = entry.place;
                backends.misses(DEFAULT_BACKEND, Scalar { place, text });
            } else {
                let rules = &mut config.replay.rules;
                let set = |_: &str| set(rules, key, &value);
                entry.read(self.mistakes, set);
            }
        }
    }

    /// What becomes of requests without an answer, once all backends are known.
    pub(super) fn misses(&self, backends: &mut NamedBackends, base: &Path) {
        for (name, entry) in backends.take_misses() {
            let on_miss = match entry.text.trim().parse::<u16>() {
                Ok(_) => entry.read(self.mistakes, status).map(OnMiss::Status),
                Err(_) => self.other_backend(&name, &entry, backends, base),
            };
            if let Some((on_miss, config)) = on_miss.zip(backends.config_mut(&name)) {
                config.replay.on_miss = on_miss;
            }
        }
    }

    fn other_backend(
        &self,
        own: &str,
        entry: &Scalar,
        backends: &mut NamedBackends,
        base: &Path,
    ) -> Option<OnMiss> {
        let text = entry.text.trim();
        let base = if entry.place.is_in_file() {
            base
        } else {
            Path::new("")
        };
        let name = if backends.knows(text) {
            text.to_owned()
        } else if text.contains([':', '/']) {
            let origin = entry.read(self.mistakes, |text| url::origin(text, base))?;
            backends.at(&origin, entry.place.clone())
        } else {
            let nearest = backends.nearest(text);
            let problem = match nearest {
                Some(name) => format!("unknown backend; did you mean {name:?}?"),
                None => {
                    "expected a status from 400 to 599, a name of [backends], or a URL".to_owned()
                }
            };
            self.mistakes.add(entry.place.clone(), problem);
            return None;
        };
        let other = backends.config_mut(&name);
        if name == own || other.is_some_and(|other| other.tape().is_some()) {
            let problem = "a tape has no answer either; expected a backend that is a server";
            self.mistakes.add(entry.place.clone(), problem);
            return None;
        }
        Some(OnMiss::Backend(Arc::from(name)))
    }
}

const NO_TAPE: &str = "the default backend is no tape; expected --backend tape:FILE, or [backends.NAME.replay] for another one";

/// A key of the flag and its value.
fn pair(text: &str) -> Result<(&'static str, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "expected KEY=VALUE, such as on-miss=404".to_owned())?;
    let known = KEYS.iter().find(|known| **known == key.trim());
    let known = known.ok_or_else(|| match nearest_name(key.trim(), KEYS.into_iter()) {
        Some(near) => format!("unknown key; did you mean {near}?"),
        None => format!("unknown key; expected one of {}", KEYS.join(", ")),
    });
    Ok((known?, value.trim().to_owned()))
}

/// Sets what one key says, as text.
fn set(rules: &mut AnswerRules, key: &str, text: &str) -> Result<(), String> {
    match key {
        "match-host" => rules.host = units::boolean(text)?,
        "match-body" => rules.body = units::boolean(text)?,
        "repeat" => {
            rules.repeat = match text {
                "last" => Repeat::Last,
                "once" => Repeat::Once,
                "cycle" => Repeat::Cycle,
                _ => return Err("expected last, once or cycle".to_owned()),
            }
        }
        "pace" => {
            rules.pace = match text {
                "none" => Pace::None,
                "original" => Pace::Original,
                _ => return Err("expected none or original".to_owned()),
            }
        }
        _ => {
            let names = text.split(',').map(str::trim);
            let names = names.filter(|name| !name.is_empty()).map(str::to_owned);
            set_names(rules, key, names.collect());
        }
    }
    Ok(())
}

fn set_names(rules: &mut AnswerRules, key: &str, names: Vec<String>) {
    match key {
        "match-fields" => {
            rules.fields = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        }
        "ignore-query" => {
            rules.query = match names.iter().any(|name| name == "*") {
                true => QueryRule::Nothing,
                false => QueryRule::AllBut(names),
            }
        }
        _ => rules.ignore_keys = names,
    }
}

fn status(text: &str) -> Result<StatusCode, String> {
    let status = text
        .trim()
        .parse()
        .ok()
        .filter(|it| (400..600).contains(it));
    let status = status.and_then(|it| StatusCode::from_u16(it).ok());
    status.ok_or_else(|| "expected a status from 400 to 599, or a backend".to_owned())
}

//! What one file says of a plugin, and nothing that it doesn't say: a table `[plugin.NAME]` of the configuration file, or a
//! file `NAME.toml` beside the plugin. Both together, the configuration file first, give a [`PluginConfig`].

use std::time::Duration;

use super::allow::{Allow, Bucket};
use super::plugin::{BackgroundConfig, OnFailure, PluginConfig, PluginLimits};
use super::settings::Settings;
use crate::matching::{MatchRule, Matches};
use crate::outbound;

/// Keys of a plugin. None where a file doesn't have the key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginKeys {
    pub enabled: Option<bool>,
    pub required: Option<bool>,
    pub order: Option<i32>,
    pub on_failure: Option<OnFailure>,
    pub settings: Settings,
    pub matches: Option<MatchKey>,
    pub limits: LimitKeys,
    pub allow: AllowKeys,
    /// `every` of `background`.
    pub background_every: Option<Duration>,
}

/// The key `match`.
#[derive(Debug, Clone, PartialEq)]
pub enum MatchKey {
    /// One table.
    Table(MatchRule),
    /// A list of tables.
    List(Vec<MatchRule>),
}

/// The keys of `limits`; see [`PluginLimits`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitKeys {
    pub deadline: Option<Duration>,
    pub memory: Option<u64>,
    pub body: Option<u64>,
    pub piece: Option<u64>,
    pub max_calls: Option<u32>,
    pub body_timeout: Option<Duration>,
    pub trial: Option<Duration>,
    pub file_size: Option<u64>,
}

/// The keys of `allow`. One that is there and grants nothing takes away what a weaker file grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowKeys {
    /// `Some(None)` is `state = false`.
    pub state: Option<Option<Bucket>>,
    pub http: Option<Vec<outbound::Destination>>,
    pub http_private: Option<Vec<outbound::AddressRange>>,
    pub environment: Option<Vec<String>>,
    pub backends: Option<Vec<String>>,
}

impl PluginKeys {
    /// These keys, and those of `weaker` that are not here. Settings, limits and permissions are compared one by one; so are
    /// the keys of `match` if both have one table there.
    #[must_use]
    pub fn over(&self, weaker: &Self) -> Self {
        Self {
            enabled: self.enabled.or(weaker.enabled),
            required: self.required.or(weaker.required),
            order: self.order.or(weaker.order),
            on_failure: self.on_failure.or(weaker.on_failure),
            settings: self.settings.over(&weaker.settings),
            matches: match (&self.matches, &weaker.matches) {
                (Some(own), Some(weaker)) => Some(own.over(weaker)),
                (own, weaker) => own.clone().or_else(|| weaker.clone()),
            },
            limits: self.limits.over(weaker.limits),
            allow: self.allow.over(&weaker.allow),
            background_every: self.background_every.or(weaker.background_every),
        }
    }

    /// The configuration of a plugin of which all is said here; `limits` are those of plugins that don't set their own.
    pub fn config(self, limits: PluginLimits) -> PluginConfig {
        let defaults = PluginConfig::new(self.limits.limits(limits));
        PluginConfig {
            enabled: self.enabled.unwrap_or(defaults.enabled),
            required: self.required.unwrap_or(defaults.required),
            order: self.order.unwrap_or(defaults.order),
            on_failure: self.on_failure.unwrap_or(defaults.on_failure),
            settings: self.settings,
            matches: self.matches.map(MatchKey::matches).unwrap_or_default(),
            allow: self.allow.allow(),
            background: BackgroundConfig {
                every: self.background_every.unwrap_or(defaults.background.every),
            },
            ..defaults
        }
    }
}

impl MatchKey {
    fn over(&self, weaker: &Self) -> Self {
        match (self, weaker) {
            (Self::Table(own), Self::Table(weaker)) => Self::Table(MatchRule {
                host: own.host.clone().or_else(|| weaker.host.clone()),
                path: own.path.clone().or_else(|| weaker.path.clone()),
                methods: match own.methods.is_empty() {
                    true => weaker.methods.clone(),
                    false => own.methods.clone(),
                },
            }),
            _ => self.clone(),
        }
    }

    fn matches(self) -> Matches {
        Matches::new(match self {
            Self::Table(rule) => vec![rule],
            Self::List(rules) => rules,
        })
    }
}

impl LimitKeys {
    fn over(self, weaker: Self) -> Self {
        Self {
            deadline: self.deadline.or(weaker.deadline),
            memory: self.memory.or(weaker.memory),
            body: self.body.or(weaker.body),
            piece: self.piece.or(weaker.piece),
            max_calls: self.max_calls.or(weaker.max_calls),
            body_timeout: self.body_timeout.or(weaker.body_timeout),
            trial: self.trial.or(weaker.trial),
            file_size: self.file_size.or(weaker.file_size),
        }
    }

    /// The limits, where what is not said is as in `base`.
    pub fn limits(self, base: PluginLimits) -> PluginLimits {
        PluginLimits {
            deadline: self.deadline.unwrap_or(base.deadline),
            memory: self.memory.unwrap_or(base.memory),
            body: self.body.unwrap_or(base.body),
            piece: self.piece.unwrap_or(base.piece),
            max_calls: self.max_calls.unwrap_or(base.max_calls),
            body_timeout: self.body_timeout.unwrap_or(base.body_timeout),
            trial: self.trial.unwrap_or(base.trial),
            file_size: self.file_size.unwrap_or(base.file_size),
        }
    }
}

impl AllowKeys {
    fn over(&self, weaker: &Self) -> Self {
        let (own, weaker) = (self.clone(), weaker.clone());
        Self {
            state: own.state.or(weaker.state),
            http: own.http.or(weaker.http),
            http_private: own.http_private.or(weaker.http_private),
            environment: own.environment.or(weaker.environment),
            backends: own.backends.or(weaker.backends),
        }
    }

    /// An empty list of destinations grants no client.
    fn allow(self) -> Allow {
        let http = self.http.filter(|destinations| !destinations.is_empty());
        let private = self.http_private.unwrap_or_default();
        Allow {
            state: self.state.flatten(),
            http: http.map(|destinations| outbound::Allow::new(destinations, private)),
            environment: self.environment.unwrap_or_default(),
            backends: self.backends.filter(|names| !names.is_empty()),
        }
    }
}

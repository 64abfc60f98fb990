//! A plugin as the API shows it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::secrets::Secrets;
use crate::config::{Allow, Bucket, PluginLimits};
use crate::matching::MatchRule;
use crate::plugin::{PluginEvent, PluginStatus, Serving, SettingsSource};
use crate::record::Masks;

/// A plugin as it stands
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Plugin {
    pub name: String,
    /// Lower ones meet a request first.
    pub order: i32,
    /// `active`, `active, new version refused`, `disabled`, `failed`, `loading`, `missing`; the last three also with
    /// ` (required)`.
    pub state: String,
    pub enabled: bool,
    /// Whether requests that it would take part in are answered 503 while no version of it serves.
    pub required: bool,
    /// The version that serves, if one does.
    pub serving: Option<ServingView>,
    /// Why the file as it is now does not serve.
    pub error: Option<String>,
    /// What is to be known of the version that serves.
    pub warnings: Vec<String>,
    /// The file of its code.
    pub file: Option<String>,
    /// What the version that serves is: the contract, or the world of a standard component.
    pub kind: Option<String>,
    /// What the version that serves needs to be granted: `state`, `http`, `backends`.
    pub permissions: Vec<String>,
    /// Whether the version that served before is kept.
    pub can_roll_back: bool,
    pub settings_source: SourceOfSettings,
    /// The last 50 events, the oldest first.
    pub history: Vec<PluginEventView>,
}

/// The version of a plugin that serves
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServingView {
    /// The beginning of the SHA-256 of its file, as in the log.
    pub version: String,
    /// How its code was made: `baseline` at once, `optimized` soon after.
    pub tier: String,
    /// Since when: microseconds since 1970.
    pub since_us: u64,
    /// Whether it goes on whatever its file holds, until the file changes or the plugin is promoted.
    pub pinned: bool,
}

/// Where the settings that are in force are from
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceOfSettings {
    /// The configuration file, or nowhere.
    Configuration,
    /// `NAME.toml` beside the plugin, with or without the configuration file.
    Beside,
    /// This API, in memory.
    Admin,
}

/// Something that happened to a plugin
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginEventView {
    pub at_us: u64,
    /// `serves`, `refused`, `removed`, `rolled-back`, `promoted`, `enabled`, `disabled`, `settings`, `order`.
    pub event: String,
    /// The version that it is about.
    pub version: Option<String>,
    /// More about it, such as the error.
    pub text: String,
}

/// A plugin with its settings and what is granted to it
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PluginDetail {
    #[serde(flatten)]
    pub plugin: Plugin,
    /// What is in force, by key. Secrets are `[masked]`.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// Where the masks are in the settings, as JSON pointers (RFC 6901).
    pub masked: Vec<String>,
    /// The JSON Schema of the settings, if the version that serves has one.
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Value>,
    /// The exchanges that it takes part in: those that any of these matches; none for all.
    #[serde(rename = "match")]
    pub matches: Vec<PluginRule>,
    pub limits: PluginLimitsView,
    pub allow: PluginAllow,
}

/// What must be true together
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginRule {
    pub host: Option<String>,
    pub path: Option<String>,
    /// Any of these; none for all.
    pub method: Vec<String>,
}

/// What a plugin may use
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginLimitsView {
    /// CPU time of one call, in microseconds.
    pub deadline_us: u64,
    /// Bytes of memory of an instance.
    pub memory: u64,
    /// Bytes of a body.
    pub body: u64,
    /// Bytes of a piece of a body that is rewritten as it flows.
    pub piece: u64,
    /// Calls of an instance.
    pub max_calls: u32,
    pub body_timeout_us: u64,
    pub trial_us: u64,
    /// Bytes of the file.
    pub file_size: u64,
}

/// What is granted to a plugin
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginAllow {
    /// The bucket of its state: its own name, or one that it shares.
    pub state: Option<String>,
    /// Where it may send requests.
    pub http: Vec<String>,
    /// The backends that it may choose.
    pub backends: Vec<String>,
    /// The environment variables that it sees.
    pub environment: Vec<String>,
}

impl Plugin {
    pub fn of(status: &PluginStatus) -> Self {
        let serving = status.serving.as_ref();
        let permissions = serving.map_or(&[][..], |serving| &serving.permissions);
        Self {
            name: status.name.clone(),
            order: status.order,
            state: status.state().to_owned(),
            enabled: !status.disabled,
            required: status.required,
            serving: serving.map(|serving| ServingView::of(serving, status.pinned)),
            error: status.error.clone(),
            warnings: status.warnings.clone(),
            file: status.file.as_ref().map(|file| file.display().to_string()),
            kind: serving.map(|serving| serving.kind.clone()),
            permissions: permissions.iter().map(|one| one.key().to_owned()).collect(),
            can_roll_back: status.can_roll_back,
            settings_source: match status.settings_source {
                SettingsSource::Configuration => SourceOfSettings::Configuration,
                SettingsSource::Beside => SourceOfSettings::Beside,
                SettingsSource::Admin => SourceOfSettings::Admin,
            },
            history: status.history.iter().map(PluginEventView::of).collect(),
        }
    }
}

impl ServingView {
    fn of(serving: &Serving, pinned: bool) -> Self {
        Self {
            version: serving.hash.short(),
            tier: serving.tier.to_string(),
            since_us: serving.since,
            pinned,
        }
    }
}

impl PluginEventView {
    fn of(event: &PluginEvent) -> Self {
        Self {
            at_us: event.at,
            event: event.kind.name().to_owned(),
            version: event.version.clone(),
            text: event.text.clone(),
        }
    }
}

impl PluginDetail {
    pub fn of(status: &PluginStatus, masks: &Masks) -> Self {
        let config = &status.config;
        let schema = status.serving.as_ref();
        let shown = Secrets::of(status, masks).shown(config.settings.values());
        Self {
            plugin: Plugin::of(status),
            settings: shown.settings,
            masked: shown.masked,
            schema: schema.and_then(|serving| serving.schema.clone()),
            matches: config.matches.rules().iter().map(PluginRule::of).collect(),
            limits: PluginLimitsView::of(&config.limits),
            allow: PluginAllow::of(&status.name, &config.allow),
        }
    }
}

impl PluginRule {
    fn of(rule: &MatchRule) -> Self {
        Self {
            host: rule.host.as_ref().map(ToString::to_string),
            path: rule.path.as_ref().map(ToString::to_string),
            method: rule.methods.iter().map(ToString::to_string).collect(),
        }
    }
}

impl PluginLimitsView {
    fn of(limits: &PluginLimits) -> Self {
        let micros =
            |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            deadline_us: micros(limits.deadline),
            memory: limits.memory,
            body: limits.body,
            piece: limits.piece,
            max_calls: limits.max_calls,
            body_timeout_us: micros(limits.body_timeout),
            trial_us: micros(limits.trial),
            file_size: limits.file_size,
        }
    }
}

impl PluginAllow {
    fn of(name: &str, allow: &Allow) -> Self {
        let http = allow.http.as_ref();
        Self {
            state: allow.state.as_ref().map(|bucket| match bucket {
                Bucket::Own => name.to_owned(),
                Bucket::Shared(name) => name.clone(),
            }),
            http: http.map_or_else(Vec::new, |http| http.destinations().collect()),
            backends: allow.backends.clone().unwrap_or_default(),
            environment: allow.environment.clone(),
        }
    }
}

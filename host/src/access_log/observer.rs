//! Makes a line of each finished exchange.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::Version;

use super::entry::AccessEntry;
use super::format::AccessFormat;
use super::writer::AccessLog;
use crate::message::Scheme;
use crate::message::trace::{
    Ending, Finished, Level, Observer, Performer, StepTimes, TakenFields, Times,
};

/// Hides what is secret before it is written.
pub trait Mask: std::fmt::Debug + Send + Sync {
    /// A target as it may be shown.
    fn target<'a>(&self, target: &'a str) -> Cow<'a, str>;

    /// The value of a field as it may be shown; its name is in lower case.
    fn value<'a>(&self, name: &str, value: &'a [u8]) -> Cow<'a, [u8]>;
}

/// Writes to the access log.
#[derive(Debug)]
pub struct AccessObserver {
    log: AccessLog,
    format: AccessFormat,
    mask: Arc<dyn Mask>,
}

impl AccessObserver {
    pub fn new(log: AccessLog, format: AccessFormat, mask: Arc<dyn Mask>) -> Self {
        Self { log, format, mask }
    }

    fn values(&self, wanted: &[Box<str>], taken: &TakenFields) -> Vec<Option<Box<[u8]>>> {
        let value = |name: &str| {
            let value = taken.get(name)?;
            Some(self.mask.value(name, value).into())
        };
        wanted.iter().map(|name| value(name)).collect()
    }
}

impl Observer for AccessObserver {
    fn wants(&self) -> Level {
        Level::Times
    }

    fn request_fields(&self) -> &[Box<str>] {
        self.format.request_fields()
    }

    fn response_fields(&self) -> &[Box<str>] {
        self.format.response_fields()
    }

    fn finished(&self, exchange: &Arc<Finished>) {
        let times = &exchange.times;
        let target = self.mask.target(&times.target);
        let request_fields = self.values(self.format.request_fields(), &times.request_fields);
        let response_fields = self.values(self.format.response_fields(), &times.response_fields);
        let plugins = plugins(&times.steps);
        let (outcome, error) = match &times.ending {
            Ending::Complete => ("complete", None),
            Ending::CutOff => ("cut-off", None),
            Ending::Failed(failure) => (failure.proxy_error, Some(&*failure.text)),
        };
        let backend = backend(&times.steps);
        let line = self.format.line(&AccessEntry {
            id: times.id.0,
            ended_us: ended_us(times),
            duration_us: us(times.duration),
            client: times.client,
            scheme: match times.scheme {
                Scheme::Http => "http",
                Scheme::Https => "https",
            },
            protocol: protocol(times.protocol),
            method: times.method.as_str(),
            target: &target,
            authority: times.host.as_deref().unwrap_or_default(),
            status: times.status,
            request_bytes: times.request_bytes,
            response_bytes: times.response_bytes,
            listener: times.listener.as_deref(),
            route: times.route.as_deref(),
            backend: backend.map(|(name, _, _)| name),
            backend_address: backend.and_then(|(_, address, _)| address),
            backend_us: backend.map(|(_, _, took)| us(took)),
            plugins: &plugins,
            outcome,
            error,
            request_fields: &request_fields,
            response_fields: &response_fields,
        });
        self.log.push(&line);
    }
}

/// The names of those that took part, each once.
fn plugins(steps: &[StepTimes]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for step in steps {
        if let Performer::Plugin { plugin, .. } = &step.performer
            && !names.contains(&&*plugin.name)
        {
            names.push(&plugin.name);
        }
    }
    names
}

/// The backend that was asked last, its address, and how long it took.
fn backend(steps: &[StepTimes]) -> Option<(&str, Option<&str>, Duration)> {
    steps.iter().rev().find_map(|step| match &step.performer {
        Performer::Backend { name, address } => Some((&**name, address.as_deref(), step.duration)),
        Performer::Host | Performer::Plugin { .. } => None,
    })
}

fn ended_us(times: &Times) -> u64 {
    let ended = times.began + times.duration;
    us(ended.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}

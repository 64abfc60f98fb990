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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::AccessTarget;
    use crate::message::trace::{Beginning, Identity, Observers, Outcome, Trace};
    use crate::message::{ExchangeId, RequestHead, ResponseHead, Target};

    /// Hides what begins with `s`.
    #[derive(Debug)]
    struct Hides;

    impl Mask for Hides {
        fn target<'a>(&self, target: &'a str) -> Cow<'a, str> {
            target.replace("secret", "[masked]").into()
        }

        fn value<'a>(&self, name: &str, value: &'a [u8]) -> Cow<'a, [u8]> {
            match name {
                "x-key" | "x-answer" => Cow::Borrowed(b"[masked]"),
                _ => Cow::Borrowed(value),
            }
        }
    }

    #[test]
    fn a_line_tells_who_took_part_and_nothing_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let log = AccessLog::start(AccessTarget::File(path.clone())).unwrap();
        let template = "$request_uri $http_x_key $http_x_b $sent_http_x_answer $plugins $backend $upstream_addr $status $outcome";
        let format = AccessFormat::parse(template).unwrap();
        let observer = AccessObserver::new(log.clone(), format, Arc::new(Hides));
        let observers = Arc::new(Observers::new(vec![Arc::new(observer)]));
        let mut head = RequestHead::new();
        head.target = Target::new(b"/a?k=secret").unwrap();
        head.fields.append("x-key", "secret");
        head.fields.append("x-b", "b");
        let beginning = Beginning {
            id: ExchangeId(1),
            client: ([127, 0, 0, 1], 1).into(),
            scheme: Scheme::Http,
            head: &head,
        };
        let mut trace = Trace::begin(&observers, beginning);
        let backend = |name: &str| Performer::Backend {
            name: name.to_owned(),
            address: Some(format!("http://{name}.test")),
        };
        let plugin = |name: &str| Performer::Plugin {
            plugin: Arc::new(Identity {
                name: name.to_owned(),
                version: "0".to_owned(),
            }),
            hook: "forward-request",
        };
        for performer in [
            plugin("p"),
            backend("one"),
            backend("two"),
            plugin("q"),
            plugin("p"),
        ] {
            trace.begin_step(|| performer);
            trace.end_step(Outcome::Done);
        }
        let mut answer = ResponseHead::new(http::StatusCode::OK);
        answer.fields.append("x-answer", "secret");
        trace.answers(&answer);
        drop(trace);
        assert!(log.flush(Duration::from_secs(20)));
        let line = std::fs::read_to_string(path).unwrap();
        let expected = "/a?k=[masked] [masked] b [masked] p,q two http://two.test 200 cut-off\n";
        assert_eq!(line, expected);
    }
}

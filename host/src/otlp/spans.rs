//! The spans of an exchange, by OpenTelemetry's semantic conventions for HTTP.

use std::borrow::Cow;

use http::{Method, Version};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::message::trace::{
    Ending, OutboundTimes, Outcome, Performer, StepTimes, Times, TraceContext,
};
use crate::message::{Scheme, as_text};

/// The one field of requests whose value spans tell.
pub const USER_AGENT: &str = "user-agent";

/// Methods that a span names; any other would make names without bound.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

/// That of the exchange, then those of its steps, each with those of its outbound calls behind it.
pub fn of(times: &Times, context: &TraceContext) -> Vec<SpanData> {
    let scope = InstrumentationScope::builder("tollgate")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let mut spans = vec![of_exchange(times, context, &scope)];
    for (number, step) in (0..).zip(&times.steps) {
        let parent = parent_of(&times.steps, number, context);
        let Some(span) = of_step(times, step, context, number, parent, &scope) else {
            continue;
        };
        spans.push(span);
        for (call, outbound) in (0..).zip(&step.outbound) {
            let id = context.call(number, call);
            let parent = context.step(number);
            spans.push(of_call(times, outbound, context, id, parent, &scope));
        }
    }
    spans
}

/// The span in which a step ran: that of the plugin that surrounds it, or the exchange's.
fn parent_of(steps: &[StepTimes], number: u32, context: &TraceContext) -> u64 {
    let before = steps.get(..number as usize).unwrap_or_default();
    let Some(step) = steps.get(number as usize).filter(|step| step.depth > 0) else {
        return context.span_id;
    };
    let around = before
        .iter()
        .rposition(|other| other.depth + 1 == step.depth);
    let around = around.and_then(|at| u32::try_from(at).ok());
    around.map_or(context.span_id, |at| context.step(at))
}

/// What is known of the exchange however it ended.
fn attributes_of(times: &Times) -> Vec<KeyValue> {
    let (method, original) = method(&times.method);
    let (path, query) = match times.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*times.target, None),
    };
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.path", path.to_owned()),
        KeyValue::new("url.scheme", scheme(times.scheme)),
        KeyValue::new("network.protocol.name", "http"),
        KeyValue::new("network.protocol.version", version(times.protocol)),
        KeyValue::new("client.address", times.client.ip().to_string()),
        KeyValue::new("client.port", i64::from(times.client.port())),
        KeyValue::new("http.request.body.size", number(times.request_bytes)),
        KeyValue::new("http.response.body.size", number(times.response_bytes)),
        KeyValue::new("tollgate.exchange.id", times.id.to_string()),
    ];
    if let Some(original) = original {
        attributes.push(KeyValue::new("http.request.method_original", original));
    }
    if let Some(query) = query {
        // It may hold a secret; what is there can be seen, what it says can't.
        attributes.push(KeyValue::new("url.query", redacted(query)));
    }
    if let Some(host) = &times.host {
        attributes.extend(server(host));
    }
    let agent = times.request_fields.get(USER_AGENT).and_then(as_text);
    if let Some(agent) = agent {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    if let Some(route) = &times.route {
        attributes.push(KeyValue::new("http.route", route.to_string()));
    }
    if let Some(status) = times.status {
        attributes.push(KeyValue::new(
            "http.response.status_code",
            i64::from(status),
        ));
    }
    attributes
}

fn of_exchange(times: &Times, context: &TraceContext, scope: &InstrumentationScope) -> SpanData {
    let (method, _) = method(&times.method);
    let mut attributes = attributes_of(times);
    let is_failure = times.status.is_some_and(|status| status >= 500);
    let status = match &times.ending {
        Ending::Failed(failure) => {
            attributes.push(KeyValue::new("error.type", failure.proxy_error));
            is_failure.then(|| failure.text.clone())
        }
        Ending::CutOff => {
            attributes.push(KeyValue::new("error.type", "cut-off"));
            Some("the client left, or the response broke off".to_owned())
        }
        Ending::Complete if is_failure => {
            let status = times.status.unwrap_or_default().to_string();
            attributes.push(KeyValue::new("error.type", status));
            Some(String::new())
        }
        Ending::Complete => None,
    };
    let name = match &times.route {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    };
    SpanData {
        parent_span_id: context.parent.map_or(SpanId::INVALID, id),
        parent_span_is_remote: context.parent.is_some(),
        status: status.map_or(Status::Unset, Status::error),
        end_time: times.began + times.duration,
        ..blank(
            times,
            context,
            context.span_id,
            SpanKind::Server,
            name,
            attributes,
            scope,
        )
    }
}

/// None for what the host did itself.
fn of_step(
    times: &Times,
    step: &StepTimes,
    context: &TraceContext,
    number: u32,
    parent: u64,
    scope: &InstrumentationScope,
) -> Option<SpanData> {
    let (kind, name, mut attributes) = match &step.performer {
        Performer::Host => return None,
        Performer::Plugin { plugin, hook } => (
            SpanKind::Internal,
            format!("{} {hook}", plugin.name),
            vec![
                KeyValue::new("tollgate.plugin.name", plugin.name.clone()),
                KeyValue::new("tollgate.plugin.version", plugin.version.clone()),
                KeyValue::new("tollgate.hook", *hook),
            ],
        ),
        Performer::Backend { name, address } => {
            let (method, _) = method(&times.method);
            let mut attributes = vec![
                KeyValue::new("http.request.method", method),
                KeyValue::new("tollgate.backend", name.clone()),
            ];
            if let Some(address) = address {
                let authority = address
                    .split_once("://")
                    .map_or(&**address, |(_, rest)| rest);
                attributes.extend(server(authority));
            }
            (SpanKind::Client, format!("{method} {name}"), attributes)
        }
    };
    if let Some(computing) = step.computing {
        attributes.push(KeyValue::new("tollgate.computing", computing.as_secs_f64()));
    }
    let status = match &step.outcome {
        Outcome::Done | Outcome::Responded => Status::Unset,
        Outcome::Failed(why) | Outcome::Undone(why) => {
            attributes.push(KeyValue::new("error.type", "failed"));
            Status::error(why.clone())
        }
        Outcome::Abandoned => {
            attributes.push(KeyValue::new("error.type", "abandoned"));
            Status::error("the exchange ended while it ran")
        }
    };
    let span = context.step(number);
    let start = times.began + step.began;
    Some(SpanData {
        parent_span_id: id(parent),
        status,
        start_time: start,
        end_time: start + step.duration,
        ..blank(times, context, span, kind, name, attributes, scope)
    })
}

fn of_call(
    times: &Times,
    call: &OutboundTimes,
    context: &TraceContext,
    span: u64,
    parent: u64,
    scope: &InstrumentationScope,
) -> SpanData {
    let (method, _) = method(&call.method);
    let mut attributes = vec![KeyValue::new("http.request.method", method)];
    attributes.extend(server(&call.authority));
    let status = match &call.result {
        Ok(status) => {
            attributes.push(KeyValue::new(
                "http.response.status_code",
                i64::from(*status),
            ));
            match *status >= 400 {
                true => {
                    attributes.push(KeyValue::new("error.type", status.to_string()));
                    Status::error("")
                }
                false => Status::Unset,
            }
        }
        Err(why) => {
            attributes.push(KeyValue::new("error.type", "failed"));
            Status::error(why.clone())
        }
    };
    let start = times.began + call.began;
    let name = method.to_owned();
    SpanData {
        parent_span_id: id(parent),
        status,
        start_time: start,
        end_time: start + call.duration,
        ..blank(
            times,
            context,
            span,
            SpanKind::Client,
            name,
            attributes,
            scope,
        )
    }
}

/// A span without parent that lasts no time.
fn blank(
    times: &Times,
    context: &TraceContext,
    span: u64,
    kind: SpanKind,
    name: String,
    attributes: Vec<KeyValue>,
    scope: &InstrumentationScope,
) -> SpanData {
    let trace = TraceId::from_bytes(context.trace_id.to_be_bytes());
    SpanData {
        span_context: SpanContext::new(
            trace,
            id(span),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: kind,
        name: Cow::Owned(name),
        start_time: times.began,
        end_time: times.began,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

fn id(span: u64) -> SpanId {
    SpanId::from_bytes(span.to_be_bytes())
}

fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A method as spans name it, and how it was written if that is another.
fn method(method: &Method) -> (&'static str, Option<String>) {
    match METHODS.into_iter().find(|known| *known == method.as_str()) {
        Some(known) => (known, None),
        None => ("_OTHER", Some(method.to_string())),
    }
}

fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// Address and port out of an authority.
fn server(authority: &str) -> Vec<KeyValue> {
    let port = authority
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match port {
        Some((host, port)) => vec![
            KeyValue::new("server.address", host.to_owned()),
            KeyValue::new("server.port", i64::from(port)),
        ],
        None => vec![KeyValue::new("server.address", authority.to_owned())],
    }
}

/// The names of a query's parameters, without their values.
fn redacted(query: &str) -> String {
    let name = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{name}=REDACTED"),
        None => pair.to_owned(),
    };
    query.split('&').map(name).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests;

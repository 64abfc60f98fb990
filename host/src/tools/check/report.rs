//! What a check found, as words in a small table or as JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::findings::{Calls, Compiled, Findings, PluginDescription};
use super::imports::Import;
use crate::interceptor::{Hook, InterceptError};
use crate::plugin::Linking;
use crate::text;

/// A file with what was found.
pub(super) struct CheckedFile {
    pub file: String,
    pub findings: Findings,
    /// Why it is not good.
    pub error: Option<String>,
}

/// Writes the table of one file.
pub(super) fn print(checked: &CheckedFile, out: &mut impl Write) -> io::Result<()> {
    let CheckedFile {
        file,
        findings,
        error,
    } = checked;
    match error {
        None => writeln!(out, "{}: good", text::line(file))?,
        Some(error) => writeln!(
            out,
            "{}: {}",
            text::line(file),
            text::lines(error).replace('\n', "\n    ")
        )?,
    }
    let Some(about) = &findings.loaded else {
        return Ok(());
    };
    row(out, "contract", &about.contract)?;
    row(out, "kind", &kind(about, findings))?;
    row(out, "compile", &compile_times(findings))?;
    if let Some(linking) = &findings.linking {
        row(out, "linked", &linking.to_string())?;
    }
    if let Some(trial) = &findings.trial {
        let (start, now) = (size(trial.memory_at_start), size(trial.memory));
        row(
            out,
            "memory",
            &format!("{start} at the start, {now} after the first calls"),
        )?;
        let said = |hook: &str, error: &Option<String>| match error {
            None => format!("{hook} ok"),
            Some(error) => format!("{hook} returned an error: {error}"),
        };
        row(
            out,
            "first calls",
            &said("forward-request", &trial.forward_request),
        )?;
        row(out, "", &said("return-response", &trial.return_response))?;
    }
    if findings.works && findings.trial.is_none() {
        let said = match &findings.failed {
            None => "handle ok".to_owned(),
            Some(error) => format!("handle {error}; it is served all the same"),
        };
        row(out, "first call", &said)?;
    }
    if !findings.calls.is_empty() {
        row(out, "call times", &call_times(&findings.calls))?;
    }
    if let Some(schema) = &findings.schema {
        row(out, "settings", &schema.summary())?;
    }
    print_imports(out, &about.imports)?;
    for (number, export) in about.exports.iter().enumerate() {
        row(out, if number == 0 { "exports" } else { "" }, export)?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {name:<12} {}", text::line(value))
}

fn print_imports(out: &mut impl Write, imports: &[Import]) -> io::Result<()> {
    if imports.is_empty() {
        return row(out, "imports", "nothing");
    }
    let width = imports.iter().map(|import| import.name().len()).max();
    let width = width.unwrap_or(0);
    for (number, import) in imports.iter().enumerate() {
        let name = if number == 0 { "imports" } else { "" };
        row(
            out,
            name,
            &format!("{:<width$}  {}", import.name(), import.needs()),
        )?;
    }
    Ok(())
}

fn kind(about: &PluginDescription, findings: &Findings) -> String {
    let bytes = findings.size.unwrap_or(about.component_size);
    if bytes == about.component_size {
        return format!("{}, {bytes} bytes", about.kind);
    }
    let made = about.component_size;
    format!("{}, {bytes} bytes; as a component {made} bytes", about.kind)
}

fn compile_times(findings: &Findings) -> String {
    let told = |name: &str, compiled: &Option<Compiled>| match compiled {
        None => format!("{name} not tried"),
        Some(Ok(time)) => format!("{name} {:.1} ms", millis(*time)),
        Some(Err(reason)) => format!("{name} declined ({reason})"),
    };
    let baseline = told("baseline", &findings.baseline);
    format!("{baseline}, {}", told("optimized", &findings.optimized))
}

fn call_times(calls: &[Calls]) -> String {
    let time = |calls: &Calls| format!("{} {:.2} us", calls.hook, micros(calls.median));
    let times: Vec<_> = calls.iter().map(time).collect();
    let how = calls
        .first()
        .map(|calls| format!(" (median of {}, {} code)", calls.count, calls.tier));
    format!("{}{}", times.join(", "), how.unwrap_or_default())
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) && bytes > 0 {
        return format!("{} MiB", bytes >> 20);
    }
    format!("{} KiB", bytes.div_ceil(1 << 10))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Writes one document for all files. Its keys stay; what was not found out is null.
pub(super) fn print_json(checked: &[CheckedFile], out: &mut impl Write) -> io::Result<()> {
    let document = CheckDocument {
        tollgate: env!("CARGO_PKG_VERSION"),
        good: checked.iter().all(|checked| checked.error.is_none()),
        files: checked.iter().map(json).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    tollgate: &'static str,
    good: bool,
    files: Vec<JsonFile<'a>>,
}

#[derive(Serialize)]
struct JsonFile<'a> {
    file: &'a str,
    good: bool,
    error: Option<&'a str>,
    sha256: Option<String>,
    size: Option<u64>,
    component_size: Option<u64>,
    contract: Option<&'a str>,
    kind: Option<&'a str>,
    imports: Option<&'a [Import]>,
    exports: Option<&'a [String]>,
    /// As the plugin carries it, or as it stands beside it.
    settings_schema: Option<&'a serde_json::Value>,
    compile: JsonCompile<'a>,
    linking: Option<JsonLinking>,
    memory: Option<JsonMemory>,
    first_calls: Option<JsonCalls>,
    call_times: Option<JsonTimes>,
}

#[derive(Serialize)]
struct JsonCompile<'a> {
    baseline: Option<JsonTier<'a>>,
    optimized: Option<JsonTier<'a>>,
}

#[derive(Serialize)]
struct JsonTier<'a> {
    ms: Option<f64>,
    declined: Option<&'a str>,
}

/// `why` is `null` for a plugin that is linked directly.
#[derive(Serialize)]
struct JsonLinking {
    way: &'static str,
    why: Option<String>,
}

#[derive(Serialize)]
struct JsonMemory {
    start: u64,
    after_first_calls: u64,
}

/// `null` for a hook that did well, else the error that it returned.
#[derive(Serialize)]
struct JsonCalls {
    forward_request: Option<String>,
    return_response: Option<String>,
    /// Of a standard component, whatever its failure: it is served all the same.
    handle: Option<String>,
}

/// `null` for a function that such a plugin doesn't have.
#[derive(Serialize)]
struct JsonTimes {
    tier: String,
    calls: usize,
    forward_request_us: Option<f64>,
    return_response_us: Option<f64>,
    handle_us: Option<f64>,
}

fn linking(linking: &Linking) -> JsonLinking {
    let why = match linking {
        Linking::Direct => None,
        Linking::Component { why } => why.clone(),
    };
    JsonLinking {
        way: linking.name(),
        why,
    }
}

fn times(calls: &[Calls]) -> Option<JsonTimes> {
    let first = calls.first()?;
    let median = |hook| calls.iter().find(|calls| calls.hook == hook);
    let median = |hook| median(hook).map(|calls| micros(calls.median));
    Some(JsonTimes {
        tier: first.tier.to_string(),
        calls: first.count,
        forward_request_us: median(Hook::ForwardRequest),
        return_response_us: median(Hook::ReturnResponse),
        handle_us: median(Hook::Handle),
    })
}

fn json(checked: &CheckedFile) -> JsonFile<'_> {
    let found = &checked.findings;
    let about = found.loaded.as_ref();
    JsonFile {
        file: &checked.file,
        good: checked.error.is_none(),
        error: checked.error.as_deref(),
        sha256: found.hash.map(|hash| hash.to_string()),
        size: found.size,
        component_size: about.map(|about| about.component_size),
        contract: about.map(|about| &about.contract[..]),
        kind: about.map(|about| &about.kind[..]),
        imports: about.map(|about| &about.imports[..]),
        exports: about.map(|about| &about.exports[..]),
        settings_schema: found.schema.as_ref().map(|schema| schema.document()),
        compile: JsonCompile {
            baseline: found.baseline.as_ref().map(tier),
            optimized: found.optimized.as_ref().map(tier),
        },
        linking: found.linking.as_ref().map(linking),
        memory: found.trial.as_ref().map(|trial| JsonMemory {
            start: trial.memory_at_start,
            after_first_calls: trial.memory,
        }),
        first_calls: first_calls(found),
        call_times: times(&found.calls),
    }
}

fn first_calls(found: &Findings) -> Option<JsonCalls> {
    let trial = found.trial.as_ref();
    (trial.is_some() || found.failed.is_some()).then(|| JsonCalls {
        forward_request: trial.and_then(|trial| trial.forward_request.clone()),
        return_response: trial.and_then(|trial| trial.return_response.clone()),
        handle: found.failed.as_ref().map(InterceptError::to_string),
    })
}

fn tier(compiled: &Compiled) -> JsonTier<'_> {
    JsonTier {
        ms: compiled.as_ref().ok().map(|time| millis(*time)),
        declined: compiled.as_ref().err().map(|reason| &reason[..]),
    }
}

//! Of each plugin what the host counts, and what the plugin records itself.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::encoding::NoLabelSet;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

use super::families::{Families, escaped};
use crate::metrics::{
    CompiledBy, FailureCause, LoadResult, MetricFamily, MetricKind, MetricSeries, MetricValue,
    Metrics, PluginCounters,
};

/// What stands before the names that plugins choose.
pub const OF_PLUGINS: &str = "tollgate_plugin_";

/// What the host counts.
pub fn write_counters(families: &mut Families<'_>, metrics: &Metrics) -> Result<(), Error> {
    let plugins = metrics.counters();
    let failures = plugins.iter().flat_map(|(plugin, of)| {
        let causes = FailureCause::ALL.into_iter();
        causes.map(move |cause| {
            (
                vec![("plugin", &**plugin), ("cause", cause.as_str())],
                of.failures(cause),
            )
        })
    });
    families.counters(
        "tollgate_failures",
        "Calls of plugins that failed. cause: deadline and memory are limits of the configuration, trapped is a mistake of the plugin",
        failures,
    )?;
    let loads = plugins.iter().flat_map(|(plugin, of)| {
        let results = LoadResult::ALL.into_iter();
        results.map(move |result| {
            (
                vec![("plugin", &**plugin), ("result", result.as_str())],
                of.loads(result),
            )
        })
    });
    families.counters(
        "tollgate_reloads",
        "Looks at plugins' files after a change, the first one among them",
        loads,
    )?;
    let compiles = plugins.iter().flat_map(|(plugin, of)| {
        let compilers = CompiledBy::ALL.into_iter();
        compilers.map(move |by| {
            (
                vec![("plugin", &**plugin), ("compiler", by.as_str())],
                of.compiles(by),
            )
        })
    });
    families.histograms(
        "tollgate_compile_duration_seconds",
        "How long plugins took to compile; code from the cache is not compiled",
        compiles.filter(|(_, counted)| counted.count > 0),
    )?;
    write_instances(families, &plugins)
}

fn write_instances(
    families: &mut Families<'_>,
    plugins: &[(String, Arc<PluginCounters>)],
) -> Result<(), Error> {
    families.gauges(
        "tollgate_instances",
        "Instances of plugins that there are",
        plugins
            .iter()
            .map(|(plugin, of)| (vec![("plugin", &**plugin)], of.instances() as f64)),
    )?;
    families.gauges(
        "tollgate_instance_memory_bytes",
        "Linear memory of all instances of plugins",
        plugins
            .iter()
            .map(|(plugin, of)| (vec![("plugin", &**plugin)], of.memory() as f64)),
    )?;
    families.counters(
        "tollgate_instances_made",
        "Instances of plugins that were made, those of trials among them",
        plugins
            .iter()
            .map(|(plugin, of)| (vec![("plugin", &**plugin)], of.made())),
    )?;
    families.counters(
        "tollgate_instances_replaced",
        "Instances that were not kept after a call: it failed, they had grown, or had served max-calls",
        plugins.iter().map(|(plugin, of)| (vec![("plugin", &**plugin)], of.replaced())),
    )
}

/// What plugins record.
pub fn write_own(families: &mut Families<'_>, metrics: &Metrics) -> Result<(), Error> {
    for family in metrics.snapshot() {
        write_family(families, &family)?;
    }
    Ok(())
}

fn write_family(families: &mut Families<'_>, family: &MetricFamily) -> Result<(), Error> {
    let name = format!("{OF_PLUGINS}{}", family.name);
    let help = escaped(family.help.as_deref().unwrap_or("Recorded by plugins"));
    let kind = match family.kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram => MetricType::Histogram,
    };
    let mut encoder = families.0.encode_descriptor(&name, &help, None, kind)?;
    for series in &family.series {
        let labels = labels(series);
        let mut encoder = encoder.encode_family(&labels)?;
        match &series.value {
            MetricValue::Counter(value) => {
                encoder.encode_counter(value, None::<&Exemplar<NoLabelSet, f64>>)?;
            }
            MetricValue::Gauge(value) => encoder.encode_gauge(value)?,
            MetricValue::Histogram { sum, buckets } => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                encoder.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)?;
            }
        }
    }
    Ok(())
}

fn labels(series: &MetricSeries) -> Vec<(&str, &str)> {
    let own = series
        .labels
        .iter()
        .map(|(name, value)| (&**name, &**value));
    std::iter::once(("plugin", &*series.plugin))
        .chain(own)
        .collect()
}

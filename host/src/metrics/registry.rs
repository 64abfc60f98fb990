//! The registry of the process, and the part of it that one plugin has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem::Discriminant;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::counters::PluginCounters;
use super::limits::{MOST_HELP, MOST_NAME, MOST_NAMES, MOST_SERIES};
use super::names::{DEFAULT_BOUNDS, Key, Labels, are_bounds, endings, is_name};
use super::refusal::MetricRefusal;
use super::series::Series;
use super::snapshot::{MetricFamily, MetricKind, MetricSeries};

/// Names and reasons of which one plugin is told; more are passed over.
const MOST_WARNINGS: usize = 200;

/// The ending that a counter's samples have.
const OF_COUNTERS: &str = "_total";

/// The metrics of all plugins. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Registry>);

#[derive(Debug, Default)]
struct Registry {
    plugins: Mutex<BTreeMap<String, PluginMetrics>>,
    kinds: Arc<Kinds>,
}

/// What each name is, whichever plugin used it first.
#[derive(Debug, Default)]
struct Kinds(Mutex<HashMap<Arc<str>, Known>>);

#[derive(Debug, Clone)]
struct Known {
    kind: MetricKind,
    /// Who used it first.
    plugin: String,
}

/// The metrics of one plugin, whichever version of it serves. Clones are the same.
#[derive(Debug, Clone)]
pub struct PluginMetrics(Arc<OfPlugin>);

#[derive(Debug)]
struct OfPlugin {
    plugin: String,
    kinds: Arc<Kinds>,
    /// By [`Labels::key`]. Most calls record in one that is there, and read this only.
    series: RwLock<HashMap<Box<[u8]>, Series>>,
    /// By name. Whoever adds a series holds it.
    metrics: Mutex<HashMap<Arc<str>, Described>>,
    told: Mutex<HashSet<(String, Discriminant<MetricRefusal>)>>,
    counters: Arc<PluginCounters>,
}

/// What is known of one of the plugin's metrics.
#[derive(Debug, Clone, Default)]
struct Described {
    help: Option<String>,
    /// Those of a histogram, if it is one.
    bounds: Option<Arc<[f64]>>,
    /// None while it was only described.
    kind: Option<MetricKind>,
}

impl Metrics {
    /// Those of the plugin of this name.
    pub fn of_plugin(&self, name: &str) -> PluginMetrics {
        let mut plugins = lock(&self.0.plugins);
        let new = || PluginMetrics::new(name, self.0.kinds.clone());
        plugins.entry(name.to_owned()).or_insert_with(new).clone()
    }

    /// What the host counts of each plugin, by name.
    pub fn counters(&self) -> Vec<(String, Arc<PluginCounters>)> {
        let plugins = lock(&self.0.plugins);
        let of =
            |(name, plugin): (&String, &PluginMetrics)| (name.clone(), plugin.counters().clone());
        plugins.iter().map(of).collect()
    }

    /// All that was recorded, by name. Each series is read at one moment, all of them within a short time.
    pub fn snapshot(&self) -> Vec<MetricFamily> {
        let plugins: Vec<_> = lock(&self.0.plugins).values().cloned().collect();
        let mut families = BTreeMap::new();
        for plugin in plugins {
            plugin.add_to(&mut families);
        }
        let mut families: Vec<_> = families.into_values().collect();
        for family in &mut families {
            family
                .series
                .sort_by(|a, b| (&a.plugin, &a.labels).cmp(&(&b.plugin, &b.labels)));
        }
        families
    }
}

impl PluginMetrics {
    fn new(plugin: &str, kinds: Arc<Kinds>) -> Self {
        Self(Arc::new(OfPlugin {
            plugin: plugin.to_owned(),
            kinds,
            series: RwLock::default(),
            metrics: Mutex::default(),
            told: Mutex::default(),
            counters: Arc::default(),
        }))
    }

    /// What the host counts of the plugin.
    pub fn counters(&self) -> &Arc<PluginCounters> {
        &self.0.counters
    }

    /// The same metrics without their series, for calls of which nothing is to be kept: what is wrong with such a call is found as it
    /// would be otherwise.
    #[must_use]
    pub fn for_trial(&self) -> Self {
        let kinds = Kinds(Mutex::new(lock(&self.0.kinds.0).clone()));
        let copy = Self::new(&self.0.plugin, Arc::new(kinds));
        lock(&copy.0.metrics).clone_from(&lock(&self.0.metrics));
        copy
    }

    /// Says what a metric is about and, of a histogram, which upper bounds its buckets have; an empty list stands for the default.
    ///
    /// # Errors
    /// What is wrong with it; then nothing is changed.
    pub fn describe(&self, name: &str, help: &str, bounds: &[f64]) -> Result<(), MetricRefusal> {
        let name = name.strip_suffix(OF_COUNTERS).unwrap_or(name);
        if !is_name(name) {
            return Err(MetricRefusal::Name);
        }
        if help.len() > MOST_HELP {
            return Err(MetricRefusal::Help);
        }
        let bounds = match bounds {
            [] => None,
            some if are_bounds(some) => Some(Arc::<[f64]>::from(some)),
            _ => return Err(MetricRefusal::Bounds),
        };
        let mut metrics = lock(&self.0.metrics);
        let metric = entry(&mut metrics, name)?;
        let has_buckets = metric.kind.is_none_or(|kind| kind == MetricKind::Histogram);
        match (&metric.bounds, &bounds) {
            (Some(fixed), Some(other)) if has_buckets && fixed != other => {
                return Err(MetricRefusal::BoundsFixed);
            }
            (Some(_), _) => {}
            (None, _) => metric.bounds = Some(bounds.unwrap_or_else(|| DEFAULT_BOUNDS.into())),
        }
        metric.help = (!help.is_empty()).then(|| help.to_owned());
        Ok(())
    }

    /// Adds to a counter.
    ///
    /// # Errors
    /// Why nothing was added.
    pub fn add(&self, name: &str, by: f64, labels: &[(&str, &str)]) -> Result<(), MetricRefusal> {
        if by < 0.0 {
            return Err(MetricRefusal::Negative);
        }
        let name = name.strip_suffix(OF_COUNTERS).unwrap_or(name);
        self.record(MetricKind::Counter, name, by, labels)
    }

    /// Sets a gauge.
    ///
    /// # Errors
    /// Why it was not set.
    pub fn set(
        &self,
        name: &str,
        value: f64,
        labels: &[(&str, &str)],
    ) -> Result<(), MetricRefusal> {
        self.record(MetricKind::Gauge, name, value, labels)
    }

    /// Records an observation in a histogram.
    ///
    /// # Errors
    /// Why it was not recorded.
    pub fn observe(
        &self,
        name: &str,
        value: f64,
        labels: &[(&str, &str)],
    ) -> Result<(), MetricRefusal> {
        self.record(MetricKind::Histogram, name, value, labels)
    }

    /// Whether the plugin was not told of this before, for this name. From now on it was.
    pub fn is_news(&self, name: &str, why: &MetricRefusal) -> bool {
        let mut told = lock(&self.0.told);
        let name = name.chars().take(MOST_NAME).collect();
        told.len() < MOST_WARNINGS && told.insert((name, std::mem::discriminant(why)))
    }

    fn record(
        &self,
        kind: MetricKind,
        name: &str,
        value: f64,
        labels: &[(&str, &str)],
    ) -> Result<(), MetricRefusal> {
        if !value.is_finite() {
            return Err(MetricRefusal::NotFinite);
        }
        let labels = Labels::of(labels)?;
        let key = labels.key(name);
        {
            let series = self.0.series.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = series.get(&*key) {
                return found.record(kind, value);
            }
        }
        self.record_first(kind, name, value, &labels, &key)
    }

    /// Records the first value of a series.
    fn record_first(
        &self,
        kind: MetricKind,
        name: &str,
        value: f64,
        labels: &Labels<'_>,
        key: &Key,
    ) -> Result<(), MetricRefusal> {
        if !is_name(name) {
            return Err(MetricRefusal::Name);
        }
        if name.ends_with(OF_COUNTERS) {
            return Err(MetricRefusal::TotalOfOther);
        }
        labels.check()?;
        let mut metrics = lock(&self.0.metrics);
        let is_full = metrics.len() >= MOST_NAMES;
        let known = metrics.get(name);
        match known.and_then(|metric| metric.kind) {
            Some(other) if other != kind => return Err(MetricRefusal::OtherKind(other)),
            None if known.is_none() && is_full => return Err(MetricRefusal::TooManyNames),
            _ => {}
        }
        let mut all = self
            .0
            .series
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been first.
        if let Some(found) = all.get(&**key) {
            return found.record(kind, value);
        }
        if all.len() >= MOST_SERIES {
            return Err(MetricRefusal::TooManySeries);
        }
        self.0.kinds.claim(name, kind, &self.0.plugin)?;
        let metric = entry(&mut metrics, name)?;
        metric.kind = Some(kind);
        let bounds = metric.bounds.get_or_insert_with(|| DEFAULT_BOUNDS.into());
        let series = Series::new(kind, name.into(), labels.to_owned(), bounds);
        let recorded = series.record(kind, value);
        all.insert(key.as_slice().into(), series);
        recorded
    }

    fn add_to(&self, families: &mut BTreeMap<Arc<str>, MetricFamily>) {
        let metrics = lock(&self.0.metrics).clone();
        let all = self.0.series.read().unwrap_or_else(PoisonError::into_inner);
        for series in all.values() {
            let name = &series.metric;
            let new = || MetricFamily {
                name: name.to_string(),
                kind: series.kind(),
                help: None,
                series: Vec::new(),
            };
            let family = families.entry(name.clone()).or_insert_with(new);
            if family.help.is_none() {
                family.help = metrics.get(name).and_then(|metric| metric.help.clone());
            }
            family.series.push(MetricSeries {
                plugin: self.0.plugin.clone(),
                labels: series.labels.to_vec(),
                value: series.value(),
            });
        }
    }
}

impl Kinds {
    /// Makes a name one of this kind, if it can be for all plugins.
    fn claim(&self, name: &str, kind: MetricKind, plugin: &str) -> Result<(), MetricRefusal> {
        let mut names = lock(&self.0);
        if let Some(known) = names.get(name) {
            return match known.kind == kind {
                true => Ok(()),
                false => Err(MetricRefusal::KindOfOther {
                    plugin: known.plugin.clone(),
                    kind: known.kind,
                }),
            };
        }
        let clash = |other: &str, known: &Known| {
            Err(MetricRefusal::SampleNames {
                plugin: known.plugin.clone(),
                other: other.to_owned(),
            })
        };
        for ending in endings(kind) {
            let sample = format!("{name}{ending}");
            if let Some(known) = names.get(&*sample) {
                return clash(&sample, known);
            }
        }
        for (stem, known) in &*names {
            let ending = name.strip_prefix(&**stem).unwrap_or_default();
            if endings(known.kind).contains(&ending) {
                return clash(stem, known);
            }
        }
        let plugin = plugin.to_owned();
        names.insert(name.into(), Known { kind, plugin });
        Ok(())
    }
}

/// What is known of a metric, which may be a new one.
fn entry<'a>(
    metrics: &'a mut HashMap<Arc<str>, Described>,
    name: &str,
) -> Result<&'a mut Described, MetricRefusal> {
    if !metrics.contains_key(name) && metrics.len() >= MOST_NAMES {
        return Err(MetricRefusal::TooManyNames);
    }
    Ok(metrics.entry(name.into()).or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

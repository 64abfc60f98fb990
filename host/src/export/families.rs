//! How families of metrics are written: name, help, then one sample or more for each series.

use std::fmt::Error;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeExemplarValue, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

use crate::metrics::CountedDurations;

/// The labels of one series.
pub type Labels<'a> = Vec<(&'a str, &'a str)>;

/// Writes one family after the other. Names of counters are given without `_total`.
#[derive(Debug)]
pub struct Families<'a>(pub DescriptorEncoder<'a>);

impl Families<'_> {
    /// Of whole numbers or of numbers with fractions.
    pub fn counters<'s, N: EncodeCounterValue + EncodeExemplarValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'s>, N)>,
    ) -> Result<(), Error> {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            let mut encoder = family.encode_family(&labels)?;
            encoder.encode_counter(&value, None::<&Exemplar<NoLabelSet, N>>)?;
        }
        Ok(())
    }

    pub fn gauges<'s>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'s>, f64)>,
    ) -> Result<(), Error> {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    pub fn histograms<'s>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'s>, CountedDurations)>,
    ) -> Result<(), Error> {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, counted) in series {
            let mut encoder = family.encode_family(&labels)?;
            let (sum, count, buckets) = (counted.sum_seconds, counted.count, &counted.buckets);
            encoder.encode_histogram::<NoLabelSet>(sum, count, buckets, None)?;
        }
        Ok(())
    }

    /// Facts as labels of a series that is always 1.
    pub fn infos<'s>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = Labels<'s>>,
    ) -> Result<(), Error> {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Info)?;
        for labels in series {
            family.encode_info(&labels)?;
        }
        Ok(())
    }
}

/// A help text of somebody else's in one line, as OpenMetrics wants it.
pub fn escaped(help: &str) -> String {
    let mut escaped = String::with_capacity(help.len());
    for c in help.chars() {
        match c {
            '\\' | '"' => escaped.extend(['\\', c]),
            '\n' => escaped += "\\n",
            c => escaped.push(c),
        }
    }
    escaped
}

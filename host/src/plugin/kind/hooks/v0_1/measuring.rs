//! `metrics`, for components and for core modules.

use super::bindings::tollgate::proxy::metrics::{self, Labels};
use crate::plugin::host::HooksState;
use crate::plugin::kind::hooks::abi::InterfaceFunctions;

type Label = (&'static str, &'static str);

impl metrics::Host for HooksState {
    fn describe(&mut self, name: String, help: String, buckets: Vec<f64>) {
        self.record_metric(&name, |metrics| metrics.describe(&name, &help, &buckets));
    }

    fn add(&mut self, name: String, by: f64, labels: Labels) {
        self.record_metric(&name, |metrics| metrics.add(&name, by, &borrowed(&labels)));
    }

    fn set(&mut self, name: String, value: f64, labels: Labels) {
        self.record_metric(&name, |metrics| {
            metrics.set(&name, value, &borrowed(&labels))
        });
    }

    fn observe(&mut self, name: String, value: f64, labels: Labels) {
        self.record_metric(&name, |metrics| {
            metrics.observe(&name, value, &borrowed(&labels))
        });
    }
}

pub fn add_metrics(functions: &mut InterfaceFunctions<'_>) {
    functions
        .function::<(&str, &str, Vec<f64>), ()>("describe", |state, (name, help, buckets)| {
            state.record_metric(name, |metrics| metrics.describe(name, help, &buckets));
            Ok(())
        })
        .function::<(&str, f64, Vec<Label>), ()>("add", |state, (name, by, labels)| {
            state.record_metric(name, |metrics| metrics.add(name, by, &labels));
            Ok(())
        })
        .function::<(&str, f64, Vec<Label>), ()>("set", |state, (name, value, labels)| {
            state.record_metric(name, |metrics| metrics.set(name, value, &labels));
            Ok(())
        })
        .function::<(&str, f64, Vec<Label>), ()>("observe", |state, (name, value, labels)| {
            state.record_metric(name, |metrics| metrics.observe(name, value, &labels));
            Ok(())
        });
}

fn borrowed(labels: &[(String, String)]) -> Vec<(&str, &str)> {
    let labels = labels.iter();
    labels
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

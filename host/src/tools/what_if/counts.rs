//! How many exchanges came to what.

use std::collections::BTreeMap;

use serde::Serialize;

/// How many exchanges came to what.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub exchanges: u64,
    /// Of those that ran.
    pub differ: u64,
    /// They fail now and did not then. They differ, too.
    pub failed: u64,
    /// Something that they were run with is masked.
    pub masked: u64,
    /// They could not be run again; by the reason.
    pub not_run: BTreeMap<String, u64>,
}

impl Counts {
    /// `1000 exchanges: 12 differ, 0 failed`
    pub fn words(&self) -> String {
        let exchanges = if self.exchanges == 1 {
            "exchange"
        } else {
            "exchanges"
        };
        let differ = if self.differ == 1 {
            "differs"
        } else {
            "differ"
        };
        let mut words = format!(
            "{} {exchanges}: {} {differ}, {} failed",
            self.exchanges, self.differ, self.failed
        );
        if self.masked > 0 {
            words += &format!(", {} run with masked values", self.masked);
        }
        for (why, count) in &self.not_run {
            words += &format!(", {count} not run ({why})");
        }
        words
    }
}

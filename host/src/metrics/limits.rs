//! How much a plugin may record.

/// Bytes of the name of a metric or of a label.
pub const MOST_NAME: usize = 100;
/// Names and series of one plugin.
pub const MOST_NAMES: usize = 100;
pub const MOST_SERIES: usize = 1000;
/// Labels of one series, and the bytes of each value.
pub const MOST_LABELS: usize = 16;
pub const MOST_VALUE: usize = 256;
/// Bytes of a help text.
pub const MOST_HELP: usize = 1024;
/// Bounds of a histogram's buckets.
pub const MOST_BOUNDS: usize = 64;

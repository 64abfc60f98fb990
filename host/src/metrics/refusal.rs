//! Why a value was not recorded.

use super::limits::{
    MOST_BOUNDS, MOST_HELP, MOST_LABELS, MOST_NAME, MOST_NAMES, MOST_SERIES, MOST_VALUE,
};
use super::snapshot::MetricKind;

/// Why a value was not recorded, or a metric not described, in words for whoever wrote the plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricRefusal {
    #[error(
        "a metric's name has 1 to {MOST_NAME} lower-case letters, digits and `_`, and begins with a letter"
    )]
    Name,
    #[error("the ending `_total` is that of a counter; the host adds it")]
    TotalOfOther,
    #[error(
        "the label {0:?} can't be: a label's name has 1 to {MOST_NAME} lower-case letters, digits and `_`, begins with a letter, and is not \
         `plugin` or `le`, which are the host's"
    )]
    LabelName(String),
    #[error("the label {0:?} is there twice")]
    LabelTwice(String),
    #[error("the value of the label {0:?} is longer than {MOST_VALUE} bytes")]
    LabelValue(String),
    #[error("it has more than {MOST_LABELS} labels")]
    TooManyLabels,
    #[error("the value is not a finite number, or the sum would not be one")]
    NotFinite,
    #[error("a counter can't become less, so a negative number can't be added")]
    Negative,
    #[error("it is a {0}, because it was used as one before")]
    OtherKind(MetricKind),
    #[error(
        "the plugin {plugin} has a {kind} of this name, and a name is of the same kind for all plugins; choose another name"
    )]
    KindOfOther { plugin: String, kind: MetricKind },
    #[error(
        "its samples would have the names of those of the metric {other} of the plugin {plugin}, because a histogram gives NAME_bucket, \
         NAME_count and NAME_sum, and it and a counter NAME_created; choose another name"
    )]
    SampleNames { plugin: String, other: String },
    #[error("the plugin has {MOST_NAMES} metrics, and more are not allowed")]
    TooManyNames,
    #[error(
        "the plugin has {MOST_SERIES} combinations of metric and labels, and more are not allowed; do not use a path, an address or an id as \
         a label's value"
    )]
    TooManySeries,
    #[error("the bounds of buckets must be 1 to {MOST_BOUNDS} finite numbers in ascending order")]
    Bounds,
    #[error(
        "the bounds of buckets can't be changed any more; those of the first use stay until the host is restarted"
    )]
    BoundsFixed,
    #[error("the help is longer than {MOST_HELP} bytes")]
    Help,
}

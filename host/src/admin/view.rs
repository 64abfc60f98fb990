//! What is shown of a recorded exchange: plain data that is computed from it, without any I/O.

mod bodies;
mod curl;
mod data;
mod diff;
mod exchange;
mod json;
mod lines;
mod step;
mod what_if;

pub use curl::curl;
pub use data::{
    BodyDiff, BodyKind, ContentView, Diff, DiffOp, DiffRow, FragmentView, MessageView,
    OutboundView, PieceView, PreviewLine, SideDiff, StepDetail, StepView,
};
pub use exchange::ExchangeView;
pub use what_if::{WhatIf, WhatIfCall, WhatIfDifference, WhatIfSide};

/// The number of an exchange from how it is written: 16 hexadecimal digits.
pub fn exchange_id(text: &str) -> Option<u64> {
    let is_id = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| u64::from_str_radix(text, 16).ok())?
}

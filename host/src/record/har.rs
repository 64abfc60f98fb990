//! HAR 1.2 (HTTP Archive), as browsers and proxies write and read it.
//!
//! What a HAR can't say stands in fields called `_tollgate`, which others pass over: trailers, bodies as they were on the wire, targets that
//! no URL shows, what was not kept. So what is exported comes back with its heads and bodies. What each plugin changed is not in it.

mod export;
mod form;
mod import;
#[cfg(test)]
mod tests;
mod time;

pub use export::HarWriter;
pub use form::{Har, HarContent, HarEntry, HarField, HarPostData, HarRequest, HarResponse};
pub use import::{HarError, content, parse, posted, recorded};

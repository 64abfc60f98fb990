//! The line in which a case says that a hook fails.

use crate::interceptor::Hook;
use crate::message::Side;

/// Those whose failure a case may expect.
const HOOKS: [Hook; 6] = [
    Hook::ForwardRequest,
    Hook::ReturnResponse,
    Hook::Handle,
    Hook::Body(Side::Request),
    Hook::Body(Side::Response),
    Hook::Messages,
];

const NO_ERROR: &str = "expected `forward-request: TEXT` or `return-response: TEXT`, `tick: TEXT` of background work, or `handle: \
    TEXT` of a standard component; without an error leave the section out";

/// # Errors
/// When no hook that there is begins the line; says what was expected.
pub(super) fn check(line: &str) -> Result<(), String> {
    let starts = |hook: &Hook| line.starts_with(&format!("{hook}: "));
    match HOOKS.iter().any(starts) || line.starts_with("tick: ") {
        true => Ok(()),
        false => Err(NO_ERROR.to_owned()),
    }
}

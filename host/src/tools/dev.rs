//! `tollgate dev`.

use std::process::ExitCode;

use crate::cli::DevArgs;

pub fn dev(args: &DevArgs) -> ExitCode {
    let _ = args;
    ExitCode::FAILURE
}

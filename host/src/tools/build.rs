//! `tollgate build`.

use std::process::ExitCode;

use crate::cli::BuildArgs;

pub fn build(args: &BuildArgs) -> ExitCode {
    let _ = args;
    ExitCode::FAILURE
}

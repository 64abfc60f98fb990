//! `tollgate new`.

use std::process::ExitCode;

use crate::cli::NewArgs;

pub fn new(args: &NewArgs) -> ExitCode {
    let _ = args;
    ExitCode::FAILURE
}

//! Why the admin listener gave no answer.

use std::io;
use std::process::ExitCode;

use crate::config::admin::AdminAddress;
use crate::tools::exit::USAGE;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{0}")]
    Usage(String),
    #[error(
        "no admin listener answers at {address} ({source}); start the proxy with --admin ADDR (or with `admin` in its \
         configuration), and say where it is with --admin ADDR here, or in TOLLGATE_ADMIN"
    )]
    Unreachable {
        address: AdminAddress,
        source: io::Error,
    },
    #[error("{address} does not answer as an admin listener does: {problem}")]
    Broken {
        address: AdminAddress,
        problem: String,
    },
    #[error(
        "it wants a token; give its file with --token-file FILE, or the token in TOLLGATE_ADMIN_TOKEN"
    )]
    Token,
    /// In its words.
    #[error("{0}")]
    Refused(String),
}

impl AskError {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            AskError::Usage(_) => ExitCode::from(USAGE),
            AskError::Unreachable { .. }
            | AskError::Broken { .. }
            | AskError::Token
            | AskError::Refused(_) => ExitCode::FAILURE,
        }
    }
}

//! Why a tape can't be read or written.

use std::io;

/// What is wrong; whoever shows it says with which file.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    #[error("this is not a tape of tollgate: it does not begin like one")]
    NotATape,
    #[error(
        "a newer tollgate wrote this tape (format {found}, and this one knows {known}); use that one"
    )]
    Newer { found: u32, known: u32 },
    #[error(
        "the tape is damaged at byte {at}, behind {records} records: {what}; what comes after that can't be read"
    )]
    Damaged {
        at: u64,
        records: u64,
        what: &'static str,
    },
    #[error("another process writes this tape; name another file")]
    Locked,
    #[error("this is not a regular file; a tape needs one")]
    NotAFile,
    #[error("the file was replaced again and again while it was opened")]
    Replaced,
    #[error("{0}")]
    Io(#[from] io::Error),
}

//! The files that the commands read and write, and what is said when they can't.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::record::Recorded;
use crate::record::filter::Filter;
use crate::record::tape::TapeReader;
use crate::text;
use crate::tools::exit::USAGE;

/// Bytes of a HAR that is read at once.
const LARGEST_HAR: u64 = 1 << 30;

/// Why a command ends without what it was asked for.
#[derive(Debug)]
pub struct Failure {
    words: String,
    code: u8,
    /// Nobody reads what is written, and nobody is told of it.
    is_silent: bool,
}

impl Failure {
    /// Something is wrong with a file.
    pub fn new(path: &Path, problem: impl Display) -> Self {
        Self {
            words: format!("{}: {problem}", shown(path)),
            code: 1,
            is_silent: false,
        }
    }

    pub fn usage(problem: impl Display) -> Self {
        Self {
            words: problem.to_string(),
            code: USAGE,
            is_silent: false,
        }
    }

    /// What is said of it.
    pub fn into_words(self) -> String {
        self.words
    }

    /// Tells it.
    pub fn told(self) -> ExitCode {
        if !self.is_silent {
            eprintln!("tollgate: {}", text::lines(&self.words));
        }
        ExitCode::from(self.code)
    }
}

/// Writing to stdout failed. When the reader has left (`| head`), that is no mistake.
pub fn stdout(error: io::Error) -> Failure {
    let is_silent = error.kind() == io::ErrorKind::BrokenPipe;
    Failure {
        is_silent,
        code: u8::from(!is_silent),
        ..Failure::new(Path::new("-"), error)
    }
}

/// A filter as typed.
///
/// # Errors
/// Its first mistake.
pub fn filter(words: &str) -> Result<Filter, Failure> {
    Filter::parse(words).map_err(Failure::usage)
}

/// The id of an exchange, if this is one.
pub fn id(words: &str) -> Option<u64> {
    let is_id = words.len() == 16 && words.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(words, 16).ok().filter(|_| is_id)
}

/// A tape that is read.
pub struct Tape {
    path: PathBuf,
    reader: TapeReader<BufReader<Box<dyn Read>>>,
}

impl Tape {
    /// # Errors
    /// When it can't be opened, or is no tape.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let reader = TapeReader::new(BufReader::with_capacity(1 << 16, input(path)?));
        Ok(Self {
            path: path.to_owned(),
            reader: reader.map_err(|error| Failure::new(path, error))?,
        })
    }

    /// Microseconds since 1970.
    pub fn created(&self) -> u64 {
        self.reader.header().created
    }
}

/// Its exchanges. When nothing more comes, a torn end has been told.
impl Iterator for Tape {
    type Item = Result<Recorded, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.reader.next();
        if next.is_none()
            && let Some(bytes) = self.reader.torn()
        {
            eprintln!(
                "tollgate: {}: the last {bytes} bytes are a record that was not written to its end; they are skipped",
                shown(&self.path)
            );
        }
        next.map(|exchange| exchange.map_err(|error| Failure::new(&self.path, error)))
    }
}

/// A file that is read whole.
///
/// # Errors
/// When it can't be read, or is too large.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut from = input(path)?.take(LARGEST_HAR + 1);
    let read = from.read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(path, format!("can't be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_HAR {
        return Err(Failure::new(path, "larger than 1 GiB; split it"));
    }
    Ok(bytes)
}

fn input(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(file),
    });
    match file {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::new(path, format!("can't be read: {error}"))),
    }
}

/// Writes a file. It appears when it is whole, so that what was there before stays if something fails, and a file can be written
/// from itself.
///
/// # Errors
/// When it can't be written, and what `work` says.
pub fn write(
    path: &Path,
    work: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if path == Path::new("-") {
        let mut out = BufWriter::new(io::stdout().lock());
        work(&mut out)?;
        return out.flush().map_err(stdout);
    }
    let failed = |error: io::Error| Failure::new(path, format!("can't be written: {error}"));
    let special = path.metadata().is_ok_and(|it| !it.is_file());
    if special {
        let mut out = BufWriter::new(File::options().write(true).open(path).map_err(failed)?);
        work(&mut out)?;
        return out.flush().map_err(failed);
    }
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    // Only its owner may read it, as a tape.
    let new = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    let mut out = BufWriter::new(new);
    work(&mut out)?;
    let new = out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    new.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn shown(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input or output".to_owned(),
        false => text::path(path),
    }
}

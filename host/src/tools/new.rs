//! `tollgate new`: a directory with a plugin that does something visible, all that building it needs, and how to go on.

pub mod compose;

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, iter};

use super::build::show::quoted;
use super::exit::USAGE;
use super::templates::{self, TemplateFile};
use crate::cli::NewArgs;

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
enum NewError {
    #[error("{0}")]
    Name(String),
    #[error("{0}")]
    Unknown(String),
    #[error("{} is there already and not empty; choose another name or remove it", path.display())]
    Taken { path: PathBuf },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

pub fn new(args: &NewArgs) -> ExitCode {
    match make(args) {
        Ok((language, directory, files)) => {
            print!("{}", report(args, language, &directory, &files));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tollgate: {error}");
            match error {
                NewError::Write { .. } => ExitCode::FAILURE,
                NewError::Name(_) | NewError::Unknown(_) | NewError::Taken { .. } => {
                    ExitCode::from(USAGE)
                }
            }
        }
    }
}

fn make(args: &NewArgs) -> Result<(&'static str, PathBuf, Vec<TemplateFile>), NewError> {
    let language = templates::find(&args.language)
        .ok_or_else(|| NewError::Unknown(templates::unknown_language(&args.language)))?;
    compose::check_name(&args.name).map_err(NewError::Name)?;
    let files = compose::project(language, &args.from, &args.name)
        .ok_or_else(|| NewError::Unknown(templates::unknown_kind(language, &args.from)))?;
    // `./x` is `x`.
    let directory = if args.dir == Path::new(".") {
        PathBuf::from(&args.name)
    } else {
        args.dir.join(&args.name)
    };
    if !is_free(&directory) {
        return Err(NewError::Taken { path: directory });
    }
    for (path, content) in &files {
        let path = directory.join(path);
        write(&path, content).map_err(|source| NewError::Write { path, source })?;
    }
    Ok((language, directory, files))
}

/// Whether nothing is there, or a directory without anything in it.
fn is_free(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err(),
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, content)?;
    if content.starts_with(b"#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// What was made, folders that one needn't look into as one line, and what to do next.
fn report(args: &NewArgs, language: &str, directory: &Path, files: &[TemplateFile]) -> String {
    let folder = |name: &str, what: &str| {
        let is_there = files.iter().any(|(path, _)| path.starts_with(name));
        is_there.then(|| format!("  {name}/  {what}\n"))
    };
    let own = files
        .iter()
        .filter(|(path, _)| !path.starts_with("wit") && !path.starts_with("tollgate"))
        .map(|(path, _)| format!("  {}\n", path.display()));
    let parts: String = own
        .chain(folder("tollgate", "the helper library"))
        .chain(folder("wit", "the contract"))
        .collect();
    let shown = quoted(&directory.display().to_string());
    let next = [
        format!("cd {shown}"),
        "tollgate build".to_owned(),
        "tollgate test".to_owned(),
    ];
    let next: String = next
        .into_iter()
        .chain(iter::once("tollgate dev".to_owned()))
        .map(|line| format!("  {line}\n"))
        .collect();
    format!(
        "made {shown} from the {language} template `{}`:\n{parts}next:\n{next}",
        args.from
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(dir: &Path, language: &str, name: &str) -> NewArgs {
        NewArgs {
            language: language.to_owned(),
            name: name.to_owned(),
            from: "minimal".to_owned(),
            dir: dir.to_owned(),
        }
    }

    #[test]
    fn a_directory_that_has_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("empty")).unwrap();
        assert!(make(&args(dir.path(), "wat", "empty")).is_ok());
        fs::create_dir(dir.path().join("full")).unwrap();
        fs::write(dir.path().join("full/mine"), "").unwrap();
        fs::write(dir.path().join("file"), "mine").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        for name in ["full", "file", "link", "empty"] {
            let error = make(&args(dir.path(), "wat", name)).unwrap_err();
            assert!(matches!(error, NewError::Taken { .. }), "{name}: {error}");
        }
        assert_eq!(fs::read_dir(dir.path().join("full")).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "mine");
    }

    #[test]
    fn nothing_is_made_of_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let mut kind = args(dir.path(), "wat", "x");
        kind.from = "minimul".to_owned();
        for args in [
            args(dir.path(), "cobol", "x"),
            args(dir.path(), "wat", "X y"),
            kind,
        ] {
            assert!(make(&args).is_err());
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_report_names_every_file_that_is_to_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let args = args(dir.path(), "wat", "hello");
        let (language, directory, files) = make(&args).unwrap();
        let report = report(&args, language, &directory, &files);
        for line in [
            "  plugin.toml",
            "  README.md",
            "  wit/  the contract",
            "  tollgate build",
        ] {
            assert!(report.lines().any(|there| there == line), "{report}");
        }
        assert!(
            !report.contains("tollgate/ ") && !report.contains("world.wit"),
            "{report}"
        );
    }
}

//! `tollgate build`: a plugin's project becomes a component, by the tools of its language.
//!
//! What can be built, and how, is data: [`recipe`](super::project::recipe). Read on in the order of a build: [`project`](super::project) → [`find`] → [`make`] →
//! [`output`].

pub mod cargo;
pub mod find;
pub mod make;
pub mod output;
pub mod process;
pub mod progress;
pub mod show;
pub mod strip;

use std::process::ExitCode;

use super::exit::USAGE;
use super::project::Project;
use crate::cli::BuildArgs;
use make::{BuildError, Options};
use output::{Built, Tryout};
use process::Runner;

pub fn build(args: &BuildArgs) -> ExitCode {
    let project = match Project::read(&args.directory) {
        Ok(project) => project,
        Err(error) => {
            eprintln!("tollgate: {error}");
            return ExitCode::from(USAGE);
        }
    };
    if let Err(error) = process::stop_on_signals() {
        eprintln!("tollgate: cannot wait for signals: {error}");
        return ExitCode::FAILURE;
    }
    if args.tools && !args.install {
        return tools(&project, args.json);
    }
    let options = Options {
        verbose: args.verbose,
        install: args.install,
        strip: args.strip,
    };
    let target = args.output.clone().unwrap_or_else(|| project.component());
    let built = make::tools(&project, options).and_then(|found| {
        if args.tools {
            return Ok(None);
        }
        let tryout = Tryout::new(&project).map_err(BuildError::NoTrial)?;
        make::make(&project, &found, &target, options, &tryout).map(Some)
    });
    match built {
        Ok(None) => tools(&project, args.json),
        Ok(Some(built)) => {
            println!("{}", summary(&built));
            warn(&built);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tollgate: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says what of a plugin that was built may not be meant so.
pub fn warn(built: &Built) {
    for warning in built.tried.warnings() {
        eprintln!("tollgate: {warning}");
    }
}

/// Path, size, contract and what the tools had made, in a line.
pub fn summary(built: &Built) -> String {
    format!(
        "{}  {} bytes  {}  from {}",
        built.path.display(),
        built.bytes,
        built.kind,
        built.source
    )
}

/// Says what would be used.
fn tools(project: &Project, as_json: bool) -> ExitCode {
    let runner = Runner::new(&project.dir);
    let (found, lacking) = match find::find(&project.recipe, &project.places, &runner) {
        Ok(found) => (Some(found), Vec::new()),
        Err(lacking) => (None, lacking),
    };
    if as_json {
        println!("{}", show::tools_json(project, found.as_ref(), &lacking));
    } else if let Some(found) = &found {
        println!("{} by the way `{}`", project.language, found.way.name);
        print!("{}", show::table(&found.tools));
    } else {
        eprintln!("tollgate: {}", show::missing(project, &lacking));
    }
    match found {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

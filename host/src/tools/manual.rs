//! What is generated from the command line's own description: completions for shells, and the man page.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Command, CommandFactory as _};

use crate::cli::{Cli, CompletionsArgs};
use crate::telemetry;

/// Prints the completions of a shell.
pub fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tollgate", &mut script);
    print(&script)
}

/// Prints the man page: every command with its options.
pub fn man() -> ExitCode {
    match page() {
        Ok(page) => print(&page),
        Err(error) => {
            telemetry::say(&format!("tollgate: the man page can't be made: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let main = clap_mangen::Man::new(command.clone());
    main.render_title(&mut page)?;
    main.render_name_section(&mut page)?;
    main.render_synopsis_section(&mut page)?;
    main.render_description_section(&mut page)?;
    for one in command.get_subcommands() {
        section(&mut page, one)?;
    }
    main.render_version_section(&mut page)?;
    Ok(page)
}

/// The section of a command, and those of its own commands.
fn section(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    if command.get_name() == "help" {
        return Ok(());
    }
    let name = command.get_bin_name().unwrap_or(command.get_name());
    writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
    let one = clap_mangen::Man::new(command.clone());
    // Without their headings: the sections of a page are its commands.
    for part in [Part::Synopsis, Part::Description, Part::Options] {
        page.extend(body(&one, part)?);
    }
    command
        .get_subcommands()
        .try_for_each(|one| section(page, one))
}

#[derive(Clone, Copy)]
enum Part {
    Synopsis,
    Description,
    Options,
}

fn body(man: &clap_mangen::Man, part: Part) -> io::Result<Vec<u8>> {
    let mut section = Vec::new();
    match part {
        Part::Synopsis => man.render_synopsis_section(&mut section)?,
        Part::Description => man.render_description_section(&mut section)?,
        Part::Options => man.render_options_section(&mut section)?,
    }
    let text = String::from_utf8_lossy(&section);
    let lines = text.lines().filter(|line| !line.starts_with(".SH"));
    let mut kept: Vec<u8> = lines
        .flat_map(|line| format!("{line}\n").into_bytes())
        .collect();
    kept.extend_from_slice(b".PP\n");
    Ok(kept)
}

fn print(bytes: &[u8]) -> ExitCode {
    match io::stdout().write_all(bytes) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has what they wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_with_its_options() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for command in Cli::command().get_subcommands() {
            let name = command.get_name().to_uppercase();
            assert!(page.contains(&format!(".SH \"TOLLGATE {name}\"")), "{name}");
            for option in command
                .get_arguments()
                .filter_map(|argument| argument.get_long())
            {
                let written = format!("\\-\\-{}", option.replace('-', "\\-"));
                assert!(page.contains(&written), "{name} {written}");
            }
        }
        assert!(
            page.starts_with(".ie") || page.starts_with(".TH"),
            "{}",
            &page[..40]
        );
    }
}

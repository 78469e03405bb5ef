//! Man page, completions and the README's tables, all made from the definitions the program runs on.

use std::fmt::Write as _;

use clap::CommandFactory;

use crate::cli::args::Cli;
use crate::cli::exit;

/// Returns the man page as roff.
#[must_use]
pub fn man() -> Vec<u8> {
    let mut page = Vec::new();
    let command = Cli::command();
    let written = clap_mangen::Man::new(command.clone()).render(&mut page);
    // Writing to memory does not fail; what came so far is printed in any case.
    let _ = written;
    page.extend_from_slice(b".SH COMMANDS\n");
    section(&command, "nkapp", &mut page);
    page
}

fn section(command: &clap::Command, path: &str, page: &mut Vec<u8>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name = format!("{path} {}", sub.get_name());
        let mut sub = sub
            .clone()
            .bin_name(name.clone())
            .display_name(name.clone());
        sub.build();
        page.extend_from_slice(format!(".SS {}\n", name.replace('-', "\\-")).as_bytes());
        let man = clap_mangen::Man::new(sub.clone());
        let _ = man.render_description_section(page);
        let _ = man.render_synopsis_section(page);
        if sub
            .get_arguments()
            .any(|a| !a.is_global_set() && !a.is_hide_set())
        {
            let _ = man.render_options_section(page);
        }
        section(&sub, &name, page);
    }
}

/// Returns the completions of a shell.
#[must_use]
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nkapp", &mut script);
    script
}

/// Returns the README's table of commands.
#[must_use]
pub fn command_table() -> String {
    let mut table = String::from("| command | does |\n|---|---|\n");
    let command = Cli::command();
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        let below: Vec<&str> = sub
            .get_subcommands()
            .filter(|s| s.get_name() != "help")
            .map(clap::Command::get_name)
            .collect();
        let below = if below.is_empty() {
            String::new()
        } else {
            format!(" {}", below.join("\\|"))
        };
        let name = sub.get_name();
        let _ = writeln!(table, "| `nkapp {name}{below}` | {about} |");
    }
    table
}

/// Returns the README's table of exit codes.
#[must_use]
pub fn exit_table() -> String {
    let mut table = String::from("| exit code | means |\n|---|---|\n");
    for (code, text) in exit::TABLE {
        let _ = writeln!(table, "| {code} | {text} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_man_page_names_every_command() {
        let page = String::from_utf8(man()).expect("text");
        for sub in Cli::command().get_subcommands() {
            assert!(
                page.contains(&format!("nkapp {}", sub.get_name())),
                "{}",
                sub.get_name()
            );
        }
    }

    #[test]
    fn completions_exist_for_every_shell() {
        use clap::ValueEnum;
        for shell in clap_complete::Shell::value_variants() {
            let script = String::from_utf8(completions(*shell)).expect("text");
            assert!(script.contains("unlock"), "{shell}");
        }
    }
}

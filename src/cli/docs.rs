//! Man page and completions, from the same definitions that parse the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Cli;

/// Returns the man page.
#[must_use]
pub fn man() -> Vec<u8> {
    let mut page = Vec::new();
    // Writing into memory cannot fail.
    let _ = clap_mangen::Man::new(Cli::command()).render(&mut page);
    page
}

/// Returns the completions for a shell.
#[must_use]
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nkapp", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_visible_command_is_in_the_man_page_and_the_completions() {
        let page = String::from_utf8(man()).expect("text");
        let script = String::from_utf8(completions(Shell::Bash)).expect("text");
        for command in Cli::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
        {
            let name = command.get_name();
            assert!(page.contains(name), "{name} is not in the man page");
            assert!(script.contains(name), "{name} is not in the completions");
        }
        assert!(!page.contains("__supervise"));
    }
}

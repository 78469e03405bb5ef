//! A program that has the terminal for a while: the editor, or a shell.
//!
//! Before it starts nothing of ours reads the terminal any more, and after it ended the terminal is put back as it was,
//! whatever the program did to it. Meanwhile the sessions are heard as ever.

use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::tui::rooms::doors::{Errand, Program};

/// Variable that names the file in which our own `exec` writes why it failed: its words on the screen are gone as
/// soon as the panel is drawn again.
const REASON: &str = "NANOKIT_REASON";
/// How long a program may take to end once it was told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// Exit code of a shell whose last command was interrupted from the keyboard.
const INTERRUPTED: i32 = 130;

/// A program at work.
pub(super) struct Away {
    /// What it is for.
    pub(super) errand: Errand,
    /// Number of the room that asked for it.
    pub(super) room: usize,
    /// The program.
    pub(super) program: Program,
    child: Child,
}

impl Away {
    /// Starts a program in our place at the terminal.
    pub(super) fn start(errand: Errand, room: usize, program: Program) -> Result<Self, String> {
        let mut command = Command::new(&program.name);
        command.args(&program.arguments).kill_on_drop(true);
        if let Some(reason) = &program.reason {
            // What another one left there is not the reason of this one.
            let _ = std::fs::remove_file(reason);
            command.env(REASON, reason);
        }
        let child = command
            .spawn()
            .map_err(|error| format!("`{}`: {error}", program.name.to_string_lossy()))?;
        Ok(Self {
            errand,
            room,
            program,
            child,
        })
    }

    /// Waits for its end; nothing is lost when the wait is given up.
    pub(super) async fn ended(&mut self) -> Result<(), String> {
        match self.child.wait().await {
            Ok(status) => said(&self.errand, status),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Ends it as a closed terminal would, and after a while the hard way.
    pub(super) async fn end(mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // A program that is gone already needs no signal.
            let _ = kill_process(pid, Signal::HUP);
        }
        if tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
    }
}

/// Says how a program ended. A shell hands on how its last command did: who interrupted that one knows it.
fn said(errand: &Errand, status: ExitStatus) -> Result<(), String> {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(INTERRUPTED), _) if matches!(errand, Errand::Shell { .. }) => Ok(()),
        (Some(code), _) => Err(format!("exit code {code}")),
        (None, Some(signal)) => Err(format!("ended by signal {signal}")),
        (None, None) => Err("it ended".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    #[test]
    fn a_shell_whose_last_command_was_interrupted_did_not_fail() {
        let code = |code: i32| ExitStatus::from_raw(code << 8);
        let shell = Errand::Shell {
            service: "api".into(),
        };
        let edit = Errand::Edit {
            file: "nanokit.yml".into(),
            line: 1,
        };
        assert_eq!(said(&shell, code(130)), Ok(()));
        assert_eq!(said(&shell, code(127)), Err("exit code 127".into()));
        assert_eq!(said(&edit, code(130)), Err("exit code 130".into()));
        assert_eq!(
            said(&shell, ExitStatus::from_raw(9)),
            Err("ended by signal 9".into())
        );
    }
}

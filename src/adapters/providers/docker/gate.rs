//! The gate in front of a main command: a few lines of shell that wait for a file, then become the command.
//!
//! The file lies in the container's own layer, so an opened gate stays open across restarts and goes away with
//! the container. It is made by a command run as root, so that no user of the image can matter.

/// What the waiting shell runs; the main command follows as its arguments.
///
/// Short naps where `sleep` takes fractions, a second where it does not. TERM ends the wait at once.
const WAIT: &str = "trap 'exit 143' TERM INT; \
    while [ ! -e /.nk-gate ]; do sleep 0.05 2>/dev/null || sleep 1; done; \
    trap - TERM INT; exec \"$@\"";

/// The shell every gated image has to have.
pub(super) const SHELL: &str = "/bin/sh";

/// What opens the gate.
pub(super) const OPEN: [&str; 3] = [SHELL, "-c", ": > /.nk-gate"];

/// Returns the entry point that waits; the main command goes into the container's arguments.
pub(super) fn entrypoint() -> Vec<String> {
    [SHELL, "-c", WAIT, "nk-gate"].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_command_is_handed_over_as_arguments_never_as_shell_text() {
        let entry = entrypoint();
        assert_eq!(entry.len(), 4);
        assert!(entry[2].ends_with("exec \"$@\""), "{}", entry[2]);
    }
}

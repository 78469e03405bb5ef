//! How a request is typed on the command line. Values are left to whoever types it: some are secret.

use crate::domain::flow::Turn;
use crate::domain::plan::model::{PlanRequest, Purpose};

impl PlanRequest {
    /// Returns the command line of this request, with `VALUE` for the value of each input.
    #[must_use]
    pub fn command(&self) -> String {
        let targets: String = self.targets.iter().map(|one| format!(" {one}")).collect();
        let turned = match (&self.flow.turn, &self.purpose) {
            (
                Turn::Skip {
                    procedure, step, ..
                },
                _,
            ) => skip(procedure, step),
            (Turn::Resume, Purpose::Act) => format!("nkapp action run{targets} --resume"),
            (Turn::Abort, Purpose::Act) => format!("nkapp action run{targets} --abort"),
            (_, Purpose::Act) => format!("nkapp action run{targets}"),
            (_, Purpose::Restore) => format!("nkapp drift --restore{targets}"),
            (_, Purpose::Deploy | Purpose::Destroy | Purpose::Clean) => {
                format!("nkapp {}{targets}", self.purpose.as_str())
            }
        };
        with_inputs(turned, self.flow.inputs.keys())
    }
}

/// Quotes a word for `sh`; plain words stay as they are.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    // A tilde or an equals sign at the start means something to some shells.
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with(['=', '~']) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns the command that moves a file or folder out of the way, and keeps it.
#[must_use]
pub fn move_away(path: &str) -> String {
    format!("mv {} {}", word(path), word(&format!("{path}.aside")))
}

/// Adds inputs to a command line.
#[must_use]
pub fn with_inputs<'n>(command: String, names: impl IntoIterator<Item = &'n String>) -> String {
    names
        .into_iter()
        .fold(command, |line, name| format!("{line} --input {name}=VALUE"))
}

/// Returns how an unfinished procedure goes on; its secret inputs are kept nowhere, so they are given again.
#[must_use]
pub fn resume<'n>(procedure: &str, secrets: impl IntoIterator<Item = &'n String>) -> String {
    let command = format!("nkapp action run {procedure} --resume");
    with_inputs(command, secrets)
}

/// Returns how an unfinished procedure goes on behind the step it stopped at.
#[must_use]
pub fn skip(procedure: &str, step: &str) -> String {
    let is_plain = step
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let step = if is_plain {
        step.to_owned()
    } else {
        format!("{step:?}")
    };
    format!("nkapp action run {procedure} --skip {step} --reason \"why\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::FlowRequest;
    use crate::domain::secret::Secret;

    #[test]
    fn a_request_is_typed_with_its_targets_its_turn_and_the_names_of_its_inputs() {
        let skipping = |step: &str| Turn::Skip {
            procedure: "mend".to_owned(),
            step: step.to_owned(),
            reason: "known".to_owned(),
        };
        let (none, api): (&[&str], &[&str]) = (&[], &["api"]);
        let (mend, pin): (&[&str], &[&str]) = (&["mend"], &["PIN"]);
        let cases = [
            (Purpose::Deploy, none, Turn::Fresh, none, "nkapp deploy"),
            (
                Purpose::Deploy,
                api,
                Turn::Fresh,
                pin,
                "nkapp deploy api --input PIN=VALUE",
            ),
            (
                Purpose::Restore,
                api,
                Turn::Fresh,
                none,
                "nkapp drift --restore api",
            ),
            (Purpose::Clean, none, Turn::Fresh, none, "nkapp clean"),
            (
                Purpose::Act,
                mend,
                Turn::Fresh,
                pin,
                "nkapp action run mend --input PIN=VALUE",
            ),
            (
                Purpose::Act,
                mend,
                Turn::Resume,
                none,
                "nkapp action run mend --resume",
            ),
            (
                Purpose::Act,
                mend,
                Turn::Abort,
                none,
                "nkapp action run mend --abort",
            ),
            (
                Purpose::Deploy,
                none,
                skipping("two"),
                none,
                "nkapp action run mend --skip two --reason \"why\"",
            ),
            (
                Purpose::Act,
                mend,
                skipping("take it down"),
                none,
                "nkapp action run mend --skip \"take it down\" --reason \"why\"",
            ),
        ];
        for (purpose, targets, turn, inputs, line) in cases {
            let inputs = inputs
                .iter()
                .map(|name| ((*name).to_owned(), Secret::new("hunter2".to_owned())));
            let request = PlanRequest {
                purpose,
                targets: targets.iter().map(ToString::to_string).collect(),
                flow: FlowRequest {
                    turn,
                    inputs: inputs.collect(),
                },
            };
            assert_eq!(request.command(), line);
        }
    }
}

//! How far procedures have come, on the wire: in the state document, and step by step in the journal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::flow::{Flow, FlowRun, Mark, Standing};
use crate::domain::ids::{Digest, RunId, StepId, TraceId};
use crate::formats::error::FormatError;

/// Versions a project stands at; left out where nothing is known that a record without it would not say.
#[derive(Serialize, Deserialize)]
pub(in crate::formats) struct StandingWire {
    set_up: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actions_version: Option<String>,
}

/// A flow that is not over.
#[derive(Serialize, Deserialize)]
pub(super) struct FlowWire {
    purpose: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    inputs: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    secrets: BTreeSet<String>,
    #[serde(default)]
    steps: BTreeMap<String, MarkWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<FlowRunWire>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    digests: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    released: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    cleaned: BTreeMap<String, String>,
}

/// Keys of a flow.
pub(super) const FLOW: [&str; 8] = [
    "purpose", "inputs", "secrets", "steps", "last", "digests", "released", "cleaned",
];

/// Writes what steps do.
pub(in crate::formats) fn digests_wire(
    steps: &BTreeMap<String, Digest>,
) -> BTreeMap<String, String> {
    let steps = steps.iter();
    steps
        .map(|(label, digest)| (label.clone(), digest.to_string()))
        .collect()
}

/// Reads what steps do.
pub(in crate::formats) fn digests(wires: BTreeMap<String, String>) -> BTreeMap<String, Digest> {
    let wires = wires.into_iter();
    wires
        .map(|(label, digest)| (label, Digest(digest)))
        .collect()
}

fn cleaned_wire(steps: &BTreeMap<StepId, Digest>) -> BTreeMap<String, String> {
    let steps = steps.iter();
    steps
        .map(|(step, digest)| (step.to_string(), digest.to_string()))
        .collect()
}

fn cleaned(wires: BTreeMap<String, String>) -> BTreeMap<StepId, Digest> {
    let wires = wires.into_iter();
    wires
        .map(|(step, digest)| (StepId(step), Digest(digest)))
        .collect()
}

/// A run that worked at a flow; shared with journal and events.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::formats) struct FlowRunWire {
    run: String,
    trace: String,
}

impl From<&FlowRun> for FlowRunWire {
    fn from(of: &FlowRun) -> Self {
        Self {
            run: of.run.to_string(),
            trace: of.trace.to_string(),
        }
    }
}

impl From<FlowRunWire> for FlowRun {
    fn from(wire: FlowRunWire) -> Self {
        Self {
            run: RunId(wire.run),
            trace: TraceId(wire.trace),
        }
    }
}

/// What came of a step; shared with the journal.
#[derive(Serialize, Deserialize)]
pub(in crate::formats) struct MarkWire {
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<String>,
}

/// Writes the versions.
pub(in crate::formats) fn standing_wire(standing: &Standing) -> Option<StandingWire> {
    (*standing != Standing::default()).then(|| StandingWire {
        set_up: standing.set_up,
        version: standing.version.clone(),
        actions_version: standing.actions_version.clone(),
    })
}

/// Reads the versions.
pub(in crate::formats) fn standing(wire: Option<StandingWire>) -> Standing {
    wire.map_or_else(Standing::default, |wire| Standing {
        set_up: wire.set_up,
        version: wire.version,
        actions_version: wire.actions_version,
    })
}

/// Writes the flows.
pub(super) fn flows_wire(flows: &BTreeMap<String, Flow>) -> BTreeMap<String, FlowWire> {
    let wire = |flow: &Flow| FlowWire {
        purpose: flow.purpose.clone(),
        inputs: flow.inputs.clone(),
        secrets: flow.secrets.clone(),
        steps: flow
            .marks
            .iter()
            .map(|(label, mark)| (label.clone(), mark_wire(mark)))
            .collect(),
        last: flow.last.as_ref().map(Into::into),
        digests: digests_wire(&flow.steps),
        released: flow.released.clone(),
        cleaned: cleaned_wire(&flow.cleaned),
    };
    flows
        .iter()
        .map(|(name, flow)| (name.clone(), wire(flow)))
        .collect()
}

/// Reads the flows.
pub(super) fn flows(
    wires: BTreeMap<String, FlowWire>,
) -> Result<BTreeMap<String, Flow>, FormatError> {
    wires
        .into_iter()
        .map(|(name, wire)| {
            let marks = wire
                .steps
                .into_iter()
                .map(|(label, wire)| Ok((label, mark(wire)?)))
                .collect::<Result<_, FormatError>>()?;
            let flow = Flow {
                purpose: wire.purpose,
                inputs: wire.inputs,
                secrets: wire.secrets,
                marks,
                last: wire.last.map(Into::into),
                steps: digests(wire.digests),
                released: wire.released,
                cleaned: cleaned(wire.cleaned),
            };
            Ok((name, flow))
        })
        .collect()
}

/// Writes what came of a step.
pub(in crate::formats) fn mark_wire(mark: &Mark) -> MarkWire {
    let plain = |outcome: &str| MarkWire {
        outcome: outcome.to_owned(),
        reason: None,
        run: None,
    };
    match mark {
        Mark::Done => plain("done"),
        Mark::Failed => plain("failed"),
        Mark::Skipped { reason, run } => MarkWire {
            reason: Some(reason.clone()),
            run: Some(run.to_string()),
            ..plain("skipped")
        },
    }
}

/// Reads what came of a step.
pub(in crate::formats) fn mark(wire: MarkWire) -> Result<Mark, FormatError> {
    match wire.outcome.as_str() {
        "done" => Ok(Mark::Done),
        "failed" => Ok(Mark::Failed),
        "skipped" => Ok(Mark::Skipped {
            reason: wire.reason.unwrap_or_default(),
            run: RunId(wire.run.unwrap_or_default()),
        }),
        other => Err(FormatError::Field(format!(
            "`outcome` of a step cannot be `{other}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::effect::Effect;
    use crate::domain::ids::{Address, EnvName, Lineage, ProjectName, Scope};
    use crate::domain::record::Record;
    use crate::formats::{journal, state};

    fn record() -> Record {
        let scope = Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: None,
        };
        Record::new(Lineage::new("l"), "k".to_owned(), scope)
    }

    fn effects() -> Vec<Effect> {
        let address = Address::procedure("mend");
        let step = |step: &str, mark| Effect::FlowStep {
            address: address.clone(),
            step: step.to_owned(),
            mark,
        };
        vec![
            Effect::FlowBegun {
                address: address.clone(),
                purpose: "manual r1".to_owned(),
                inputs: BTreeMap::from([("WHO".to_owned(), "ada".to_owned())]),
                secrets: BTreeSet::from(["TOKEN".to_owned()]),
                run: Some(FlowRun {
                    run: RunId::new("r1"),
                    trace: TraceId::new("t1"),
                }),
                steps: BTreeMap::from([("one".to_owned(), Digest::new("d"))]),
            },
            step("one", Mark::Done),
            step(
                "two",
                Mark::Skipped {
                    reason: "known".to_owned(),
                    run: RunId::new("r2"),
                },
            ),
            step("three", Mark::Failed),
            Effect::FlowReleased {
                address: Address::service("db"),
            },
            Effect::FlowCleaned {
                purpose: "manual r1".to_owned(),
                step: address.step(None, "tidy"),
                digest: Digest::new("t"),
            },
            Effect::Concluded {
                standing: Standing {
                    set_up: true,
                    version: Some("2".to_owned()),
                    actions_version: None,
                },
                over: BTreeSet::from(["another".to_owned()]),
            },
        ]
    }

    #[test]
    fn a_flow_survives_state_and_journal() {
        let mut record = record();
        for effect in effects() {
            let line = journal::Line::Effect(effect.clone());
            let text = journal::encode_line(&line, &mut journal::Chain::default());
            let read = journal::decode(text.as_bytes()).unwrap();
            assert_eq!(read.lines, [line], "{text}");
            record.fold(&effect);
        }
        assert_eq!(record.flows["mend"].marks.len(), 3);
        assert!(record.flows["mend"].released.contains("db"));
        let tidy = Address::procedure("mend").step(None, "tidy");
        assert!(record.flows["mend"].is_cleaned(&tidy, &Digest::new("t")));
        let bytes = state::encode(&record, "w");
        assert_eq!(state::decode(&bytes).unwrap(), record);
        // Every key is known, so that none is carried along as somebody else's.
        assert!(state::decode(&bytes).unwrap().strays.is_empty());
    }

    #[test]
    fn what_a_later_version_writes_of_a_flow_survives() {
        let mut record = record();
        effects().iter().for_each(|effect| record.fold(effect));
        let text = String::from_utf8(state::encode(&record, "w")).unwrap();
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        document["flows"]["mend"]["later"] = serde_json::json!({ "a": 1 });
        document.as_object_mut().unwrap().remove("sha256");
        let bytes = serde_json::to_vec(&document).unwrap();
        let read = state::decode_given(&bytes).unwrap();
        let again: serde_json::Value = serde_json::from_slice(&state::encode(&read, "w")).unwrap();
        assert_eq!(again["flows"]["mend"]["later"]["a"], 1);
    }

    #[test]
    fn a_record_from_before_is_of_a_project_that_was_set_up() {
        let mut old = record();
        old.standing = Standing::default();
        let text = String::from_utf8(state::encode(&old, "w")).unwrap();
        assert!(!text.contains("standing") && !text.contains("flows"));
        let read = state::decode(text.as_bytes()).unwrap();
        assert!(read.standing.set_up && read.flows.is_empty());
    }
}

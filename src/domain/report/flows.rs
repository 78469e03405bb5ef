//! Procedures that are not over: how far each has come, so that somebody can decide how it goes on.

use crate::domain::flow::{Flow, Mark};
use crate::domain::ids::Address;
use crate::domain::plan::procedures::standing::{due, is_open, owed};
use crate::domain::plan::typed::{resume, with_inputs};
use crate::domain::project::procedure::{Mode, Occasion, Procedure};
use crate::domain::project::project::Project;
use crate::domain::record::Record;

/// A step of a procedure that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowStep {
    /// What it is called.
    pub label: String,
    /// What it does, in a line.
    pub detail: String,
    /// What came of it; `None`: it was not begun, or cut off.
    pub mark: Option<Mark>,
    /// Whether it is run when a manual procedure is aborted.
    pub cleanup: bool,
}

impl FlowStep {
    /// Tells whether it is over for good.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.mark.as_ref().is_some_and(Mark::is_over)
    }
}

/// A procedure that began and is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFlow {
    /// The procedure.
    pub name: String,
    /// What made it run.
    pub occasion: Occasion,
    /// Where in a deploy.
    pub mode: Option<Mode>,
    /// What it is for: `setup`, `upgrade version 1 -> 2`, `manual RUN_ID`.
    pub purpose: String,
    /// Its steps, in their order.
    pub steps: Vec<FlowStep>,
    /// Secret inputs it is given again when it goes on.
    pub owed: Vec<String>,
}

impl OpenFlow {
    /// Returns the address of the procedure.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::procedure(&self.name)
    }
    /// Returns the step it goes on at; `None`: its own steps are over, what follows them is not.
    #[must_use]
    pub fn at(&self) -> Option<&FlowStep> {
        self.steps.iter().find(|step| !step.is_over())
    }
    /// Tells whether it is part of a deploy.
    #[must_use]
    pub fn in_deploy(&self) -> bool {
        self.occasion != Occasion::Manual
    }
    /// Returns the command it goes on with.
    #[must_use]
    pub fn goes_on(&self) -> String {
        if self.in_deploy() {
            with_inputs("nkapp deploy".to_owned(), &self.owed)
        } else {
            resume(&self.name, &self.owed)
        }
    }
}

/// Returns the procedures that began and are not over, in the order they run in.
#[must_use]
pub fn open_flows(project: &Project, record: Option<&Record>) -> Vec<OpenFlow> {
    let Some(record) = record else {
        return Vec::new();
    };
    let due = due(project, Some(record)).map(|(_, purpose)| purpose);
    let mut all: Vec<OpenFlow> = project
        .procedures
        .iter()
        .filter_map(|procedure| {
            let flow = record.flows.get(&procedure.name)?;
            is_open(procedure, flow, due.as_deref()).then(|| open(project, procedure, flow))
        })
        .collect();
    all.sort_by_key(|flow| flow.mode);
    all
}

fn open(project: &Project, procedure: &Procedure, flow: &Flow) -> OpenFlow {
    let steps = procedure.steps.iter().map(|step| FlowStep {
        label: step.label.clone(),
        detail: format!(
            "{} {}",
            step.primitive.verb().as_str(),
            step.primitive.detail()
        ),
        mark: flow.marks.get(&step.label).cloned(),
        cleanup: step.cleanup,
    });
    OpenFlow {
        name: procedure.name.clone(),
        occasion: procedure.occasion,
        mode: procedure.mode,
        purpose: flow.purpose.clone(),
        steps: steps.collect(),
        owed: owed(project, flow).cloned().collect(),
    }
}

//! The procedures of the file as rows.

use crate::domain::project::procedure::{Input, Procedure, ProcedureStep};
use crate::domain::project::project::Project;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::table::columns;
use crate::present::words;

/// Returns all of them, one a line.
#[must_use]
pub fn list(project: &Project) -> Vec<Row> {
    if project.procedures.is_empty() {
        return vec![Row::at(0).with(Role::Dim, "The file has no actions")];
    }
    let lines: Vec<Vec<Span>> = project
        .procedures
        .iter()
        .map(|one| {
            vec![
                Span::new(Role::Strong, &one.name),
                Span::new(Role::Plain, occasion(one)),
                Span::new(Role::Dim, words::count(one.steps.len(), "step")),
                Span::new(Role::Plain, one.description.as_deref().unwrap_or("")),
            ]
        })
        .collect();
    columns(0, &lines)
}

/// Returns one with its inputs and steps.
#[must_use]
pub fn one(procedure: &Procedure) -> Vec<Row> {
    let mut rows = vec![
        Row::at(0)
            .with(Role::Strong, &procedure.name)
            .with(Role::Dim, " · ")
            .with(Role::Plain, occasion(procedure)),
    ];
    if let Some(text) = &procedure.description {
        rows.push(Row::at(0).with(Role::Plain, text));
    }
    if !procedure.inputs.is_empty() {
        rows.push(Row::at(0).with(Role::Dim, "Inputs"));
        let lines: Vec<Vec<Span>> = procedure.inputs.iter().map(input).collect();
        rows.extend(columns(1, &lines));
    }
    rows.push(Row::at(0).with(Role::Dim, "Steps"));
    let lines: Vec<Vec<Span>> = procedure.steps.iter().map(step).collect();
    rows.extend(columns(1, &lines));
    rows
}

fn occasion(procedure: &Procedure) -> String {
    let word = procedure.occasion.as_str();
    let clean = if procedure.cleanup { ", clean-up" } else { "" };
    match procedure.mode {
        Some(mode) => format!("{word} {}{clean}", mode.as_str()),
        None => word.to_owned(),
    }
}

fn input(input: &Input) -> Vec<Span> {
    let value = match (&input.default, input.required) {
        (Some(value), _) => format!("default {value}"),
        (None, true) => "required".to_owned(),
        (None, false) => "optional".to_owned(),
    };
    let secret = if input.secret { "secret" } else { "" };
    vec![
        Span::new(Role::Strong, &input.name),
        Span::new(Role::Plain, value),
        Span::new(Role::Dim, secret),
        Span::new(Role::Plain, input.description.as_deref().unwrap_or("")),
    ]
}

fn step(step: &ProcedureStep) -> Vec<Span> {
    let more = match (step.retries, step.cleanup) {
        (0, false) => String::new(),
        (0, true) => "clean-up".to_owned(),
        (some, false) => words::count(some as usize, "retry").replace("retrys", "retries"),
        (some, true) => format!("clean-up, {some} retries"),
    };
    vec![
        Span::new(Role::Plain, &step.label),
        Span::new(Role::Dim, step.primitive.verb().as_str()),
        Span::new(Role::Plain, step.primitive.detail()),
        Span::new(Role::Dim, more),
    ]
}

//! `nkapp doctor`: what nkapp needs here, what is missing, what to do about it.

use serde_json::{Value, json};

use crate::cli::errand::Errand;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::table::columns;

pub(super) fn doctor(errand: &mut Errand<'_>) -> u8 {
    let checks = errand.ground.checks();
    let bad = checks
        .iter()
        .filter(|check| check.good == Some(false))
        .count();
    if errand.printer.json {
        let all: Vec<Value> = checks
            .iter()
            .map(|check| {
                json!({
                    "check": check.name,
                    "ok": check.good,
                    "finding": check.finding,
                    "advice": check.advice,
                })
            })
            .collect();
        errand
            .printer
            .document(&json!({"ok": bad == 0, "checks": all}));
    } else {
        let lines: Vec<Vec<Span>> = checks
            .iter()
            .map(|check| {
                let (mark, role) = match check.good {
                    Some(true) => ("✓", Role::Good),
                    Some(false) => ("✗", Role::Bad),
                    None => ("–", Role::Dim),
                };
                vec![
                    Span::new(role, mark),
                    Span::new(Role::Strong, check.name),
                    Span::new(Role::Plain, &check.finding),
                ]
            })
            .collect();
        let mut rows = Vec::new();
        for (check, row) in checks.iter().zip(columns(0, &lines)) {
            rows.push(row);
            if let Some(advice) = &check.advice {
                rows.push(Row::at(2).with(Role::Dim, "→ ").with(Role::Plain, advice));
            }
        }
        errand.printer.rows(&rows);
    }
    u8::from(bad > 0)
}

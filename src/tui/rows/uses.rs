//! Columns of processor and memory beside the services, of those that were looked at.

use std::sync::Arc;

use crate::domain::ids::ResourceKind;
use crate::domain::report::StatusReport;
use crate::domain::time::Wall;
use crate::tui::rows::row::Cell;
use crate::tui::theme::Tone;
use crate::tui::tree::Node;
use crate::tui::usage::{Usages, bytes, share};

/// Puts the columns behind the state of each row; what is not known is a dash.
pub fn add(nodes: &mut [Node], usages: &Usages, status: Option<&StatusReport>, now: Wall) {
    for node in nodes {
        let address = node.row.subject.address();
        let of_service = address.filter(|address| address.kind == ResourceKind::Service);
        let cells = match (of_service, status) {
            (Some(address), Some(status)) => {
                let (cpu, memory) = usages.of_service(status, address, now);
                [share(cpu), bytes(memory)].map(|text| {
                    let tone = if text == "-" { Tone::Dim } else { Tone::Text };
                    Cell::new(format!("{text:>8}"), tone)
                })
            }
            (Some(_), None) | (None, _) => [Cell::default(), Cell::default()],
        };
        if !node.row.columns.is_empty() {
            let row = Arc::make_mut(&mut node.row);
            row.columns.splice(1..1, cells);
        }
        add(&mut node.children, usages, status, now);
    }
}

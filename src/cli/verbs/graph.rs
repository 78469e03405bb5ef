//! `nkapp graph`: the dependency graph in four formats.

use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::cli::args::GraphFormat;
use crate::cli::errand::Errand;
use crate::cli::exit;
use crate::domain::graph::build::Graph;

pub(super) fn graph(errand: &mut Errand<'_>, format: GraphFormat) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let graph = Graph::of(&project);
    let format = if errand.printer.json {
        GraphFormat::Json
    } else {
        format
    };
    match format {
        GraphFormat::Text => errand.printer.text(&graph.to_text()),
        GraphFormat::Dot => errand.printer.text(&graph.to_dot()),
        GraphFormat::Mermaid => errand.printer.text(&graph.to_mermaid()),
        GraphFormat::Json => {
            let document = document(&graph);
            errand.printer.document(&document);
        }
    }
    Ok(exit::DONE)
}

fn document(graph: &Graph) -> Value {
    let layers: Vec<Vec<String>> = graph
        .layers()
        .iter()
        .map(|layer| layer.iter().map(ToString::to_string).collect())
        .collect();
    let resources: Vec<Value> = graph
        .rows()
        .iter()
        .map(|row| {
            let needs: Vec<String> = row.depends_on.iter().map(ToString::to_string).collect();
            json!({"address": row.address.to_string(), "layer": row.layer, "depends_on": needs})
        })
        .collect();
    json!({"layers": layers, "resources": resources})
}

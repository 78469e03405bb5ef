//! The graph as text, DOT, Mermaid, and as plain rows for JSON.
//!
//! Names have been checked by config (`a-z`, digits, `.`, `_`, `-`), so nothing in here can break out of a quoted
//! label; quotes are escaped all the same.

use std::fmt::Write as _;

use crate::domain::graph::build::Graph;
use crate::domain::ids::{Address, ResourceKind};

/// One resource as a row, for JSON and tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphRow {
    /// The resource.
    pub address: Address,
    /// Layer it starts in, from 0.
    pub layer: usize,
    /// What it depends on directly, sorted.
    pub depends_on: Vec<Address>,
}

impl Graph {
    /// Returns every resource with its layer, in the order of starting.
    #[must_use]
    pub fn rows(&self) -> Vec<GraphRow> {
        self.layers()
            .into_iter()
            .enumerate()
            .flat_map(|(layer, addresses)| addresses.into_iter().map(move |a| (layer, a)))
            .map(|(layer, address)| GraphRow {
                depends_on: self.dependencies(&address).into_iter().collect(),
                address,
                layer,
            })
            .collect()
    }
    /// Draws one line a resource, grouped by layer: `service.api ← service.db, network.default`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut shown = None;
        for row in self.rows() {
            if shown != Some(row.layer) {
                let _ = writeln!(text, "layer {}", row.layer);
                shown = Some(row.layer);
            }
            let needs: Vec<String> = row.depends_on.iter().map(ToString::to_string).collect();
            let _ = if needs.is_empty() {
                writeln!(text, "  {}", row.address)
            } else {
                writeln!(text, "  {} ← {}", row.address, needs.join(", "))
            };
        }
        text
    }
    /// Draws Graphviz DOT; edges point from a resource to what it depends on.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = String::from("digraph nanokit {\n  rankdir=LR;\n");
        for (address, _) in self.edges() {
            let shape = match address.kind {
                ResourceKind::Network => "ellipse",
                ResourceKind::Volume => "cylinder",
                ResourceKind::Service | ResourceKind::Procedure => "box",
            };
            let name = quoted(address);
            let _ = writeln!(text, "  {name} [shape={shape}];");
        }
        for (address, needs) in self.edges() {
            for need in needs {
                let _ = writeln!(text, "  {} -> {};", quoted(address), quoted(need));
            }
        }
        text.push_str("}\n");
        text
    }
    /// Draws a Mermaid flow chart; edges point from a resource to what it depends on.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        let number: std::collections::BTreeMap<&Address, usize> =
            self.addresses().enumerate().map(|(i, a)| (a, i)).collect();
        for (address, i) in &number {
            // A node's id is a number: names like `end` are keywords in Mermaid.
            let label = quoted(address);
            let _ = match address.kind {
                ResourceKind::Network => writeln!(text, "  n{i}([{label}])"),
                ResourceKind::Volume => writeln!(text, "  n{i}[({label})]"),
                ResourceKind::Service | ResourceKind::Procedure => {
                    writeln!(text, "  n{i}[{label}]")
                }
            };
        }
        for (address, needs) in self.edges() {
            for need in needs {
                if let (Some(from), Some(to)) = (number.get(address), number.get(need)) {
                    let _ = writeln!(text, "  n{from} --> n{to}");
                }
            }
        }
        text
    }
}

fn quoted(address: &Address) -> String {
    format!("\"{}\"", address.to_string().replace('"', "'"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn small() -> Graph {
        Graph::from_edges(&BTreeMap::from([
            (Address::network("default"), BTreeSet::new()),
            (
                Address::service("api"),
                BTreeSet::from([Address::network("default"), Address::volume("data")]),
            ),
            (Address::volume("data"), BTreeSet::new()),
        ]))
    }

    #[test]
    fn text_groups_by_layer() {
        insta::assert_snapshot!(small().to_text(), @r"
        layer 0
          network.default
          volume.data
        layer 1
          service.api ← network.default, volume.data
        ");
    }

    #[test]
    fn dot_and_mermaid_name_shapes_and_edges() {
        insta::assert_snapshot!(small().to_dot(), @r#"
        digraph nanokit {
          rankdir=LR;
          "network.default" [shape=ellipse];
          "volume.data" [shape=cylinder];
          "service.api" [shape=box];
          "service.api" -> "network.default";
          "service.api" -> "volume.data";
        }
        "#);
        insta::assert_snapshot!(small().to_mermaid(), @r#"
        flowchart LR
          n0(["network.default"])
          n1[("volume.data")]
          n2["service.api"]
          n2 --> n0
          n2 --> n1
        "#);
    }
}

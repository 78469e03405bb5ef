//! What widgets remember between two frames. Throwing it away loses a scroll offset and nothing else.

use std::collections::BTreeMap;

use tui_tree_widget::TreeState;

use crate::tui::model::Area;
use crate::tui::tree::Key;

/// Caches of widgets.
#[derive(Debug, Default)]
pub struct Scratch {
    trees: BTreeMap<Area, TreeState<Key>>,
}

impl Scratch {
    /// Returns what the tree of an area remembers.
    pub fn tree(&mut self, area: Area) -> &mut TreeState<Key> {
        self.trees.entry(area).or_default()
    }
}

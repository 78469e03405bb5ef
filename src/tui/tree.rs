//! A foldable tree with a cursor, as values: what is open, what is chosen, what the filter leaves over.
//!
//! The tree widget keeps such state too, but fills it while drawing and cannot be copied; so the state lives
//! here, where `update` can work on it without a terminal, and the view hands it to the widget.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::tui::fuzzy::Query;
use crate::tui::rows::row::Row;

/// Name of a node among its siblings.
pub type Key = Arc<str>;

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name among its siblings.
    pub key: Key,
    /// Whether it is open unless somebody said otherwise.
    pub open: bool,
    /// What it shows.
    pub row: Arc<Row>,
    /// What is below it.
    pub children: Vec<Node>,
}

impl Node {
    /// Makes a node without children.
    #[must_use]
    pub fn leaf(key: impl Into<Key>, row: Row) -> Self {
        Self {
            key: key.into(),
            open: false,
            row: Arc::new(row),
            children: Vec::new(),
        }
    }
    /// Puts nodes below it.
    #[must_use]
    pub fn with(mut self, open: bool, children: Vec<Self>) -> Self {
        self.open = open;
        self.children = children;
        self
    }
}

/// A node that can be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Visible {
    /// Keys from the root to it.
    pub path: Vec<Key>,
    /// Whether it has children.
    pub parent: bool,
    /// Whether they are shown.
    pub open: bool,
    /// What it shows.
    pub row: Arc<Row>,
}

/// A tree on the screen.
#[derive(Clone, Debug, Default)]
pub struct Pane {
    /// The nodes the filter leaves over.
    nodes: Vec<Node>,
    all: Vec<Node>,
    folds: BTreeMap<Vec<Key>, bool>,
    selected: Vec<Key>,
    /// The row to go to as soon as it is there.
    wished: Option<Vec<Key>>,
    cursor: usize,
    /// The first row shown, as far as the cursor and the room allow.
    first: usize,
    filter: String,
    rows: Vec<Visible>,
    revision: u64,
}

impl Pane {
    /// Takes newly computed nodes; the cursor stays on its node, or else on its line.
    pub fn replace(&mut self, nodes: Vec<Node>) {
        if self.all == nodes {
            return;
        }
        self.all = nodes;
        self.refilter();
    }

    /// Returns the nodes to draw.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
    /// Returns the nodes that can be seen, from top to bottom.
    #[must_use]
    pub fn rows(&self) -> &[Visible] {
        &self.rows
    }
    /// Returns the rows that match the filter themselves; those shown only for what is above or below them are left out.
    pub fn matching(&self) -> impl Iterator<Item = &Visible> {
        let mut query = (!self.filter.is_empty()).then(|| Query::new(&self.filter));
        self.rows.iter().filter(move |visible| match &mut query {
            Some(query) => query.score(&visible.row.label).is_some(),
            None => true,
        })
    }
    /// Returns the path of the chosen node; empty when there is none.
    #[must_use]
    pub fn selected(&self) -> &[Key] {
        &self.selected
    }
    /// Returns the chosen node.
    #[must_use]
    pub fn current(&self) -> Option<&Visible> {
        self.rows.get(self.cursor)
    }
    /// Returns the number of the chosen row.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor
    }
    /// Returns the number of the first row shown where there is room for so many: the cursor is always seen, and no
    /// room is left empty while rows are left out.
    #[must_use]
    pub fn first(&self, height: usize) -> usize {
        let least = (self.cursor + 1).saturating_sub(height);
        let most = self.rows.len().saturating_sub(height);
        self.first.min(self.cursor).min(most).max(least)
    }
    /// Remembers the first row shown.
    pub fn settle(&mut self, height: usize) {
        self.first = self.first(height);
    }
    /// Moves what is shown by so many rows; the cursor stays where it is as long as it is seen.
    pub fn scroll(&mut self, rows: isize, height: usize) {
        let most = self.rows.len().saturating_sub(height);
        let first = self.first(height).saturating_add_signed(rows).min(most);
        let last = (first + height).saturating_sub(1).max(first);
        self.go(self.cursor.clamp(first, last));
        self.first = first;
        self.revision += 1;
    }
    /// Moves the cursor to a row by its number.
    pub fn go_to_row(&mut self, index: usize) {
        self.go(index.min(self.rows.len().saturating_sub(1)));
    }
    /// Moves the cursor to the first row that fits, wherever it is: opens what it is in, and clears the
    /// filter that hides it.
    pub fn reveal(&mut self, fits: impl Fn(&Row) -> bool) -> bool {
        let mut path = Vec::new();
        let in_sight = find(&self.nodes, &fits, &mut path);
        if !in_sight && !find(&self.all, &fits, &mut path) {
            return false;
        }
        for depth in 1..path.len() {
            let above = path.iter().take(depth).cloned().collect();
            self.folds.insert(above, true);
        }
        if !in_sight {
            self.filter.clear();
        }
        self.selected = path;
        self.refilter();
        true
    }
    /// Returns what narrows the tree.
    #[must_use]
    pub fn filter(&self) -> &str {
        &self.filter
    }
    /// Returns the rows that were opened (`true`) or closed by hand.
    pub fn folds(&self) -> impl Iterator<Item = (&[Key], bool)> {
        self.folds.iter().map(|(path, open)| (&**path, *open))
    }
    /// Returns the row to come back to: the chosen one, or the one that is still waited for.
    #[must_use]
    pub fn at(&self) -> &[Key] {
        self.wished.as_deref().unwrap_or(&self.selected)
    }
    /// Takes over how the tree was left; rows that are not there are passed over once they are known.
    pub fn enter(&mut self, filter: String, selected: Vec<Key>, folds: BTreeMap<Vec<Key>, bool>) {
        self.filter = filter;
        self.wished = (!selected.is_empty()).then_some(selected);
        self.folds = folds;
        self.refilter();
    }
    /// Counts up with everything that changes what is drawn.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Narrows the tree.
    pub fn set_filter(&mut self, filter: String) {
        if self.filter != filter {
            self.filter = filter;
            self.refilter();
        }
    }

    /// Moves the cursor by so many rows.
    pub fn step(&mut self, rows: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.go(self.cursor.saturating_add_signed(rows).min(last));
    }
    /// Moves the cursor to the first row.
    pub fn top(&mut self) {
        self.go(0);
    }
    /// Moves the cursor to the last row.
    pub fn bottom(&mut self) {
        self.go(self.rows.len().saturating_sub(1));
    }
    /// Moves the cursor to the first row that fits; opens nothing.
    pub fn go_to(&mut self, fits: impl Fn(&Row) -> bool) -> bool {
        match self.rows.iter().position(|visible| fits(&visible.row)) {
            Some(index) => {
                self.go(index);
                true
            }
            None => false,
        }
    }
    fn go(&mut self, index: usize) {
        if let Some(row) = self.rows.get(index) {
            if self.selected != row.path {
                self.revision += 1;
            }
            self.selected.clone_from(&row.path);
            self.wished = None;
            self.cursor = index;
        }
    }

    /// Opens the chosen node; returns whether that changed anything.
    pub fn unfold(&mut self) -> bool {
        self.fold_selected(true)
    }
    /// Closes the chosen node, or goes to its parent.
    pub fn fold(&mut self) {
        if self.fold_selected(false) {
            return;
        }
        if let Some((_, parent)) = self.selected.split_last()
            && let Some(index) = self.rows.iter().position(|row| row.path == parent)
        {
            self.go(index);
        }
    }
    /// Opens or closes the chosen node.
    pub fn toggle(&mut self) {
        let open = self.current().is_some_and(|row| row.open);
        self.fold_selected(!open);
    }
    /// Opens or closes every node.
    pub fn fold_all(&mut self, open: bool) {
        let mut paths = Vec::new();
        collect_parents(&self.all, &mut Vec::new(), &mut paths);
        self.folds = paths.into_iter().map(|path| (path, open)).collect();
        self.flatten();
    }
    fn fold_selected(&mut self, open: bool) -> bool {
        match self.current() {
            Some(row) if row.parent && row.open != open => {
                self.folds.insert(row.path.clone(), open);
                self.flatten();
                true
            }
            _ => false,
        }
    }

    fn refilter(&mut self) {
        self.nodes = if self.filter.is_empty() {
            self.all.clone()
        } else {
            narrow(&self.all, &mut Query::new(&self.filter))
        };
        self.flatten();
    }

    fn flatten(&mut self) {
        self.revision += 1;
        let mut rows = Vec::new();
        let everything = !self.filter.is_empty();
        flatten_into(
            &self.nodes,
            &self.folds,
            everything,
            &mut Vec::new(),
            &mut rows,
        );
        self.rows = rows;
        if let Some(wished) = &self.wished
            && self.rows.iter().any(|row| row.path == *wished)
        {
            self.selected.clone_from(wished);
            self.wished = None;
        }
        if let Some(index) = self.rows.iter().position(|row| row.path == self.selected) {
            self.cursor = index;
        } else {
            self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
            self.selected = self
                .rows
                .get(self.cursor)
                .map_or_else(Vec::new, |row| row.path.clone());
        }
    }

    /// Returns the paths of all open nodes that can be seen, for the widget.
    #[must_use]
    pub fn opened(&self) -> BTreeSet<Vec<Key>> {
        self.rows
            .iter()
            .filter(|row| row.parent && row.open)
            .map(|row| row.path.clone())
            .collect()
    }
}

fn flatten_into(
    nodes: &[Node],
    folds: &BTreeMap<Vec<Key>, bool>,
    everything: bool,
    path: &mut Vec<Key>,
    rows: &mut Vec<Visible>,
) {
    for node in nodes {
        path.push(node.key.clone());
        let parent = !node.children.is_empty();
        let open = parent && (everything || folds.get(path).copied().unwrap_or(node.open));
        rows.push(Visible {
            path: path.clone(),
            parent,
            open,
            row: node.row.clone(),
        });
        if open {
            flatten_into(&node.children, folds, everything, path, rows);
        }
        path.pop();
    }
}

/// Finds the way to the first node that fits.
fn find(nodes: &[Node], fits: &impl Fn(&Row) -> bool, path: &mut Vec<Key>) -> bool {
    for node in nodes {
        path.push(node.key.clone());
        if fits(&node.row) || find(&node.children, fits, path) {
            return true;
        }
        path.pop();
    }
    false
}

fn collect_parents(nodes: &[Node], path: &mut Vec<Key>, paths: &mut Vec<Vec<Key>>) {
    for node in nodes.iter().filter(|node| !node.children.is_empty()) {
        path.push(node.key.clone());
        paths.push(path.clone());
        collect_parents(&node.children, path, paths);
        path.pop();
    }
}

/// Keeps the nodes that match with everything below them, and the way to those that match further down.
fn narrow(nodes: &[Node], query: &mut Query) -> Vec<Node> {
    let mut kept = Vec::new();
    for node in nodes {
        let mut copy = Node {
            children: narrow(&node.children, query),
            ..node.clone()
        };
        let matches = query.score(&node.row.label).is_some();
        if matches && copy.children.is_empty() {
            copy.children.clone_from(&node.children);
            copy.open = false;
        }
        if matches || !copy.children.is_empty() {
            kept.push(copy);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, children: Vec<Node>) -> Node {
        let row = Row {
            label: name.to_owned(),
            ..Row::default()
        };
        Node::leaf(name, row).with(true, children)
    }

    fn pane() -> Pane {
        let mut pane = Pane::default();
        pane.replace(vec![
            node("web", vec![node("api", vec![node("db", vec![])])]),
            node("worker", vec![node("queue", vec![])]),
        ]);
        pane
    }

    fn names(pane: &Pane) -> Vec<&str> {
        pane.rows()
            .iter()
            .map(|row| row.row.label.as_str())
            .collect()
    }

    #[test]
    fn folding_hides_what_is_below_and_the_cursor_goes_to_the_parent() {
        let mut pane = pane();
        assert_eq!(names(&pane), ["web", "api", "db", "worker", "queue"]);
        pane.step(2);
        pane.fold();
        assert_eq!(
            pane.current().map(|row| row.row.label.as_str()),
            Some("api")
        );
        pane.fold();
        assert_eq!(names(&pane), ["web", "api", "worker", "queue"]);
        assert!(pane.unfold());
        assert_eq!(names(&pane).len(), 5);
    }

    #[test]
    fn the_cursor_stays_on_its_node_when_rows_come_and_go() {
        let mut pane = pane();
        pane.step(3);
        pane.replace(vec![
            node("new", vec![]),
            node("worker", vec![node("queue", vec![])]),
        ]);
        assert_eq!(
            pane.current().map(|row| row.row.label.as_str()),
            Some("worker")
        );
        pane.replace(vec![node("only", vec![])]);
        assert_eq!(
            pane.current().map(|row| row.row.label.as_str()),
            Some("only")
        );
        pane.replace(vec![]);
        assert_eq!(pane.current(), None);
        pane.step(1);
    }

    #[test]
    fn the_cursor_is_always_seen_and_no_room_is_left_empty() {
        let mut pane = Pane::default();
        pane.replace((0..20).map(|n| node(&n.to_string(), vec![])).collect());
        assert_eq!(pane.first(5), 0);
        pane.step(7);
        assert_eq!(pane.first(5), 3);
        pane.settle(5);
        pane.step(-3);
        assert_eq!(pane.first(5), 3);
        pane.step(-2);
        assert_eq!(pane.first(5), 2);
        pane.bottom();
        pane.settle(5);
        assert_eq!((pane.first(5), pane.first(12), pane.first(40)), (15, 8, 0));
        pane.scroll(-4, 5);
        assert_eq!((pane.first(5), pane.cursor()), (11, 15));
        pane.scroll(100, 5);
        assert_eq!((pane.first(5), pane.cursor()), (15, 15));
        pane.scroll(-100, 5);
        assert_eq!((pane.first(5), pane.cursor()), (0, 4));
    }

    #[test]
    fn what_is_looked_for_is_shown_even_where_it_is_folded_or_filtered_away() {
        let mut pane = pane();
        pane.fold_all(false);
        pane.set_filter("queue".into());
        assert!(pane.reveal(|row| row.label == "db"));
        assert_eq!(pane.current().map(|row| row.row.label.as_str()), Some("db"));
        assert!(!pane.reveal(|row| row.label == "nothing"));
    }

    #[test]
    fn what_is_looked_for_is_opened() {
        let mut pane = pane();
        pane.fold_all(false);
        assert_eq!(names(&pane), ["web", "worker"]);
        assert!(pane.reveal(|row| row.label == "db"));
        assert_eq!(pane.current().map(|row| row.row.label.as_str()), Some("db"));
        assert_eq!(names(&pane), ["web", "api", "db", "worker"]);
        assert!(!pane.reveal(|row| row.label == "gone"));
    }

    #[test]
    fn the_filter_keeps_the_way_to_what_matches() {
        let mut pane = pane();
        pane.set_filter("db".into());
        assert_eq!(names(&pane), ["web", "api", "db"]);
        pane.set_filter(String::new());
        assert_eq!(names(&pane).len(), 5);
    }

    #[test]
    fn what_somebody_folded_stays_folded_when_the_default_changes() {
        let mut pane = pane();
        pane.toggle();
        assert_eq!(names(&pane), ["web", "worker", "queue"]);
        let mut nodes = vec![node("web", vec![node("api", vec![])])];
        nodes[0].open = false;
        pane.replace(nodes);
        assert_eq!(names(&pane), ["web"]);
    }
}

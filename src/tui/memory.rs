//! How a room is left, as a plain value, so that it can be entered the same way again.
//!
//! What is remembered only looks: area, folds, filters, chosen rows, splits, shapes, and a few settings by name. Never
//! a mark, never what lies above an area, never anything that acts. The text has one fact a line, words are separated
//! by tabs; a line nobody knows is passed over, so that an older panel can read what a newer one wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::tui::keymap::names::{action_id, action_of};
use crate::tui::logs::reader::Times;
use crate::tui::model::{Area, Model, RunAs, ServicesAs};

/// First line of the text; another version is not read.
const HEAD: &str = "nkapp memory 1";
/// Most bytes of the text.
pub const LIMIT: usize = 64 * 1024;
/// Most folds that are kept of one area.
const FOLDS: usize = 500;
/// Longest filter that is kept, in characters.
const FILTER: usize = 200;

/// How the tree of an area was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// What narrowed it.
    pub filter: String,
    /// The chosen row.
    pub selected: Vec<String>,
    /// Rows that were opened or closed by hand.
    pub folds: Vec<(Vec<String>, bool)>,
}

/// How a room was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The area on show.
    pub area: Area,
    /// The shape of the services.
    pub services_as: ServicesAs,
    /// The shape of a run.
    pub run_as: RunAs,
    /// Trees by area.
    pub trees: BTreeMap<Area, Left>,
    /// How much of the room the list of an area has.
    pub splits: BTreeMap<Area, u16>,
    /// Settings by name, such as the theme.
    pub settings: BTreeMap<String, String>,
}

/// Why a text is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// It is too long.
    #[error("it is too long")]
    Long,
    /// It does not begin as it should.
    #[error("it is of another version, or damaged")]
    Head,
}

/// Reads from a room how it is left.
#[must_use]
pub fn of(model: &Model) -> Memory {
    let mut memory = Memory {
        area: model.area,
        services_as: model.services_as,
        run_as: model.run_as,
        splits: model.splits.clone(),
        settings: settings(model),
        ..Memory::default()
    };
    for (area, pane) in &model.panes {
        let words = |path: &[crate::tui::tree::Key]| {
            path.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let left = Left {
            filter: pane.filter().chars().take(FILTER).collect(),
            selected: words(pane.at()),
            folds: pane
                .folds()
                .take(FOLDS)
                .map(|(path, open)| (words(path), open))
                .collect(),
        };
        if left != Left::default() {
            memory.trees.insert(*area, left);
        }
    }
    memory
}

/// Enters a room as it was left.
pub fn restore(model: &mut Model, memory: &Memory) {
    model.services_as = memory.services_as;
    model.run_as = memory.run_as;
    model.splits.clone_from(&memory.splits);
    for (name, value) in &memory.settings {
        set(model, name, value);
    }
    for (area, left) in &memory.trees {
        let path = |words: &[String]| words.iter().map(|word| word.as_str().into()).collect();
        let folds = left.folds.iter().map(|(words, open)| (path(words), *open));
        model.panes.entry(*area).or_default().enter(
            left.filter.clone(),
            path(&left.selected),
            folds.collect(),
        );
    }
    model.go(memory.area);
}

/// Reads the settings of a room that are remembered by name.
fn settings(model: &Model) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    if model.theme_name != "terminal" {
        settings.insert("theme".to_owned(), model.theme_name.clone());
    }
    if model.output.reader.wrap {
        settings.insert("wrap".to_owned(), "on".to_owned());
    }
    let times = match model.output.reader.times {
        Times::Off => None,
        Times::Day => Some("day"),
        Times::Since => Some("since"),
    };
    settings.extend(times.map(|times| ("times".to_owned(), times.to_owned())));
    if !model.hand.recent.is_empty() {
        let recent: Vec<String> = model.hand.recent.iter().map(|a| action_id(*a)).collect();
        settings.insert("recent".to_owned(), recent.join(" "));
    }
    settings
}

/// Takes over one of them; a name or value that is not known changes nothing.
fn set(model: &mut Model, name: &str, value: &str) {
    match (name, value) {
        ("theme", theme) => {
            model.set_theme(theme);
        }
        ("wrap", "on") => model.output.reader.wrap = true,
        ("times", "day") => model.output.reader.times = Times::Day,
        ("times", "since") => model.output.reader.times = Times::Since,
        ("recent", ids) => ids
            .split(' ')
            .rev()
            .filter_map(action_of)
            .for_each(|action| model.hand.took(action)),
        _ => {}
    }
}

impl Memory {
    /// Writes it as text of at most [`LIMIT`] bytes; folds are the first to be left out.
    #[must_use]
    pub fn to_text(&self) -> String {
        let whole = self.text(true);
        if whole.len() <= LIMIT {
            return whole;
        }
        let text = self.text(false);
        if text.len() <= LIMIT {
            text
        } else {
            format!("{HEAD}\narea\t{}\n", self.area.title())
        }
    }

    fn text(&self, folds: bool) -> String {
        let mut text = format!("{HEAD}\n");
        line(&mut text, "area", [self.area.title()]);
        if self.services_as == ServicesAs::Graph {
            line(&mut text, "services", ["graph"]);
        }
        if self.run_as == RunAs::Timeline {
            line(&mut text, "run", ["timeline"]);
        }
        for (area, share) in &self.splits {
            line(&mut text, "split", [area.title(), &share.to_string()]);
        }
        for (name, value) in &self.settings {
            line(&mut text, "set", [name.as_str(), value]);
        }
        for (area, left) in &self.trees {
            if !left.filter.is_empty() {
                line(&mut text, "filter", [area.title(), &left.filter]);
            }
            let words = |path: &[String]| path.to_vec();
            if !left.selected.is_empty() {
                let row = [vec![area.title().to_owned()], words(&left.selected)].concat();
                line(&mut text, "row", row.iter().map(String::as_str));
            }
            for (path, open) in left.folds.iter().filter(|_| folds) {
                let word = if *open { "open" } else { "closed" };
                let fold = [vec![area.title().to_owned()], words(path)].concat();
                line(&mut text, word, fold.iter().map(String::as_str));
            }
        }
        text
    }

    /// Reads the text.
    ///
    /// # Errors
    /// It is too long, or not ours.
    pub fn from_text(text: &str) -> Result<Self, MemoryError> {
        if text.len() > LIMIT {
            return Err(MemoryError::Long);
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(MemoryError::Head);
        }
        let mut memory = Self::default();
        for line in lines {
            let words: Vec<String> = line.split('\t').map(plain).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            // A line that cannot be read loses what it says and nothing else.
            let _ = memory.take(&words);
        }
        Ok(memory)
    }

    fn take(&mut self, words: &[&str]) -> Option<()> {
        let (word, rest) = words.split_first()?;
        let area = || named(rest.first()?);
        let path = || -> Vec<String> { rest.iter().skip(1).map(ToString::to_string).collect() };
        match *word {
            "area" => self.area = area()?,
            "services" if rest == ["graph"] => self.services_as = ServicesAs::Graph,
            "run" if rest == ["timeline"] => self.run_as = RunAs::Timeline,
            "split" => {
                let share: u16 = rest.get(1)?.parse().ok()?;
                if (1..=99).contains(&share) {
                    self.splits.insert(area()?, share);
                }
            }
            "set" => {
                let value = (*rest.get(1)?).to_owned();
                self.settings.insert((*rest.first()?).to_owned(), value);
            }
            "filter" => {
                let filter = rest.get(1)?.chars().filter(|c| !c.is_control());
                self.trees.entry(area()?).or_default().filter = filter.take(FILTER).collect();
            }
            "row" => self.trees.entry(area()?).or_default().selected = path(),
            "open" | "closed" => {
                let folds = &mut self.trees.entry(area()?).or_default().folds;
                if folds.len() < FOLDS {
                    folds.push((path(), *word == "open"));
                }
            }
            _ => {}
        }
        Some(())
    }
}

fn named(title: &str) -> Option<Area> {
    Area::ALL.into_iter().find(|area| area.title() == title)
}

fn line<'a>(text: &mut String, word: &str, rest: impl IntoIterator<Item = &'a str>) {
    text.push_str(word);
    for word in rest {
        let _ = write!(text, "\t{}", safe(word));
    }
    text.push('\n');
}

/// Writes a word without what separates words and lines.
fn safe(word: &str) -> String {
    let mut safe = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '\\' => safe.push_str(r"\\"),
            '\t' => safe.push_str(r"\t"),
            '\n' => safe.push_str(r"\n"),
            '\r' => safe.push_str(r"\r"),
            c => safe.push(c),
        }
    }
    safe
}

/// Reads a word that [`safe`] wrote.
fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let path = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        Memory {
            area: Area::Drift,
            services_as: ServicesAs::Graph,
            run_as: RunAs::Timeline,
            trees: [(
                Area::Plan,
                Left {
                    filter: "a\\b c ü".into(),
                    selected: path(&["service.api", "line\nbreak"]),
                    folds: vec![(path(&["x"]), true), (path(&["x", ""]), false)],
                },
            )]
            .into(),
            splits: [(Area::Run, 40)].into(),
            settings: [("theme".to_owned(), "light".to_owned())].into(),
        }
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        assert_eq!(Memory::from_text(&memory().to_text()), Ok(memory()));
        let empty = Memory::default();
        assert_eq!(Memory::from_text(&empty.to_text()), Ok(empty));
    }

    #[test]
    fn what_is_damaged_is_told_from_what_is_only_unknown() {
        assert_eq!(Memory::from_text(""), Err(MemoryError::Head));
        assert_eq!(
            Memory::from_text("nkapp memory 2\narea\tPlan\n"),
            Err(MemoryError::Head)
        );
        assert_eq!(
            Memory::from_text(&"x".repeat(LIMIT + 1)),
            Err(MemoryError::Long)
        );
        let odd = format!("{HEAD}\n\nwhat\t1\narea\tMoon\nsplit\tRun\t200\nopen\narea\tPlan\\\n");
        let read = Memory::from_text(&odd).expect("read");
        assert_eq!(
            read,
            Memory {
                area: Area::Plan,
                ..Memory::default()
            }
        );
    }

    #[test]
    fn it_never_grows_past_its_limit() {
        let mut long = memory();
        let folds = (0..FOLDS).map(|n| (vec!["k".repeat(400), n.to_string()], true));
        for area in Area::ALL {
            long.trees.entry(area).or_default().folds = folds.clone().collect();
        }
        let text = long.to_text();
        assert!(text.len() <= LIMIT);
        let read = Memory::from_text(&text).expect("read");
        assert_eq!(read.area, Area::Drift);
        assert_eq!(read.trees[&Area::Plan].filter, "a\\b c ü");
    }
}

//! What one box of the graph says, and how its frame looks; as many facts as it has lines for.

use std::time::Duration;

use crate::domain::ids::Address;
use crate::domain::plan::model::Action;
use crate::domain::report::Usual;
use crate::domain::time::Wall;
use crate::present::human::duration;
use crate::tui::downtime::{self, Downtime};
use crate::tui::fate::Fate;
use crate::tui::graph::drawing::{Class, Flow, Spot};
use crate::tui::rows::facts::Facts;
use crate::tui::rows::row::{Cell, Timer};
use crate::tui::theme::Tone;
use crate::tui::view::tree::MARK;
use crate::tui::words::{between, cut, cut_middle, pad, ticking, width};

/// Signs of a frame: corners from the upper left clockwise, level, upright.
const LIGHT: [&str; 6] = ["┌", "┐", "┘", "└", "─", "│"];
const HEAVY: [&str; 6] = ["┏", "┓", "┛", "┗", "━", "┃"];
const DASHED: [&str; 6] = ["┌", "┐", "┘", "└", "╌", "╎"];

/// A text of several tones.
pub type Pieces = Vec<(String, Tone)>;

/// What a box is about.
pub struct Subject<'a> {
    /// The resource.
    pub address: &'a Address,
    /// What is known about it.
    pub facts: &'a Facts,
    /// What the plan does with it, when that is shown.
    pub action: Option<&'a Action>,
    /// Whether it is shown as the plan leaves it.
    pub after: bool,
    /// How many instances the file asks for.
    pub wanted: Option<u32>,
    /// How long steps usually take.
    pub usual: Option<&'a Usual>,
    /// For running times.
    pub now: Wall,
    /// Whether it is the chosen one.
    pub chosen: bool,
    /// Whether the cursor is in the graph.
    pub focused: bool,
    /// Whether the filter does not match it.
    pub dimmed: bool,
    /// Whether it is marked.
    pub marked: bool,
}

/// A box in words.
pub struct Says {
    /// Lines from top to bottom.
    pub lines: Vec<Pieces>,
    /// Signs of the frame.
    pub frame: Option<[&'static str; 6]>,
    /// Whether the frame is heavy.
    pub heavy: bool,
    /// What the frame means.
    pub tone: Tone,
}

/// Writes a box of a size.
#[must_use]
pub fn write(subject: &Subject<'_>, class: Class, flow: Flow, spot: &Spot) -> Says {
    let margin = if class.framed() { 4 } else { 2 };
    let room = usize::try_from(spot.w - margin).unwrap_or(0);
    let mut lines = match class {
        Class::Full => vec![subject.head(room), subject.middle(room), subject.foot(room)],
        Class::Medium => vec![subject.head(room), subject.both(room)],
        Class::Small | Class::Dense => vec![subject.single(room)],
    };
    let spare = usize::try_from(spot.h - if class.framed() { 2 } else { 0 }).unwrap_or(0);
    if class == Class::Medium && spare > 2 {
        lines = vec![subject.head(room), subject.middle(room), subject.foot(room)];
    } else if class == Class::Small && spare > 1 {
        lines = vec![subject.head(room), subject.both(room)];
    }
    if subject.dimmed {
        for (_, tone) in lines.iter_mut().flatten() {
            *tone = match tone {
                Tone::Selected | Tone::SelectedAway => *tone,
                _ => Tone::Dim,
            };
        }
    }
    // A line that comes from above meets a name in the middle.
    if class == Class::Dense && flow == Flow::Down {
        center(&mut lines, room);
    }
    // Among the lines that come in, a single line stands in the middle.
    if class == Class::Dense {
        let above = spare.saturating_sub(1) / 2;
        lines.splice(0..0, std::iter::repeat_n(Pieces::new(), above));
    }
    let dashed = match subject.after {
        true => subject.facts.fate == Fate::Delete,
        false => subject.facts.absent,
    };
    let frame = match (subject.chosen, dashed) {
        (true, _) => HEAVY,
        (false, true) => DASHED,
        (false, false) => LIGHT,
    };
    Says {
        lines,
        frame: Some(frame),
        heavy: subject.chosen,
        tone: subject.frame_tone(),
    }
}

fn center(lines: &mut [Pieces], room: usize) {
    for line in lines {
        let used: usize = line.iter().map(|(text, _)| width(text.trim_end())).sum();
        if let Some((text, _)) = line.last_mut() {
            *text = text.trim_end().to_owned();
        }
        let before = room.saturating_sub(used) / 2;
        line.insert(0, (" ".repeat(before), Tone::Text));
    }
}

impl Subject<'_> {
    fn frame_tone(&self) -> Tone {
        let own = match self.after {
            true => self.facts.fate.tone(),
            false => self.facts.symbol.tone,
        };
        match own {
            _ if self.dimmed => Tone::Frame,
            _ if self.chosen && self.focused => Tone::FrameFocus,
            Tone::Fail | Tone::Busy | Tone::Added | Tone::Changed | Tone::Warn | Tone::Removed => {
                own
            }
            _ => Tone::Frame,
        }
    }

    fn symbol(&self) -> Cell {
        match (self.after, self.facts.fate.symbol()) {
            (true, "") => Cell::new("•", Tone::Dim),
            (true, symbol) => Cell::new(symbol, self.facts.fate.tone()),
            (false, _) => self.facts.symbol.clone(),
        }
    }

    fn count(&self) -> Cell {
        match (self.after, &self.facts.fate, self.wanted) {
            (false, ..) => self.facts.instances.clone(),
            (true, Fate::Delete, _) | (true, _, None) => Cell::default(),
            (true, _, Some(wanted)) => Cell::new(format!("{wanted}/{wanted}"), Tone::Text),
        }
    }

    /// Symbol, mark and name, and something at the right end.
    fn line(&self, room: usize, right: &[Cell]) -> Pieces {
        let symbol = self.symbol();
        let mut pieces = vec![(format!("{} ", symbol.text), symbol.tone)];
        if self.marked {
            pieces.push((format!("{MARK} "), Tone::Key));
        }
        let tone = match (self.chosen, self.focused) {
            (true, true) => Tone::Selected,
            (true, false) => Tone::SelectedAway,
            (false, _) if self.after && self.facts.fate == Fate::Keep => Tone::Text,
            (false, _) => Tone::Title,
        };
        let right: Vec<&Cell> = right.iter().filter(|cell| !cell.text.is_empty()).collect();
        let taken: usize = right.iter().map(|cell| width(&cell.text) + 1).sum();
        let used: usize = pieces.iter().map(|(text, _)| width(text)).sum();
        let free = room.saturating_sub(used + taken);
        let name = cut_middle(&self.address.name, free);
        let rest = free.saturating_sub(width(&name));
        pieces.push((name, tone));
        pieces.push((" ".repeat(rest), Tone::Text));
        for cell in right {
            pieces.push((format!(" {}", cell.text), cell.tone));
        }
        pieces
    }

    fn head(&self, room: usize) -> Pieces {
        self.line(room, &[self.count()])
    }

    /// How it stands; in a run, what goes on or what it waits for.
    fn middle(&self, room: usize) -> Pieces {
        if self.after {
            let why = self
                .facts
                .fate
                .because()
                .map(|why| Cell::new(why, Tone::Warn));
            let mut cells = vec![(self.facts.fate.outcome(), 2)];
            cells.extend(why.map(|why| (why, 1)));
            return fitted(cells, room);
        }
        if let Some((text, timer)) = self.doing() {
            return timed(&text, timer, room, self.now);
        }
        fitted(self.standing(), room)
    }

    /// What is pending; for how long it usually waits; how long it would be down.
    fn foot(&self, room: usize) -> Pieces {
        if self.after {
            return fitted(vec![(self.downtime(), 1)], room);
        }
        if let Some(blocked) = &self.facts.blocked {
            let through = blocked.through.as_ref();
            let cells = vec![
                (Cell::new(blocked.gate(), Tone::Warn), 3),
                (usually(blocked.usual), 2),
                (
                    Cell::new(
                        through.map_or(String::new(), |t| format!("through {}", t.name)),
                        Tone::Dim,
                    ),
                    1,
                ),
            ];
            return fitted(cells, room);
        }
        if let Some(step) = &self.facts.step {
            let progress = step.progress.clone().unwrap_or_default();
            let cells = vec![
                (Cell::new(progress, Tone::Busy), 2),
                (usually(step.usual), 1),
            ];
            return fitted(cells, room);
        }
        fitted(self.plans(), room)
    }

    /// Both of these in one line.
    fn both(&self, room: usize) -> Pieces {
        if self.after {
            let mut cells = vec![(self.facts.fate.outcome(), 3), (self.downtime(), 2)];
            if let Some(why) = self.facts.fate.because() {
                cells.push((Cell::new(why, Tone::Warn), 1));
            }
            return fitted(cells, room);
        }
        if self.doing().is_some() {
            return self.middle(room);
        }
        let mut cells = self.standing();
        cells.extend(self.plans());
        fitted(cells, room)
    }

    /// Everything in one line.
    fn single(&self, room: usize) -> Pieces {
        let fate = &self.facts.fate;
        if self.after {
            let word = match fate {
                Fate::Keep => Cell::default(),
                _ => fate.outcome(),
            };
            return self.line(room, &[word]);
        }
        if let Some((_, timer)) = self.doing() {
            let time = Cell::new(time_of(timer, self.now), Tone::Dim);
            let waits = match &self.facts.blocked {
                Some(_) => Cell::new("waits", Tone::Warn),
                None => Cell::default(),
            };
            // The name comes before anything else.
            let own = width(&self.address.name) + if self.marked { 4 } else { 2 };
            let (long, short) = (width(&waits.text) + 1, width(&time.text) + 1);
            let right = match room.saturating_sub(own) {
                free if free >= long + short => vec![waits, time],
                free if free >= long && self.facts.blocked.is_some() => vec![waits],
                free if free >= short => vec![time],
                _ => Vec::new(),
            };
            return self.line(room, &right);
        }
        let drift = match self.facts.drifted {
            true => Cell::new("⇄", Tone::Drift),
            false => Cell::default(),
        };
        self.line(
            room,
            &[self.count(), Cell::new(fate.symbol(), fate.tone()), drift],
        )
    }

    /// What goes on in it, or whom it waits for.
    fn doing(&self) -> Option<(Cell, Option<Timer>)> {
        if let Some(blocked) = &self.facts.blocked {
            let text = format!("waits for {}", blocked.place());
            return Some((Cell::new(text, Tone::Warn), blocked.since.map(Timer::Since)));
        }
        let step = self.facts.step.as_ref()?;
        let cell = Cell::new(step.name.clone(), Tone::Busy);
        Some((cell, step.since.map(Timer::Since)))
    }

    fn standing(&self) -> Vec<(Cell, u8)> {
        let bad = matches!(self.facts.health.tone, Tone::Fail | Tone::Busy);
        let mut cells = vec![
            (self.facts.word.clone(), 2),
            (self.facts.health.clone(), if bad { 5 } else { 1 }),
        ];
        if !self.facts.in_file {
            cells.push((Cell::new("not in the file", Tone::Warn), 4));
        }
        cells
    }

    fn plans(&self) -> Vec<(Cell, u8)> {
        let mut cells = vec![(self.facts.fate.pending(), 6)];
        if self.facts.drifted {
            cells.push((Cell::new("⇄ drift", Tone::Drift), 7));
        }
        if let Some(why) = self.facts.fate.because() {
            cells.push((Cell::new(why, Tone::Warn), 3));
        }
        cells
    }

    fn downtime(&self) -> Cell {
        let found = self.action.map(|action| downtime::of(action, self.usual));
        let words = found.and_then(|found| match found {
            Downtime::None | Downtime::New => None,
            Downtime::While(None) => Some("down meanwhile".to_owned()),
            Downtime::While(Some(time)) => Some(format!("down about {}", duration(time))),
            Downtime::Gone => Some("down for good".to_owned()),
        });
        let words = words.map(|words| Cell::new(words, Tone::Warn));
        match (words, &self.facts.fate) {
            (Some(words), _) => words,
            (None, Fate::Update | Fate::Start | Fate::Replace { .. } | Fate::Restart { .. }) => {
                Cell::new("no downtime", Tone::Dim)
            }
            (None, Fate::Keep | Fate::Create | Fate::Note | Fate::Delete) => Cell::default(),
        }
    }
}

/// Writes as many cells as there is room for; the least important go first.
fn fitted(mut cells: Vec<(Cell, u8)>, room: usize) -> Pieces {
    cells.retain(|(cell, _)| !cell.text.is_empty());
    let needed = |cells: &[(Cell, u8)]| {
        let words: usize = cells.iter().map(|(cell, _)| width(&cell.text)).sum();
        words + 2 * cells.len().saturating_sub(1)
    };
    while cells.len() > 1 && needed(&cells) > room {
        let least = cells.iter().enumerate().min_by_key(|(_, (_, rank))| *rank);
        let Some((index, _)) = least else {
            break;
        };
        cells.remove(index);
    }
    let mut pieces = Pieces::new();
    for (cell, _) in cells {
        if !pieces.is_empty() {
            pieces.push(("  ".into(), Tone::Text));
        }
        pieces.push((cut(&cell.text, room), cell.tone));
    }
    pieces
}

/// Writes a text with a time at the right end.
fn timed(text: &Cell, timer: Option<Timer>, room: usize, now: Wall) -> Pieces {
    let time = time_of(timer, now);
    let free = room.saturating_sub(if time.is_empty() { 0 } else { width(&time) + 1 });
    vec![
        (pad(&text.text, free), text.tone),
        (
            if time.is_empty() {
                time
            } else {
                format!(" {time}")
            },
            Tone::Dim,
        ),
    ]
}

fn usually(time: Option<Duration>) -> Cell {
    let text = time.map_or_else(String::new, |time| format!("usually {}", duration(time)));
    Cell::new(text, Tone::Dim)
}

fn time_of(timer: Option<Timer>, now: Wall) -> String {
    match timer {
        None => String::new(),
        Some(Timer::Since(since)) => ticking(between(since, now)),
        Some(Timer::Took(from, to)) => duration(between(from, to)),
    }
}

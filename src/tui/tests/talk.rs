//! The language of the tests: `given(snapshot).keys("D y")`, then ask for effects and screens.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use crate::app::command::{Command, Ticket};
use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::time::Wall;
use crate::tui::effect::{Effect, Wish};
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::map::Keymap;
use crate::tui::model::{Area, Model, PanelOptions};
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::printed;
use crate::tui::tests::parts;
use crate::tui::update::route::update;
use crate::tui::view::screen::draw;

/// A panel under test, and what it asked for.
pub(super) struct Given {
    pub(super) model: Model,
    pub(super) effects: Vec<Effect>,
    keymap: Keymap,
    tickets: u64,
}

pub(super) fn given(snapshot: Snapshot) -> Given {
    given_with(parts::options(), snapshot)
}

pub(super) fn given_with(options: PanelOptions, snapshot: Snapshot) -> Given {
    let printed = printed(&snapshot);
    let mut model = Model::new(options, Arc::new(snapshot), parts::NOW);
    for event in &printed {
        model.output.take(event, 0);
    }
    Given {
        keymap: Keymap::clone(&model.setup.keymap),
        model,
        effects: Vec::new(),
        tickets: 0,
    }
}

impl Given {
    /// Passes a message on; sent commands get numbers as the runtime gives them.
    pub(super) fn tell(mut self, msg: Msg) -> Self {
        let effects = update(&mut self.model, msg, &self.keymap);
        for effect in effects {
            if let Effect::Send { wish, command } = &effect {
                // What is sampled is asked for by the way; tests count what was asked for by keys.
                let ticket = if by_the_way(command, *wish) {
                    Ticket(u64::MAX)
                } else {
                    self.tickets += 1;
                    Ticket(self.tickets)
                };
                let sent = Msg::Sent(*wish, Some(ticket));
                let more = update(&mut self.model, sent, &self.keymap);
                assert!(more.is_empty(), "{more:?}");
            }
            self.effects.push(effect);
        }
        self
    }
    /// Presses keys as a person does, two seconds apart.
    pub(super) fn keys(self, keys: &str) -> Self {
        keys.split(' ').fold(self, |given, key| {
            let later = Wall(given.model.now.0 + 2_000);
            given.tell(Msg::Tick(later)).key(key)
        })
    }
    /// Presses keys faster than a person can.
    pub(super) fn burst(self, keys: &str) -> Self {
        keys.split(' ').fold(self, Self::key)
    }
    fn key(self, key: &str) -> Self {
        let chord = Chord::parse(key).unwrap_or_else(|| panic!("no key: {key}"));
        self.tell(Msg::Key(chord))
    }
    /// Types a text, letter by letter.
    pub(super) fn types(self, text: &str) -> Self {
        text.chars().fold(self, |given, c| {
            let key = if c == ' ' {
                "Space".into()
            } else {
                c.to_string()
            };
            given.keys(&key)
        })
    }
    pub(super) fn hears(self, notice: Notice) -> Self {
        self.tell(Msg::Notice(Box::new(notice)))
    }
    pub(super) fn sees(self, snapshot: Snapshot) -> Self {
        self.tell(Msg::Snapshot(Arc::new(snapshot)))
    }
    pub(super) fn size(self, columns: u16, rows: u16) -> Self {
        self.tell(Msg::Resize(columns, rows))
    }
    pub(super) fn at(mut self, area: Area) -> Self {
        self.model.go(area);
        let effects = crate::tui::update::reading::settle(&mut self.model);
        self.effects.extend(effects);
        self
    }
    /// Forgets what was asked for so far.
    pub(super) fn then(mut self) -> Self {
        self.effects.clear();
        self
    }

    /// Names what was asked for, one word each, with what matters.
    pub(super) fn asked(&self) -> Vec<String> {
        let quiet = |effect: &&Effect| match effect {
            Effect::Send { command, wish } => !by_the_way(command, *wish),
            _ => true,
        };
        self.effects.iter().filter(quiet).map(say).collect()
    }
    /// Names the services whose use was asked for, one line for each change.
    pub(super) fn watched(&self) -> Vec<String> {
        let names = |effect: &Effect| match effect {
            Effect::Send {
                command: Command::Watch { services, .. },
                ..
            } => Some(services.iter().cloned().collect::<Vec<_>>().join(" ")),
            _ => None,
        };
        self.effects.iter().filter_map(names).collect()
    }
    /// Returns the number of the last command.
    pub(super) fn ticket(&self) -> Ticket {
        Ticket(self.tickets)
    }

    /// Draws the screen.
    pub(super) fn buffer(&self) -> Buffer {
        let (columns, rows) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("backend");
        terminal
            .draw(|frame| draw(frame, &self.model, &self.keymap))
            .expect("drawn");
        terminal.backend().buffer().clone()
    }
    /// Returns the screen as text.
    pub(super) fn screen(&self) -> String {
        text(&self.buffer())
    }
}

/// Returns a buffer as lines of text; the second cell of a wide letter is left out.
pub(super) fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut text = String::new();
    for y in 0..area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                line.push_str(symbol);
            }
            skip = crate::tui::words::width(symbol)
                .saturating_sub(1)
                .max(skip.max(1) - 1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Tells whether a command is sent by itself and not for a key: what is sampled, and a look at a silent holder.
fn by_the_way(command: &Command, wish: Wish) -> bool {
    matches!(command, Command::Watch { .. })
        || (wish == Wish::Quiet
            && matches!(command, Command::Lock { watch_for } if watch_for.is_zero()))
}

fn say(effect: &Effect) -> String {
    match effect {
        Effect::Send { command, .. } => match command {
            Command::Plan { request, save, .. } => {
                let targets: Vec<&str> = request.targets.iter().map(String::as_str).collect();
                let saved = if *save { ", saved" } else { "" };
                format!(
                    "plan {}{}{saved}",
                    request.purpose.as_str(),
                    bracketed(&targets)
                )
            }
            Command::Run {
                request,
                approved,
                force,
                lock_wait,
                ..
            } => format!(
                "run {} of {}{}{}",
                request.purpose.as_str(),
                approved.as_ref().map_or("nothing", |plan| plan.id.as_str()),
                if *force { ", force" } else { "" },
                waiting(*lock_wait)
            ),
            Command::Restore {
                addresses,
                approved,
                lock_wait,
            } => format!(
                "restore {} of {}{}",
                addresses
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" "),
                approved.as_ref().map_or("nothing", |plan| plan.id.as_str()),
                waiting(*lock_wait)
            ),
            Command::Stop { stop } => format!("stop {stop:?}"),
            Command::Unlock { request } => format!(
                "unlock {}{}",
                request.lock_id.as_ref().map_or("", |id| id.as_str()),
                match &request.reason {
                    Some(reason) if request.force => format!(", force because {reason}"),
                    _ => String::new(),
                }
            ),
            Command::Logs { request } => format!("logs {}", request.service),
            Command::Forget { ticket } => format!("forget {}", ticket.0),
            Command::Lock { watch_for } => format!("lock for {}", watch_for.as_secs()),
            other => format!("{other:?}").to_lowercase(),
        },
        Effect::Copy(text) => format!("copy {text}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn waiting(lock_wait: std::time::Duration) -> String {
    match lock_wait.as_secs() {
        0 => String::new(),
        seconds => format!(", waits {seconds} s for the lock"),
    }
}

fn bracketed(targets: &[&str]) -> String {
    if targets.is_empty() {
        String::new()
    } else {
        format!(" [{}]", targets.join(" "))
    }
}

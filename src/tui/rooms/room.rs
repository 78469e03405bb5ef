//! An open room: its line, its model, and what the runtime remembers about it.

use crate::app::notice::Notice;
use crate::app::session::Client;
use crate::domain::ids::RunId;
use crate::tui::memory;
use crate::tui::model::Model;
use crate::tui::msg::Msg;
use crate::tui::rooms::doors::Opened;
use crate::tui::rooms::place::Place;
use crate::tui::rooms::tab::Mark;
use crate::tui::spool::Spool;

use crate::domain::time::Wall;

/// A room.
pub struct Room {
    /// Where it is; the environment is filled in once the file was read.
    pub place: Place,
    /// Where it is as it was asked for, perhaps without an environment.
    pub asked: Place,
    /// What is shown when it is on show.
    pub model: Model,
    /// The line to its session.
    pub line: Client,
    /// What writes and reads output.
    pub spool: Spool,
    /// Whether something was begun that goes on as soon as nothing else waits.
    pub more: bool,
    /// Whether a snapshot waits to be taken.
    pub fresh: bool,
    /// Whether nothing keeps it from being closed any more.
    pub left: bool,
    /// The run that was last seen on show, or was there before.
    seen: Option<RunId>,
}

impl Room {
    /// Enters through an open door.
    #[must_use]
    pub fn new(opened: Opened, size: (u16, u16), now: Wall) -> Self {
        use crate::tui::theme::Tone;
        let snapshot = opened.line.snapshot.borrow().clone();
        let spool = Spool::new(opened.options.own.clone());
        let mut model = Model::new(opened.options, snapshot, now);
        model.size = size;
        if let Some(memory) = &opened.memory {
            memory::restore(&mut model, memory);
        }
        if let Some(note) = opened.note {
            model.toast(note, Tone::Warn);
        }
        Self {
            asked: opened.place.clone(),
            place: opened.place,
            model,
            line: opened.line,
            spool,
            more: false,
            fresh: false,
            left: false,
            seen: None,
        }
    }

    /// Fills in what the file says about the place.
    pub fn settle(&mut self) {
        let config = self.model.snapshot.config.as_ref();
        if let Some(project) = config.and_then(|config| config.project.as_ref()) {
            self.place.env = Some(project.env.to_string());
            self.place.name = project.name.to_string();
        }
    }

    /// Notes that whoever sits there has seen how things stand.
    pub fn look(&mut self) {
        self.seen = self
            .model
            .snapshot
            .run
            .as_ref()
            .map(|run| run.run_id.clone());
    }

    /// Tells how it stands.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let run = self.model.snapshot.run.as_ref().map(|run| &run.run_id);
        Mark::of(&self.model, run != self.seen.as_ref())
    }
}

/// What a room says to the runtime.
pub enum Heard {
    /// News.
    Notice(Box<Notice>),
    /// There is a newer snapshot.
    Snapshot,
    /// The disk answers.
    Answer(Msg),
    /// Its session is gone.
    Gone,
}

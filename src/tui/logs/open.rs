//! What is open for reading: the output of a run, and the view of a service or a step that lies above everything.

use std::collections::BTreeSet;

use crate::app::command::Ticket;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{RunId, StepId};
use crate::tui::logs::feed;
use crate::tui::logs::reader::Reader;
use crate::tui::logs::store::Store;
use crate::tui::rows::course::belongs;
use crate::tui::rows::row::Subject;

/// The output of a run, and who reads it in the Run area.
#[derive(Clone, Debug)]
pub struct Output {
    /// The run.
    pub run: Option<RunId>,
    /// Its lines; their sources are steps.
    pub store: Store,
    /// Where the Run area is in it.
    pub reader: Reader,
    /// Whether something is being typed for it.
    pub typing: bool,
    /// What the reader's sources were chosen for, and among how many.
    chosen: Option<(Subject, usize)>,
}

impl Output {
    /// Makes room for a run's output; the number is the store's.
    #[must_use]
    pub fn new(store: u32) -> Self {
        Self {
            run: None,
            store: Store::new(store),
            reader: Reader::default(),
            typing: false,
            chosen: None,
        }
    }

    /// Takes an event in, of this run or of the next one; tells whether it was output. The number is for a new store.
    pub fn take(&mut self, event: &Event, store: u32) -> bool {
        let Some(run) = &event.run_id else {
            return false;
        };
        if self.run.as_ref() != Some(run) {
            let looks = std::mem::take(&mut self.reader);
            *self = Self::new(store);
            self.run = Some(run.clone());
            self.reader.wrap = looks.wrap;
            self.reader.times = looks.times;
        }
        if matches!(event.kind, EventKind::RunStarted { .. }) {
            self.reader.began = Some(event.at);
        }
        let taken = feed::event(&mut self.store, event);
        if taken {
            self.reader.extend(&self.store);
        }
        taken
    }

    /// Shows the output that belongs to a row.
    pub fn choose(&mut self, subject: &Subject) {
        let among = self.store.sources().len();
        if self
            .chosen
            .as_ref()
            .is_some_and(|(old, count)| old == subject && *count == among)
        {
            return;
        }
        self.reader.sources(sources_of(&self.store, subject));
        self.chosen = Some((subject.clone(), among));
    }
}

/// Returns the sources that belong to a row; `None` for all.
#[must_use]
pub fn sources_of(store: &Store, subject: &Subject) -> Option<BTreeSet<u16>> {
    let belongs = |name: &str| match subject {
        Subject::Step(_, wanted) => wanted.as_str() == name,
        Subject::Resource(address) | Subject::Change(address, _) => {
            belongs(&StepId::new(name), address)
        }
        Subject::Heading | Subject::Run(_) | Subject::Remark => true,
    };
    if matches!(
        subject,
        Subject::Heading | Subject::Run(_) | Subject::Remark
    ) {
        return None;
    }
    let numbered = store.sources().iter().zip(0_u16..);
    Some(
        numbered
            .filter(|(name, _)| belongs(name))
            .map(|(_, number)| number)
            .collect(),
    )
}

/// Whose output is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A service's.
    Service(String),
    /// A step's, from the run in memory.
    Step(StepId),
    /// A step's, from its file.
    File(StepId),
}

/// A view of output that lies above everything.
#[derive(Clone, Debug)]
pub struct LogView {
    /// Whose output it is.
    pub whose: Whose,
    /// Number of the wish, once it was taken.
    pub ticket: Option<Ticket>,
    /// Why no more lines come, once that is so.
    pub ended: Option<String>,
    /// What is known about the step: how it ended.
    pub state: Option<String>,
    /// Where the reader is.
    pub reader: Reader,
    /// Its lines; `None` when they are those of the run.
    pub store: Option<Store>,
    /// How many of the last lines were asked for; all without a number.
    pub tail: Option<u32>,
}

impl LogView {
    /// Opens the view of a service; the number is its store's.
    #[must_use]
    pub fn service(name: impl Into<String>, store: u32) -> Self {
        Self::new(Whose::Service(name.into()), Some(Store::new(store)))
    }

    /// Opens the view of a step of the run in memory.
    #[must_use]
    pub fn step(step: StepId, run: &Output) -> Self {
        let subject = Subject::Step(crate::domain::ids::Address::service(""), step.clone());
        let mut view = Self::new(Whose::Step(step), None);
        view.reader.began = run.reader.began;
        view.reader.sources(sources_of(&run.store, &subject));
        view
    }

    /// Opens the view of a step's file; the number is its store's.
    #[must_use]
    pub fn file(step: StepId, store: u32) -> Self {
        Self::new(Whose::File(step), Some(Store::new(store)))
    }

    fn new(whose: Whose, store: Option<Store>) -> Self {
        Self {
            whose,
            ticket: None,
            ended: None,
            state: None,
            reader: Reader::default(),
            store,
            tail: None,
        }
    }

    /// Returns its name, for titles and files.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.whose {
            Whose::Service(name) => name,
            Whose::Step(step) | Whose::File(step) => {
                let step = step.as_str();
                step.strip_prefix("service.").unwrap_or(step)
            }
        }
    }
}

//! A page of facts as entries that can be chosen and copied one by one.

use crate::domain::ids::ResourceKind;
use crate::tui::model::{Area, Model};
use crate::tui::pages::{locks, service};
use crate::tui::theme::Tone;
use crate::tui::update::moves::subject;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A heading.
    Heading(String),
    /// A label with its value, and where that comes from.
    Pair {
        /// The label; empty: it goes on with the entry before.
        label: String,
        /// The value.
        value: String,
        /// Where it comes from.
        origin: String,
        /// What it means.
        tone: Tone,
    },
    /// A figure over time.
    Chart {
        /// The label.
        label: String,
        /// The values, the newest last.
        values: Vec<Option<u64>>,
        /// The value of full height.
        top: u64,
        /// The last value in words.
        now: String,
        /// Peak, limit and scale in words.
        words: String,
    },
    /// Text over the whole width.
    Text(String, Tone),
    /// Text behind a symbol.
    Item {
        /// The symbol.
        symbol: &'static str,
        /// The text.
        text: String,
        /// What the symbol means.
        tone: Tone,
    },
}

impl Entry {
    /// Returns what is copied of it: the value without label, frame and symbol.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Heading(text) | Self::Text(text, _) | Self::Item { text, .. } => text.clone(),
            Self::Pair { value, .. } => value.clone(),
            Self::Chart { now, words, .. } => format!("{now}, {words}"),
        }
    }
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its entries from top to bottom.
    pub entries: Vec<Entry>,
}

impl Page {
    /// Writes a heading.
    pub fn heading(&mut self, text: impl Into<String>) {
        self.entries.push(Entry::Heading(text.into()));
    }
    /// Writes a label and its value.
    pub fn pair(&mut self, label: &str, value: impl Into<String>, tone: Tone) {
        self.told(label, value, "", tone);
    }
    /// Writes a label, its value, and where that comes from.
    pub fn told(
        &mut self,
        label: &str,
        value: impl Into<String>,
        origin: impl Into<String>,
        tone: Tone,
    ) {
        self.entries.push(Entry::Pair {
            label: label.to_owned(),
            value: value.into(),
            origin: origin.into(),
            tone,
        });
    }
    /// Writes text.
    pub fn text(&mut self, text: impl Into<String>, tone: Tone) {
        self.entries.push(Entry::Text(text.into(), tone));
    }
    /// Writes text behind a symbol.
    pub fn item(&mut self, symbol: &'static str, text: impl Into<String>, tone: Tone) {
        self.entries.push(Entry::Item {
            symbol,
            text: text.into(),
            tone,
        });
    }
}

/// Returns the page of the row with the cursor, in the areas whose details are pages.
#[must_use]
pub fn shown(model: &Model) -> Option<Page> {
    match model.area {
        Area::Services => {
            let subject = subject(model);
            let address = subject.address()?;
            let mut page = Page::default();
            match address.kind {
                ResourceKind::Service => service::write(&mut page, model, address),
                ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => {
                    service::write_other(&mut page, model, address);
                }
            }
            Some(page)
        }
        Area::Locks => {
            let key = model.pane()?.selected().last()?;
            let mut page = Page::default();
            locks::write(&mut page, model, key);
            (!page.entries.is_empty()).then_some(page)
        }
        Area::Plan | Area::Run | Area::Drift | Area::History => None,
    }
}

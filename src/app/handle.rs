//! What a front end holds: a way to wish, a way to hear.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::app::command::{Command, Ticket};
use crate::app::notice::Notice;

/// A wish with its number, as the session's mailbox takes it.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its number.
    pub ticket: Ticket,
    /// What is wished.
    pub command: Command,
}

/// The front end's end of the line to the session.
#[derive(Clone, Debug)]
pub struct Handle {
    wishes: mpsc::Sender<Wish>,
    next: Arc<AtomicU64>,
}

impl Handle {
    /// Joins a handle to a session's mailbox.
    #[must_use]
    pub fn new(wishes: mpsc::Sender<Wish>) -> Self {
        Self {
            wishes,
            next: Arc::new(AtomicU64::new(1)),
        }
    }
    /// Sends a wish; `None` when the session is gone or its mailbox is full.
    #[must_use]
    pub fn send(&self, command: Command) -> Option<Ticket> {
        let ticket = Ticket(self.next.fetch_add(1, Ordering::Relaxed));
        self.wishes
            .try_send(Wish { ticket, command })
            .ok()
            .map(|()| ticket)
    }
}

/// Notices for one front end, in order.
pub type Notices = mpsc::Receiver<Notice>;

//! One reader's end of the notices: a bounded backlog between the session and a front end.
//!
//! State never drops: a full backlog holds the sender back. Lines of output do drop for a reader that said it
//! may lose them: the oldest first, and their number is told. A reader that must see all of it (a command line
//! that writes to a pipe) holds the sender back instead.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use tokio::sync::{Notify, mpsc};

use crate::app::command::Ticket;
use crate::app::notice::Notice;
use crate::domain::event::EventKind;

/// What a reader may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Nothing: the session waits for it.
    Lossless,
    /// Lines of output, when it is slow.
    MayLoseLines,
}

/// The backlog of one reader; lives on the session's thread.
pub(super) struct Outlet {
    reader: Reader,
    queue: RefCell<VecDeque<Notice>>,
    lines: Cell<usize>,
    /// Bytes of these lines.
    bytes: Cell<usize>,
    lost: RefCell<BTreeMap<Ticket, u64>>,
    filled: Notify,
    emptied: Notify,
    closed: Cell<bool>,
    sender: mpsc::Sender<Notice>,
}

/// Notices a backlog holds before the sender waits.
const BACKLOG: usize = 1_024;
/// Lines of output a backlog holds before the oldest is dropped: more than half a second of 50,000 lines a second.
const LINES: usize = 32_768;
/// Bytes of output a backlog holds: long lines fill it before they are many.
const BYTES: usize = 8 << 20;

impl Outlet {
    pub(super) fn new(reader: Reader, sender: mpsc::Sender<Notice>) -> Self {
        Self {
            reader,
            queue: RefCell::default(),
            lines: Cell::new(0),
            bytes: Cell::new(0),
            lost: RefCell::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
            closed: Cell::new(false),
            sender,
        }
    }

    /// Puts a notice at the end, then waits while the backlog is too long. `run` is the ticket of the run
    /// under way, for counting its lost lines.
    pub(super) async fn put(&self, notice: Notice, run: Option<Ticket>) {
        self.push(notice, run);
        while self.is_full() && !self.closed.get() {
            self.emptied.notified().await;
        }
    }

    pub(super) fn push(&self, notice: Notice, run: Option<Ticket>) {
        if self.closed.get() {
            return;
        }
        let mut queue = self.queue.borrow_mut();
        if is_line(&notice) {
            while self.reader == Reader::MayLoseLines
                && (self.lines.get() >= LINES || self.bytes.get() > BYTES)
            {
                let oldest = queue.iter().position(is_line);
                let Some(dropped) = oldest.and_then(|at| queue.remove(at)) else {
                    break;
                };
                if let Some(ticket) = owner(&dropped).or(run) {
                    *self.lost.borrow_mut().entry(ticket).or_default() += 1;
                }
                self.forget(&dropped);
            }
            self.lines.set(self.lines.get() + 1);
            self.bytes.set(self.bytes.get() + output_of(&notice));
        }
        queue.push_back(notice);
        drop(queue);
        self.filled.notify_one();
    }

    /// Counts a line that is in the backlog no more.
    fn forget(&self, line: &Notice) {
        self.lines.set(self.lines.get().saturating_sub(1));
        let left = self.bytes.get().saturating_sub(output_of(line));
        self.bytes.set(left);
    }

    fn is_full(&self) -> bool {
        let all = self.queue.borrow().len();
        match self.reader {
            Reader::Lossless => all >= BACKLOG || self.bytes.get() > BYTES,
            Reader::MayLoseLines => all.saturating_sub(self.lines.get()) >= BACKLOG,
        }
    }

    fn pop(&self) -> Option<Notice> {
        let mut lost = self.lost.borrow_mut();
        if let Some((ticket, lines)) = lost.pop_first() {
            return Some(Notice::OutputLost { ticket, lines });
        }
        let notice = self.queue.borrow_mut().pop_front()?;
        if is_line(&notice) {
            self.forget(&notice);
        }
        Some(notice)
    }

    /// Hands the backlog to the reader until it hangs up. Polled by the session beside its work.
    pub(super) async fn pump(&self) {
        loop {
            let Some(notice) = self.pop() else {
                self.filled.notified().await;
                continue;
            };
            self.emptied.notify_waiters();
            if self.sender.send(notice).await.is_err() {
                self.closed.set(true);
                self.queue.borrow_mut().clear();
                self.lines.set(0);
                self.bytes.set(0);
                self.emptied.notify_waiters();
                return;
            }
        }
    }

    /// Hands over what is left, then returns. For the end of the session.
    pub(super) async fn drain(&self) {
        while let Some(notice) = self.pop() {
            if self.sender.send(notice).await.is_err() {
                return;
            }
        }
    }
}

fn is_line(notice: &Notice) -> bool {
    match notice {
        Notice::Output { .. } => true,
        Notice::Event(event) => {
            matches!(
                event.kind,
                EventKind::Log { .. } | EventKind::StepProgress { .. }
            )
        }
        Notice::Config(_)
        | Notice::Looked
        | Notice::Amended { .. }
        | Notice::Ignored { .. }
        | Notice::Leadership(_)
        | Notice::Workers(_)
        | Notice::Link(_)
        | Notice::Trouble(_)
        | Notice::Planned { .. }
        | Notice::PlanStale { .. }
        | Notice::Status { .. }
        | Notice::Drift { .. }
        | Notice::Usual(_)
        | Notice::Heard(_)
        | Notice::Lock { .. }
        | Notice::Unlocked { .. }
        | Notice::LockHistory { .. }
        | Notice::Record { .. }
        | Notice::Runs { .. }
        | Notice::RunEvents { .. }
        | Notice::Usage { .. }
        | Notice::Probes { .. }
        | Notice::Stored { .. }
        | Notice::Installs { .. }
        | Notice::OutputLost { .. }
        | Notice::Done { .. }
        | Notice::Failed { .. } => false,
    }
}

/// Returns the bytes of output in a line.
fn output_of(line: &Notice) -> usize {
    if let Notice::Output { line, .. } = line {
        line.text.len()
    } else if let Notice::Event(event) = line {
        event.output()
    } else {
        0
    }
}

fn owner(notice: &Notice) -> Option<Ticket> {
    if let Notice::Output { ticket, .. } = notice {
        Some(*ticket)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::notice::{End, Link, OutputLine};
    use crate::domain::event::Stream;

    fn line(n: usize) -> Notice {
        Notice::Output {
            ticket: Ticket(7),
            line: OutputLine {
                source: "service.api[0]".into(),
                stream: Stream::Stdout,
                text: n.to_string(),
            },
        }
    }

    #[tokio::test]
    async fn a_slow_reader_loses_the_oldest_lines_and_hears_how_many() {
        let (sender, mut notices) = mpsc::channel(1);
        let outlet = Outlet::new(Reader::MayLoseLines, sender);
        for n in 0..LINES + 5 {
            outlet.put(line(n), None).await;
        }
        let end = Notice::Done {
            ticket: Ticket(7),
            end: End::Plain,
        };
        outlet.put(end, None).await;
        let read = async {
            let mut texts = Vec::new();
            let mut lost = 0;
            while let Some(notice) = notices.recv().await {
                match notice {
                    Notice::Output { line, .. } => texts.push(line.text),
                    Notice::OutputLost { lines, .. } => lost += lines,
                    Notice::Done { .. } => break,
                    other => panic!("unexpected {other:?}"),
                }
            }
            (texts, lost)
        };
        let (texts, lost) = tokio::select! {
            result = read => result,
            () = outlet.pump() => panic!("the reader did not hang up"),
        };
        assert_eq!(lost, 5);
        assert_eq!(texts.first().map(String::as_str), Some("5"));
        assert_eq!(texts.len(), LINES);
    }

    #[tokio::test]
    async fn f22_long_lines_fill_a_backlog_before_they_are_many() {
        let long = |n: usize| Notice::Output {
            ticket: Ticket(7),
            line: OutputLine {
                source: "service.api[0]".into(),
                stream: Stream::Stdout,
                text: n.to_string().repeat(8 << 10),
            },
        };
        let (sender, _notices) = mpsc::channel(1);
        let outlet = Outlet::new(Reader::MayLoseLines, sender);
        for n in 0..LINES / 2 {
            outlet.push(long(n), None);
            let held: usize = outlet.bytes.get();
            assert!(held <= BYTES + (64 << 10), "{held} bytes");
        }
        let counted: usize = outlet.queue.borrow().iter().map(output_of).sum();
        assert_eq!(counted, outlet.bytes.get());
        let (sender, _notices) = mpsc::channel(1);
        let outlet = Outlet::new(Reader::Lossless, sender);
        while !outlet.is_full() {
            outlet.push(long(1), None);
        }
        assert!(outlet.queue.borrow().len() <= BACKLOG);
        while outlet.pop().is_some() {}
        assert_eq!((outlet.bytes.get(), outlet.lines.get()), (0, 0));
    }

    #[tokio::test]
    async fn a_reader_that_needs_all_holds_the_sender_back() {
        let (sender, mut notices) = mpsc::channel(1);
        let outlet = Outlet::new(Reader::Lossless, sender);
        let total = BACKLOG * 3;
        let send = async {
            for n in 0..total {
                outlet.put(line(n), None).await;
                assert!(outlet.queue.borrow().len() <= BACKLOG);
            }
        };
        let read = async {
            for n in 0..total {
                match notices.recv().await {
                    Some(Notice::Output { line, .. }) => assert_eq!(line.text, n.to_string()),
                    other => panic!("unexpected {other:?}"),
                }
            }
        };
        tokio::select! {
            _ = async { tokio::join!(send, read) } => {}
            () = outlet.pump() => panic!("the reader did not hang up"),
        }
    }

    #[tokio::test]
    async fn a_reader_that_hung_up_stops_nobody() {
        let (sender, notices) = mpsc::channel(1);
        drop(notices);
        let outlet = Outlet::new(Reader::Lossless, sender);
        let send = async {
            for _ in 0..BACKLOG * 2 {
                outlet.put(Notice::Link(Link::Connecting), None).await;
            }
        };
        tokio::join!(send, outlet.pump());
        assert!(outlet.closed.get());
    }
}

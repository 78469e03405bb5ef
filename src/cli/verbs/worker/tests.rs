//! The worker's signs of life follow the session's answers.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::app::notice::End;
use crate::app::worker::mind::Identity;
use crate::cli::ground::Came;
use crate::domain::ids::{EnvName, ProjectName};
use crate::domain::report::worker::WorkerReport;

/// A session that answers as long as it is told to.
struct Scripted {
    answers: Rc<Cell<bool>>,
    sent: u64,
    owed: Vec<Ticket>,
}

impl Line for Scripted {
    fn send(&mut self, command: Command) -> Result<Ticket, Failure> {
        self.sent += 1;
        let ticket = Ticket(self.sent);
        if matches!(command, Command::Prove) {
            self.owed.push(ticket);
        }
        Ok(ticket)
    }
    fn hear(&mut self, _: Option<Duration>) -> Heard {
        match self.owed.pop().filter(|_| self.answers.get()) {
            Some(ticket) => Heard::Notice(Box::new(Notice::Done {
                ticket,
                end: End::Plain,
            })),
            None => Heard::Tick,
        }
    }
    fn listen_to_signals(&mut self) {}
    fn start_reading(&mut self) {}
    fn hear_or_read(&mut self) -> Came {
        Came::Leave
    }
    fn stop_reading(&mut self) {}
    fn abandon(&mut self) {}
}

/// Notes whether each line it showed was a sign of life.
struct Noted(Rc<RefCell<Vec<bool>>>);

impl Beacon for Noted {
    fn show(&mut self, _: &WorkerReport, alive: bool) {
        self.0.borrow_mut().push(alive);
    }
    fn ending(&mut self) {}
}

/// One round of the loop, as long as a pulse.
async fn round(active: &mut Active) {
    active.ask_for_proof().expect("there is a line");
    let heard = active.line.as_mut().map(|line| line.hear(None));
    if let Some(Heard::Notice(notice)) = heard {
        active.vigil.hear(&notice, Instant::now());
    }
    active.show(Wall(0));
    tokio::time::advance(PULSE).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_session_does_not_answer_gives_no_sign_of_life() {
    let (answers, signs) = (Rc::new(Cell::new(false)), Rc::default());
    let project = Project::named(
        ProjectName::parse("shop").expect("a name"),
        EnvName::parse("local").expect("a name"),
        Path::new("/shop"),
    );
    let me = Identity {
        id: "7-a".into(),
        pid: 7,
        user: "me".into(),
        host: "here".into(),
        version: "1".into(),
    };
    let line = Scripted {
        answers: Rc::clone(&answers),
        sent: 0,
        owed: Vec::new(),
    };
    let mut active = Active {
        mind: Worker::new(me, Arc::new(project), Instant::now(), Wall(0)),
        beacon: Some(Box::new(Noted(Rc::clone(&signs)))),
        line: Some(Box::new(line)),
        vigil: Vigil::default(),
        asked_to_end: 0,
        shown: None,
    };
    let taken = || std::mem::take(&mut *signs.borrow_mut());
    answers.set(true);
    for _ in 0..4 {
        round(&mut active).await;
    }
    assert_eq!(taken(), [true; 4]);
    answers.set(false);
    for _ in 0..6 {
        round(&mut active).await;
    }
    assert_eq!(taken(), [true, true, false, false, false, false]);
}

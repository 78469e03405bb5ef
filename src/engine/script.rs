//! What the install script prints: its own lines are kept, the commands' output goes through.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::domain::event::Stream;
use crate::engine::cutter::Cutter;
use crate::engine::output::StepLog;
use crate::ports::sink::Sink;
use crate::ports::world::World;

/// Mark of the script's own lines.
const MARK: &str = "nk-install: ";

/// What the script said of itself.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// States it went through.
    pub(super) states: Vec<String>,
    /// What it told of the lock's holder.
    pub(super) values: BTreeMap<String, String>,
}

impl Said {
    /// Returns one value, empty if it was not told.
    pub(super) fn value(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }
    /// Returns the age of the holder's last beat, in seconds.
    pub(super) fn age(&self) -> i64 {
        self.value("age").parse().unwrap_or_default()
    }
}

/// Lets the commands' output through and keeps the script's own lines.
pub(super) struct Filter<'l, 'a, W: World> {
    log: &'l StepLog<'a, W>,
    state: RefCell<(Cutter, Said)>,
}

impl<'l, 'a, W: World> Filter<'l, 'a, W> {
    /// Lets output through to this log.
    pub(super) fn new(log: &'l StepLog<'a, W>) -> Self {
        Self {
            log,
            state: RefCell::default(),
        }
    }

    /// Returns what the script said.
    pub(super) fn finish(self) -> Said {
        let (mut cutter, mut said) = self.state.into_inner();
        if let Some(line) = cutter.finish(&str::to_owned) {
            take(self.log, &mut said, &line);
        }
        said
    }
}

impl<W: World> Sink for Filter<'_, '_, W> {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        if stream != Stream::Stdout {
            self.log.output(stream, bytes);
            return;
        }
        let mut state = self.state.borrow_mut();
        let (cutter, said) = &mut *state;
        for line in cutter.push(bytes, 0, &str::to_owned) {
            take(self.log, said, &line);
        }
    }

    fn progress(&self, done: u64, total: Option<u64>, unit: &str) {
        self.log.progress(done, total, unit);
    }
}

fn take<W: World>(log: &StepLog<'_, W>, said: &mut Said, line: &str) {
    let Some(own) = line.strip_prefix(MARK) else {
        log.output(Stream::Stdout, line.as_bytes());
        log.output(Stream::Stdout, b"\n");
        return;
    };
    match own.split_once('=') {
        Some(("state", state)) => {
            said.states.push(state.to_owned());
            if state != "already" {
                log.remark(&format!("installation: {state}"));
            }
        }
        Some((key, value)) => {
            said.values.insert(key.to_owned(), value.to_owned());
        }
        None => {}
    }
}

//! The journal on disk: intents before their calls, outcomes after, left-overs of runs that were killed.
//!
//! One file a run, `journal/RUN_ID` below `.nanokit`, so that two runs never write into one file. A journal is
//! removed only after a snapshot with everything in it was saved. Whose journal was removed by somebody else can
//! announce nothing any more: a holder that was displaced is fenced off from the platform by it.

use std::path::PathBuf;

use crate::domain::ids::{Epoch, Lineage, RunId};
use crate::domain::plan::typed::word;
use crate::engine::reconcile::EngineError;
use crate::formats::journal::{self, Chain, Line};
use crate::ports::disk::Disk;
use crate::ports::world::World;

const FOLDER: &str = "journal";
/// Longest journal that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// The journal of the run that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    run: RunId,
    path: PathBuf,
    begun: bool,
    chain: Chain,
    /// Whether a write failed: nobody knows what of it is there, so nothing can stand behind it.
    broken: bool,
}

impl Journal {
    /// Names the journal of a run; nothing is written before the first line.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        let path = PathBuf::from(FOLDER).join(run.as_str());
        Self {
            run,
            path,
            begun: false,
            chain: Chain::default(),
            broken: false,
        }
    }

    /// Tells whether a line was written.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Returns the run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Appends lines in one write; with `sync` returns only when they are durable. After a failure nothing is appended
    /// any more: what it left in the file would make damage of all that follows.
    pub fn append<W: World>(
        &mut self,
        world: &W,
        whose: (&Lineage, Epoch),
        lines: &[Line],
        sync: bool,
    ) -> Result<(), EngineError> {
        if self.broken {
            let why = "an earlier line of the journal of this run could not be written";
            return Err(EngineError::Store(why.into()));
        }
        let written = self.write(world, whose, lines, sync);
        self.broken = matches!(written, Err(EngineError::Store(_)));
        written
    }

    fn write<W: World>(
        &mut self,
        world: &W,
        whose: (&Lineage, Epoch),
        lines: &[Line],
        sync: bool,
    ) -> Result<(), EngineError> {
        let mut text = String::new();
        let mut chain = self.chain.clone();
        if !self.begun {
            let begun = Line::Begun {
                run: self.run.clone(),
                lineage: whose.0.clone(),
                epoch: whose.1,
            };
            text.push_str(&journal::encode_line(&begun, &mut chain));
        }
        for line in lines {
            text.push_str(&journal::encode_line(line, &mut chain));
        }
        let store = |error| EngineError::Store(Box::new(error));
        let disk = world.disk();
        if self.begun {
            let there = disk.append_on(&self.path, text.as_bytes(), sync);
            return if there.map_err(store)? {
                self.chain = chain;
                Ok(())
            } else {
                let why = "somebody else folded the journal of this run into the state";
                Err(EngineError::LockLost(why.to_owned()))
            };
        }
        // The file's name has to be durable before any line in it can be.
        disk.append(&self.path, text.as_bytes(), true)
            .map_err(store)?;
        self.begun = true;
        self.chain = chain;
        Ok(())
    }

    /// Removes the journal; everything in it must be in a saved snapshot.
    pub fn remove<W: World>(&mut self, world: &W) -> Result<(), EngineError> {
        if self.begun || self.broken {
            remove(world, self.run.as_str())?;
            *self = Self::new(self.run.clone());
        }
        Ok(())
    }
}

/// A journal that was found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its file name.
    pub name: String,
    /// Its lines, the first one included.
    pub lines: Vec<Line>,
    /// Bytes of a torn last line, which was dropped.
    pub torn: usize,
}

/// Reads the journals of one state, oldest run first. Those of other states in the same folder are left alone.
pub fn of_lineage<W: World>(world: &W, lineage: &Lineage) -> Result<Vec<Found>, EngineError> {
    let store = |error| EngineError::Store(Box::new(error));
    let disk = world.disk();
    let mut found = Vec::new();
    for name in disk.list(FOLDER.as_ref()).map_err(store)? {
        let path = PathBuf::from(FOLDER).join(&name);
        let shown = disk.shown(&path).display().to_string();
        let out = format!("mv {} .", word(&shown));
        let mended = format!(
            "move it out of its folder (`{out}`), since it tells what a run that was cut off did, then run `nkapp state rebuild`"
        );
        let bad = |problem: String, hint: String| EngineError::BadState {
            problem,
            next: (hint == mended).then(|| out.clone()),
            hint,
            location: shown.clone(),
        };
        let bytes = match disk.read(&path, LIMIT) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => {
                let problem = format!("it cannot be read: {}", error.source);
                return Err(bad(problem, mended.clone()));
            }
        };
        let read = journal::decode(&bytes)
            .map_err(|error| bad(error.to_string(), error.hint_or(&mended)))?;
        let whose = read.lines.first();
        if matches!(whose, Some(Line::Begun { lineage: found, .. }) if found == lineage) {
            found.push(Found {
                name,
                lines: read.lines,
                torn: read.torn,
            });
        }
    }
    Ok(found)
}

/// Removes a journal by its file name, for good: one that came back would tell what the state has left behind.
pub fn remove<W: World>(world: &W, name: &str) -> Result<(), EngineError> {
    world
        .disk()
        .remove(&PathBuf::from(FOLDER).join(name), true)
        .map_err(|error| EngineError::Store(Box::new(error)))
}

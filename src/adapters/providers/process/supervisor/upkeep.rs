//! The files of an instance, kept as its supervisor knows them: what somebody damages comes back.
//!
//! A damage has to be seen at two looks, a second apart: whoever removes the folder takes file after file.

use std::path::Path;

use crate::adapters::providers::process::damage::{checked, write_spec};
use crate::adapters::providers::process::files::{Spec, StatusFile};
use crate::adapters::providers::process::folder::{COPY, SPEC, STATUS, read_json, stamp};
use crate::adapters::providers::process::supervisor::life::Life;

type Stamp = Option<(u64, i64, i64)>;

/// When each file was last found good.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    good: Option<[Stamp; 3]>,
    doubtful: bool,
}

impl Upkeep {
    /// Wants the files looked at again: one of them was just written.
    pub(super) fn look_again(&mut self) {
        self.good = None;
    }
}

fn stamps() -> [Stamp; 3] {
    [SPEC, COPY, STATUS].map(|file| stamp(Path::new(file)))
}

/// Tells whether our folder was deleted, or is about to be: neither the file that says what we are nor its copy is there.
pub(super) fn is_deserted() -> bool {
    let there = |file: &str| std::fs::symlink_metadata(file).is_ok();
    !there(SPEC) && !there(COPY)
}

impl Life {
    /// Looks whether the files still say what we know, and writes them anew where not.
    pub(super) fn mend_files(&mut self) {
        // Before they are read: what changes meanwhile is seen at the next look.
        let stamps = stamps();
        if self.upkeep.get_mut().good == Some(stamps) {
            return;
        }
        let told = [SPEC, COPY].map(|file| checked(Path::new(file)).ok());
        let said: Option<StatusFile> = read_json(Path::new(STATUS)).ok();
        let is_ours = |one: &Option<Spec>| one.as_ref().is_some_and(|one| one.id == self.spec.id);
        let known = told.iter().all(is_ours);
        if known && said.as_ref() == Some(&self.status) {
            // Limits, policy or networks changed.
            if let [Some(spec), _] = told {
                self.spec = spec;
            }
            *self.upkeep.get_mut() = Upkeep {
                good: Some(stamps),
                doubtful: false,
            };
            return;
        }
        if !std::mem::replace(&mut self.upkeep.get_mut().doubtful, true) {
            return;
        }
        self.write_files(known);
    }

    fn write_files(&mut self, known: bool) {
        let told = match known {
            true => Ok(()),
            false => write_spec(Path::new("."), &self.spec),
        };
        match told.and_then(|()| self.write_status()) {
            Ok(()) => {
                *self.upkeep.get_mut() = Upkeep::default();
                self.note("nanokit wrote files of this instance anew: somebody had damaged them");
            }
            Err(error) => {
                // Said once; it is tried again when something changes.
                self.upkeep.get_mut().good = Some(stamps());
                self.note(&format!(
                    "nanokit cannot mend files of this instance: {error}"
                ));
            }
        }
    }
}

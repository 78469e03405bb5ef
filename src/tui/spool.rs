//! The disk behind the stores of output: a thread of its own that writes, reads and saves off the draw path.
//!
//! Old lines go into a temporary file that nobody else can open: made with mode 0600 and without a name from then
//! on, so that it is gone with the process however that ends. Jobs are done in their order.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::mpsc;

use crate::tui::logs::chunk::Chunk;
use crate::tui::logs::save::Saving;
use crate::tui::logs::store::{Fetch, Part, Place, Spill};
use crate::tui::msg::Msg;

/// Jobs that may wait.
const JOBS: usize = 512;
/// Names that are tried for the temporary file.
const NAMES: u32 = 16;

/// Something to do.
#[derive(Debug)]
pub enum Job {
    /// Write a chunk.
    Spill(Spill),
    /// Read a chunk.
    Fetch(Fetch),
    /// Write a file.
    Save(Box<Saving>),
}

/// The thread, once there was something to do.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    jobs: Option<SyncSender<Job>>,
    said: mpsc::Sender<Msg>,
    answers: mpsc::Receiver<Msg>,
}

impl Spool {
    /// Prepares a spool whose file will be in this folder, or in the one for temporary files.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        let (said, answers) = mpsc::channel(JOBS);
        Self {
            folder,
            jobs: None,
            said,
            answers,
        }
    }

    /// Hands a job over; `Some` when it cannot be taken.
    pub fn give(&mut self, job: Job) -> Option<Msg> {
        let jobs = match &self.jobs {
            Some(jobs) => jobs,
            None => match self.start() {
                Ok(jobs) => self.jobs.insert(jobs),
                Err(error) => return Some(refuse(job, &error.to_string())),
            },
        };
        match jobs.try_send(job) {
            Ok(()) => None,
            Err(TrySendError::Full(job)) => Some(refuse(job, "the disk is too slow")),
            Err(TrySendError::Disconnected(job)) => Some(refuse(job, "the spool has ended")),
        }
    }

    fn start(&self) -> io::Result<SyncSender<Job>> {
        let (jobs, waiting) = sync_channel(JOBS);
        let (folder, said) = (self.folder.clone(), self.said.clone());
        std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || work(&folder, &waiting, &said))?;
        Ok(jobs)
    }

    /// Waits for the next answer.
    pub async fn next(&mut self) -> Option<Msg> {
        self.answers.recv().await
    }
    /// Takes an answer that has come already.
    pub fn waiting(&mut self) -> Option<Msg> {
        self.answers.try_recv().ok()
    }
}

fn refuse(job: Job, why: &str) -> Msg {
    let why = why.to_owned();
    match job {
        Job::Spill(spill) => Msg::Spilled(spill.store, spill.chunk, Err(why)),
        Job::Fetch(fetch) => Msg::Fetched(fetch.store, fetch.chunk, Err(why)),
        Job::Save(saving) => Msg::Saved(saving.path, Err(why)),
    }
}

fn work(folder: &Path, jobs: &Receiver<Job>, said: &mpsc::Sender<Msg>) {
    let mut disk = Disk {
        folder: folder.to_owned(),
        file: None,
        end: 0,
    };
    while let Ok(job) = jobs.recv() {
        let answer = match job {
            Job::Spill(spill) => {
                let end = disk.write(&spill.bytes).map_err(|error| error.to_string());
                Msg::Spilled(spill.store, spill.chunk, end)
            }
            Job::Fetch(fetch) => {
                let end = disk.read(fetch.place).map_err(|error| error.to_string());
                Msg::Fetched(fetch.store, fetch.chunk, end)
            }
            Job::Save(saving) => {
                let end = disk.save(&saving).map_err(|error| error.to_string());
                Msg::Saved(saving.path, end)
            }
        };
        if said.blocking_send(answer).is_err() {
            return;
        }
    }
}

/// The file, and how long it is.
#[derive(Debug)]
struct Disk {
    folder: PathBuf,
    file: Option<File>,
    end: u64,
}

impl Disk {
    fn file(&mut self) -> io::Result<&File> {
        if self.file.is_none() {
            let file = nameless(&self.folder).or_else(|_| nameless(&std::env::temp_dir()))?;
            self.file = Some(file);
        }
        self.file
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<Place> {
        let offset = self.end;
        let len = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.file()?.write_all_at(bytes, offset)?;
        self.end = offset + u64::from(len);
        Ok(Place { offset, len })
    }

    fn read(&mut self, place: Place) -> io::Result<Vec<u8>> {
        let len = usize::try_from(place.len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = vec![0; len];
        self.file()?.read_exact_at(&mut bytes, place.offset)?;
        Ok(bytes)
    }

    fn save(&mut self, saving: &Saving) -> io::Result<u64> {
        if let Some(folder) = saving.path.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&saving.path)?;
        let mut to = BufWriter::new(file);
        let mut lines = 0;
        for part in &saving.parts {
            lines += match part {
                Part::Lines(chunk) => saving.write(chunk, &mut to)?,
                Part::Disk(place) => {
                    let bytes = self.read(*place)?;
                    let chunk = Chunk::decode(&bytes).ok_or(io::ErrorKind::InvalidData)?;
                    saving.write(&chunk, &mut to)?
                }
            };
        }
        to.flush()?;
        Ok(lines)
    }
}

/// Makes a file that has no name any more when this returns.
fn nameless(folder: &Path) -> io::Result<File> {
    let process = std::process::id();
    let mut refused = io::Error::from(io::ErrorKind::AlreadyExists);
    for number in 0..NAMES {
        let path = folder.join(format!(".spool-{process}-{number}"));
        let made = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match made {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refused = error,
            Err(error) => return Err(error),
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Stream;
    use crate::domain::time::Wall;
    use crate::tui::logs::sift::Sieve;
    use crate::tui::logs::store::Store;

    #[expect(clippy::disallowed_methods, reason = "the saved file is read")]
    #[tokio::test]
    async fn what_was_written_is_read_and_saved_and_no_name_is_left() {
        let folder = tempfile::tempdir().expect("folder");
        let mut spool = Spool::new(folder.path().to_owned());
        let mut store = Store::with_budget(3, 1);
        for number in 0..6_000 {
            store.push(
                Wall(number),
                Stream::Stdout,
                "a",
                &format!("line {number} {}", "x".repeat(80)),
            );
        }
        while let Some(spill) = store.owed() {
            assert!(spool.give(Job::Spill(spill)).is_none());
        }
        while store.memory() > 300_000 {
            match spool.next().await {
                Some(Msg::Spilled(3, chunk, end)) => store.spilled(chunk, end),
                other => panic!("unexpected {other:?}"),
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0);
        assert_eq!(store.line(0), None);
        let fetch = store.want(0).expect("on disk");
        assert!(store.want(0).is_none(), "asked for once");
        assert!(spool.give(Job::Fetch(fetch)).is_none());
        match spool.next().await {
            Some(Msg::Fetched(3, chunk, end)) => store.fetched(chunk, end),
            other => panic!("unexpected {other:?}"),
        }
        assert!(
            store
                .line(0)
                .is_some_and(|line| line.text.starts_with("line 0 "))
        );
        let path = folder.path().join("logs").join("a.log");
        let saving = Saving {
            path: path.clone(),
            parts: store.parts(),
            sieve: Sieve::default(),
            names: None,
            times: false,
        };
        assert!(spool.give(Job::Save(Box::new(saving))).is_none());
        match spool.next().await {
            Some(Msg::Saved(_, Ok(lines))) => assert_eq!(lines, 6_000),
            other => panic!("unexpected {other:?}"),
        }
        let text = std::fs::read_to_string(&path).expect("file");
        let texts: Vec<&str> = text.lines().collect();
        assert!(texts.len() == 6_000 && texts[5_999].starts_with("line 5999 "));
    }
}

//! The proxy itself: one thread for each connection, which ends with it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::rule::{Fault, Rule, kind_of};
use super::wire::{Body, End, Head, Wire, either};

/// Longest answer that is kept for a replay.
const KEPT: usize = 4 << 20;
/// Longest time a call is held.
const HELD: Duration = Duration::from_secs(60);
/// How long a kill waits to be told whom.
const VICTIM: Duration = Duration::from_secs(10);

/// Forwards a unix socket to the engine's.
pub(crate) struct FaultProxy {
    path: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Default)]
struct Told {
    /// Requests as they came (`GET /v1.41/containers/json`).
    requests: Vec<String>,
    /// The same by their kind (`GET /containers/json`).
    kinds: Vec<String>,
    rules: Vec<Rule>,
    victim: Option<u32>,
    released: bool,
    landed: usize,
    first_answers: BTreeMap<String, Vec<u8>>,
    connections: Vec<UnixStream>,
    closed: bool,
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Holds a call until the test lets it go.
    fn wait_for_release(&self) {
        let held = |told: &mut Told| !told.released && !told.closed;
        let told = self.told();
        let waited = self.changed.wait_timeout_while(told, HELD, held);
        waited.unwrap_or_else(PoisonError::into_inner).0.released = false;
    }
    /// Kills the process under test; whom may be told a moment after it was started.
    fn kill(&self) {
        let told = self.told();
        let (told, _) = self
            .changed
            .wait_timeout_while(told, VICTIM, |told| told.victim.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        let pid = told.victim.and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // It may be gone already.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl FaultProxy {
    /// Listens at `path` and forwards to `engine`.
    pub(crate) fn start(path: &Path, engine: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let shared = Arc::new(Shared {
            engine: engine.to_owned(),
            told: Mutex::default(),
            changed: Condvar::new(),
        });
        let for_connections = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if for_connections.told().closed {
                    return;
                }
                let shared = Arc::clone(&for_connections);
                thread::spawn(move || {
                    let Ok(connection) = client.try_clone() else {
                        return;
                    };
                    shared.told().connections.push(connection);
                    let Ok(end) = client.try_clone() else { return };
                    // An error of either side is the end of the connection, as it is without a proxy.
                    let _ = serve(&shared, client);
                    let _ = end.shutdown(Shutdown::Both);
                });
            }
        });
        Ok(Self {
            path: path.to_owned(),
            shared,
        })
    }
    /// Where it listens.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    /// Returns the requests since the last call (`GET /v1.41/containers/json`), and starts anew.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut told = self.shared.told();
        told.kinds.clear();
        std::mem::take(&mut told.requests)
    }
    /// Returns the kinds of the requests since the last call (`GET /containers/*/json`), and starts anew.
    pub(crate) fn take_kinds(&self) -> Vec<String> {
        let mut told = self.shared.told();
        told.requests.clear();
        std::mem::take(&mut told.kinds)
    }
    /// Adds a rule; the first that is meant strikes.
    pub(crate) fn add(&self, rule: Rule) {
        self.shared.told().rules.push(rule);
    }
    /// Drops all rules and returns how often they struck.
    pub(crate) fn relent(&self) -> usize {
        let rules = std::mem::take(&mut self.shared.told().rules);
        rules.iter().map(Rule::fired).sum()
    }
    /// Waits until a rule struck; `false` if none did in time.
    pub(crate) fn strikes_within(&self, limit: Duration) -> bool {
        let none = |told: &mut Told| told.rules.iter().all(|rule| rule.fired() == 0);
        let told = self.shared.told();
        let waited = self.shared.changed.wait_timeout_while(told, limit, none);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
    /// Lets a held call go on.
    pub(crate) fn release(&self) {
        self.shared.told().released = true;
        self.shared.changed.notify_all();
    }
    /// Closes every connection there is, as an engine does that goes away; new ones are let through.
    pub(crate) fn break_off(&self) {
        for connection in std::mem::take(&mut self.shared.told().connections) {
            // Those that are over already cannot be closed again.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
    /// Waits until the engine has answered a call whose answer is kept back; `false` if it did not in time.
    pub(crate) fn lands_within(&self, limit: Duration) -> bool {
        let none = |told: &mut Told| told.landed == 0;
        let told = self.shared.told();
        let waited = self.shared.changed.wait_timeout_while(told, limit, none);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
    /// Names the process that kills are for.
    pub(crate) fn victim(&self, pid: Option<u32>) {
        self.shared.told().victim = pid;
        self.shared.changed.notify_all();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.told().closed = true;
        // Wakes the listener, which then sees that it is over.
        let _ = UnixStream::connect(&self.path);
    }
}

/// Path of the engine's socket, as the client would find it.
pub(crate) fn engine_socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    PathBuf::from(
        host.strip_prefix("unix://")
            .unwrap_or("/var/run/docker.sock"),
    )
}

/// One request of the client.
struct Request {
    method: String,
    target: String,
    bytes: Vec<u8>,
}

/// Serves one connection, request after request.
fn serve(shared: &Shared, client: UnixStream) -> io::Result<()> {
    let mut client = Wire::new(client);
    let mut engine = Wire::new(UnixStream::connect(&shared.engine)?);
    while let Some(head) = client.head()? {
        let body = client.body(head.request_body())?;
        let mut words = head.line.split(' ').map(str::to_owned);
        let mut request = Request {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            bytes: head.bytes,
        };
        request.bytes.extend(body);
        let fault = note(shared, &request);
        if !pass(shared, &mut client, &mut engine, &request, fault.as_ref())? {
            break;
        }
    }
    Ok(())
}

/// Counts a request and finds what is to happen to it.
fn note(shared: &Shared, request: &Request) -> Option<Fault> {
    let kind = kind_of(&request.method, &request.target);
    let path = request.target.split('?').next().unwrap_or_default();
    let mut told = shared.told();
    told.requests.push(format!("{} {path}", request.method));
    let fault = told
        .rules
        .iter_mut()
        .find_map(|rule| rule.strike(&kind, &request.target));
    told.kinds.push(kind);
    drop(told);
    if fault.is_some() {
        shared.changed.notify_all();
    }
    fault
}

/// Passes one request on and its answer back; `false` when the connection is over with it.
fn pass(
    shared: &Shared,
    client: &mut Wire,
    engine: &mut Wire,
    request: &Request,
    fault: Option<&Fault>,
) -> io::Result<bool> {
    let mut cut = None;
    let mut drip = None;
    match fault {
        Some(Fault::Delay(span)) if client.closes_within(Some(*span)) => return Ok(false),
        Some(Fault::Hold) => shared.wait_for_release(),
        Some(Fault::Hang) => {
            client.closes_within(None);
            return Ok(false);
        }
        Some(Fault::CutBefore) => return Ok(false),
        Some(Fault::Reply(bytes)) => {
            client.stream.write_all(bytes)?;
            return Ok(false);
        }
        Some(Fault::Replay) => {
            let answer = shared.told().first_answers.get(&request.target).cloned();
            if let Some(answer) = answer {
                client.stream.write_all(&answer)?;
                return Ok(true);
            }
        }
        Some(Fault::KillBefore) => {
            shared.kill();
            return Ok(false);
        }
        Some(Fault::CutBody(bytes)) => cut = Some(*bytes),
        Some(Fault::Drip(pause)) => drip = Some(*pause),
        Some(
            Fault::Delay(_)
            | Fault::HangAfter
            | Fault::CutAfter
            | Fault::CutHead
            | Fault::KillAfter,
        )
        | None => {}
    }
    engine.stream.write_all(&request.bytes)?;
    let Some(head) = engine.head()? else {
        return Ok(false);
    };
    match fault {
        Some(Fault::HangAfter) => {
            shared.told().landed += 1;
            shared.changed.notify_all();
            client.closes_within(None);
            return Ok(false);
        }
        Some(Fault::CutAfter) => return Ok(false),
        Some(Fault::CutHead) => {
            client
                .stream
                .write_all(&head.bytes[..head.bytes.len() / 2])?;
            return Ok(false);
        }
        Some(Fault::KillAfter) => {
            shared.kill();
            return Ok(false);
        }
        Some(
            Fault::Delay(_)
            | Fault::Drip(_)
            | Fault::Hold
            | Fault::Hang
            | Fault::CutBefore
            | Fault::CutBody(_)
            | Fault::Reply(_)
            | Fault::Replay
            | Fault::KillBefore,
        )
        | None => {}
    }
    Answer {
        shared,
        request,
        cut,
        drip,
    }
    .deliver(client, engine, &head)
}

/// An answer on its way.
struct Answer<'a> {
    shared: &'a Shared,
    request: &'a Request,
    cut: Option<usize>,
    drip: Option<Duration>,
}

impl Answer<'_> {
    /// Hands the answer on as it comes; `false` when the connection is over with it.
    fn deliver(mut self, client: &mut Wire, engine: &mut Wire, head: &Head) -> io::Result<bool> {
        let body = head.reply_body(&self.request.method);
        let mut kept = (self.request.method == "GET").then(|| head.bytes.clone());
        let cut = self.cut.take();
        self.write(client, &head.bytes)?;
        self.cut = cut;
        let mut end = End::of(body);
        let mut client_speaks = true;
        while !end.reached() {
            if client_speaks && engine.left.is_empty() {
                let (from_client, from_engine) = either(client, engine)?;
                if from_client {
                    match client.piece(&mut End::of(Body::Open))? {
                        Some(said) => engine.stream.write_all(&said)?,
                        // Only on an upgraded connection may one side have said all.
                        None if body == Body::Open => {
                            client_speaks = false;
                            engine.stream.shutdown(Shutdown::Write)?;
                        }
                        None => return Ok(false),
                    }
                }
                if !from_engine {
                    continue;
                }
            }
            let Some(piece) = engine.piece(&mut end)? else {
                break;
            };
            if !self.write(client, &piece)? {
                return Ok(false);
            }
            if let Some(whole) = &mut kept {
                whole.extend_from_slice(&piece);
            }
            kept = kept.filter(|whole| whole.len() <= KEPT);
        }
        if let Some(whole) = kept.filter(|_| end.reached()) {
            let mut told = self.shared.told();
            told.first_answers
                .entry(self.request.target.clone())
                .or_insert(whole);
        }
        Ok(body != Body::Open && end.reached())
    }

    /// Writes a piece; `false` when the connection is to be cut here.
    fn write(&mut self, client: &mut Wire, bytes: &[u8]) -> io::Result<bool> {
        let upto = self.cut.map_or(bytes.len(), |cut| cut.min(bytes.len()));
        match self.drip {
            None => client.stream.write_all(&bytes[..upto])?,
            Some(pause) => {
                for byte in &bytes[..upto] {
                    client.stream.write_all(&[*byte])?;
                    if client.closes_within(Some(pause)) {
                        return Ok(false);
                    }
                }
            }
        }
        let Some(cut) = &mut self.cut else {
            return Ok(true);
        };
        *cut -= upto;
        Ok(*cut > 0)
    }
}

//! A worker's beacon: a local socket on which it says what it does, its liveness file, and systemd's own notices.
//!
//! Whoever connects gets one line and is hung up on; nothing is read of anybody, so nobody can make us wait, grow or
//! do anything. The socket lies in `.nanokit/worker` (0700), is reached through the open folder so that no path is too
//! long for it, and answers only the same user and root.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::adapters::folder::Folder;

/// Folder below the project's own.
const PLACE: &str = "worker";
/// Ending of sockets, and of liveness files.
const ENDINGS: (&str, &str) = (".sock", ".live");
/// How long a client may take to take its line, and a worker to say it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Clients that are served at once; the others wait their turn.
const MOST: usize = 16;
/// Sockets that are asked in one look.
const ASKED: usize = 16;
/// Pause between two writes of the liveness file.
const PULSE: Duration = Duration::from_secs(5);

type Line = Arc<Vec<u8>>;

/// The beacon of this worker; dropped, it takes its files away.
#[derive(Debug)]
pub struct Beacon {
    lines: Option<watch::Sender<Line>>,
    thread: Option<JoinHandle<()>>,
    folder: Folder,
    id: String,
    pulsed: Option<Instant>,
    systemd: Option<UnixDatagram>,
}

impl Beacon {
    /// Opens the socket of the worker `id` in the project's own folder; sockets of workers that are gone are removed.
    /// `systemd` is what `NOTIFY_SOCKET` says.
    pub fn start(own: &Path, id: &str, systemd: Option<&str>) -> io::Result<Self> {
        let folder = Folder::own(&own.join(PLACE), true)?
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let name = format!("{id}{}", ENDINGS.0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(sweep(&folder));
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(folder.through(&name))?
        };
        folder.close_to_others(&name)?;
        let (lines, shown) = watch::channel(Line::default());
        let thread = std::thread::Builder::new()
            .name("beacon".to_owned())
            .spawn(move || runtime.block_on(serve(&listener, shown)))?;
        Ok(Self {
            lines: Some(lines),
            thread: Some(thread),
            folder,
            id: id.to_owned(),
            pulsed: None,
            systemd: systemd.and_then(|name| reach(name).ok()),
        })
    }

    /// Shows a line from now on; only `alive` it is a sign of life, and whoever gives none for long is not alive.
    pub fn show(&mut self, line: &str, alive: bool) {
        let first = self.pulsed.is_none();
        if let Some(lines) = &self.lines {
            lines.send_replace(Arc::new(line.as_bytes().to_vec()));
        }
        if !alive {
            return;
        }
        if first || self.pulsed.is_some_and(|at| at.elapsed() >= PULSE) {
            self.pulsed = Some(Instant::now());
            let name = format!("{}{}", self.id, ENDINGS.1);
            let temp = format!(".{name}.tmp");
            if let Err(error) = self.folder.replace(&name, line.as_bytes(), &temp) {
                tracing::warn!(%error, "the liveness file was not written");
            }
            self.tell_systemd(if first {
                "READY=1\nWATCHDOG=1"
            } else {
                "WATCHDOG=1"
            });
        }
    }

    /// Tells systemd that the end is near.
    pub fn ending(&self) {
        self.tell_systemd("STOPPING=1");
    }

    fn tell_systemd(&self, text: &str) {
        if let Some(socket) = &self.systemd {
            // Nobody listening is no failure.
            let _ = socket.send(text.as_bytes());
        }
    }
}

impl Drop for Beacon {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        for ending in [ENDINGS.0, ENDINGS.1] {
            let _ = self.folder.remove(&format!("{}{ending}", self.id));
        }
    }
}

fn reach(name: &str) -> io::Result<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(name)?,
    }
    Ok(socket)
}

async fn serve(listener: &UnixListener, mut lines: watch::Receiver<Line>) {
    use futures_util::stream::{FuturesUnordered, StreamExt as _};
    let mut clients = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            changed = lines.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            Some(()) = clients.next(), if !clients.is_empty() => {}
            accepted = listener.accept(), if clients.len() < MOST => match accepted {
                Ok((stream, _)) if is_welcome(&stream) => {
                    let line = lines.borrow().clone();
                    clients.push(answer(stream, line));
                }
                Ok(_) => {}
                // Out of descriptors, most likely: whoever holds them lets go some time.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
        }
    }
}

async fn answer(mut stream: UnixStream, line: Line) {
    let write = async {
        stream.write_all(&line).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(PATIENCE, write).await;
}

/// Only the same user and root are answered, whatever the folder lets through.
fn is_welcome(stream: &UnixStream) -> bool {
    let us = rustix::process::geteuid().as_raw();
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == us || peer.uid() == 0)
}

/// Asks every worker that has a beacon in the project's own folder; returns what they say, each at most `limit` bytes.
pub async fn ask_all(own: &Path, limit: usize) -> Vec<Vec<u8>> {
    let Ok(Some(folder)) = Folder::own(&own.join(PLACE), false) else {
        return Vec::new();
    };
    let asked = sockets(&folder).into_iter().take(ASKED);
    let asked = asked.map(|name| ask(&folder, name, limit));
    let said = futures_util::future::join_all(asked).await;
    said.into_iter().flatten().collect()
}

async fn ask(folder: &Folder, name: String, limit: usize) -> Option<Vec<u8>> {
    let conversation = async {
        let stream = UnixStream::connect(folder.through(&name)).await?;
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX);
        stream.take(most).read_to_end(&mut bytes).await?;
        io::Result::Ok(bytes)
    };
    let said = tokio::time::timeout(PATIENCE, conversation).await;
    said.ok()?.ok().filter(|bytes| !bytes.is_empty())
}

/// Removes the files of workers that are gone: nobody accepts on their sockets any more.
async fn sweep(folder: &Folder) {
    for name in sockets(folder) {
        let connected = UnixStream::connect(folder.through(&name)).await;
        let is_gone =
            connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if is_gone && let Some(id) = name.strip_suffix(ENDINGS.0) {
            let _ = folder.remove(&name);
            let _ = folder.remove(&format!("{id}{}", ENDINGS.1));
        }
    }
}

fn sockets(folder: &Folder) -> Vec<String> {
    let mut names = folder.names().unwrap_or_default();
    names.retain(|name| name.ends_with(ENDINGS.0));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixStream as Plain;

    fn asked(own: &Path) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let said = runtime.block_on(ask_all(own, 1 << 16));
        said.into_iter()
            .map(|bytes| String::from_utf8(bytes).expect("text"))
            .collect()
    }

    #[test]
    fn every_worker_is_heard_and_leaves_nothing_behind() {
        let home = tempfile::tempdir().expect("temp folder");
        // Longer than any socket address may be.
        let deep = home.path().join("a".repeat(120)).join("b".repeat(120));
        std::fs::create_dir_all(&deep).expect("folders");
        let own = deep.join(".nanokit");
        assert_eq!(asked(&own), Vec::<String>::new());
        let mut one = Beacon::start(&own, "1-a", None).expect("a beacon");
        let mut two = Beacon::start(&own, "2-b", None).expect("a beacon");
        one.show("first\n", true);
        two.show("second\n", true);
        assert_eq!(asked(&own), ["first\n", "second\n"]);
        one.show("third\n", true);
        assert_eq!(asked(&own), ["third\n", "second\n"]);
        let place = own.join(PLACE);
        let mode = std::fs::metadata(place.join("1-a.sock"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            std::fs::read_to_string(place.join("1-a.live")).expect("there"),
            "first\n"
        );
        drop(two);
        assert_eq!(asked(&own), ["third\n"]);
        drop(one);
        assert_eq!(std::fs::read_dir(&place).expect("there").count(), 0);
    }

    #[test]
    fn systemd_is_told_of_the_beginning_of_life_and_of_the_end_and_of_nothing_else() {
        let home = tempfile::tempdir().expect("temp folder");
        let address = home.path().join("notify");
        let systemd = UnixDatagram::bind(&address).expect("bound");
        systemd.set_nonblocking(true).expect("set");
        let told = || {
            let mut bytes = [0; 64];
            let length = systemd.recv(&mut bytes).ok()?;
            String::from_utf8(bytes[..length].to_vec()).ok()
        };
        let own = home.path().join(".nanokit");
        let mut beacon = Beacon::start(&own, "1-a", address.to_str()).expect("a beacon");
        let live = own.join(PLACE).join("1-a.live");
        beacon.show("nobody answers yet\n", false);
        assert!(told().is_none() && !live.exists());
        beacon.show("first\n", true);
        assert_eq!(told().as_deref(), Some("READY=1\nWATCHDOG=1"));
        beacon.show("too soon\n", true);
        assert_eq!(told(), None);
        beacon.pulsed = Instant::now().checked_sub(PULSE);
        beacon.show("nobody answers any more\n", false);
        assert_eq!(told(), None);
        assert_eq!(std::fs::read_to_string(&live).expect("there"), "first\n");
        assert_eq!(asked(&own), ["nobody answers any more\n"]);
        beacon.show("again\n", true);
        assert_eq!(told().as_deref(), Some("WATCHDOG=1"));
        beacon.ending();
        assert_eq!(told().as_deref(), Some("STOPPING=1"));
        assert_eq!(told(), None);
    }

    #[test]
    fn hostile_clients_change_nothing_and_the_dead_are_swept() {
        let home = tempfile::tempdir().expect("temp folder");
        let own = home.path().join(".nanokit");
        let mut beacon = Beacon::start(&own, "1-a", None).expect("a beacon");
        beacon.show("well\n", true);
        let socket = own.join(PLACE).join("1-a.sock");
        let mut idle: Vec<Plain> = (0..64)
            .map(|_| Plain::connect(&socket).expect("connected"))
            .collect();
        for (number, client) in idle.iter_mut().enumerate() {
            if number % 2 == 0 {
                // Hung up on already, or not yet: both are fine.
                let _ = client.write_all(&[b'x'; 4096]);
            }
        }
        assert_eq!(asked(&own), ["well\n"]);
        let mut said = String::new();
        idle[1].read_to_string(&mut said).expect("read");
        assert_eq!(said, "well\n");
        // One that was killed leaves its files behind.
        std::fs::write(own.join(PLACE).join("9-z.live"), "old").expect("written");
        drop(std::os::unix::net::UnixListener::bind(
            own.join(PLACE).join("9-z.sock"),
        ));
        assert_eq!(asked(&own), ["well\n"]);
        let _next = Beacon::start(&own, "2-b", None).expect("a beacon");
        assert!(!own.join(PLACE).join("9-z.sock").exists());
        assert!(!own.join(PLACE).join("9-z.live").exists());
    }
}

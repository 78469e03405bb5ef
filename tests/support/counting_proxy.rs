//! A proxy on the engine's socket that counts requests: the only honest way to say what a command costs.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Forwards a unix socket to the engine's and keeps every request line that passes.
pub(crate) struct CountingProxy {
    path: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
}

impl CountingProxy {
    /// Listens at `path` and forwards to `engine`.
    pub(crate) fn start(path: &Path, engine: &Path) -> std::io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, engine) = (Arc::clone(&requests), engine.to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, UnixStream::connect(&engine)) else {
                    return;
                };
                forward(client, server, &seen);
            }
        });
        Ok(Self {
            path: path.to_owned(),
            requests,
        })
    }
    /// Where it listens.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    /// Returns the requests since the last call (`GET /containers/json`), and starts anew.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
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

fn forward(client: UnixStream, server: UnixStream, seen: &Arc<Mutex<Vec<String>>>) {
    let (Ok(client_back), Ok(server_back)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let seen = Arc::clone(seen);
    thread::spawn(move || pump(client, server, |chunk| note(chunk, &seen)));
    thread::spawn(move || pump(server_back, client_back, |_| {}));
}

/// Each request of the engine's clients starts in a chunk of its own: its line is the chunk's first.
fn note(chunk: &[u8], seen: &Arc<Mutex<Vec<String>>>) {
    let line = chunk
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    if let (Some(method), Some(path), Some("HTTP/1.1" | "HTTP/1.0")) =
        (words.next(), words.next(), words.next())
    {
        let path = path.split('?').next().unwrap_or_default();
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{method} {path}"));
    }
}

fn pump(mut from: UnixStream, mut to: UnixStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 65_536];
    while let Ok(read) = from.read(&mut buffer) {
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        look(chunk);
        if to.write_all(chunk).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Read);
    let _ = to.shutdown(Shutdown::Write);
}

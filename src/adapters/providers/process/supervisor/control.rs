//! The supervisor's ear: one JSON request per connection, one JSON reply.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::adapters::providers::process::files::{Reply, Request};
use crate::adapters::providers::process::supervisor::life::News;

/// Longest request, and longest time one may take to arrive.
const LONGEST: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes over the listening socket that the provider handed us as standard input.
pub(super) fn listener() -> io::Result<UnixListener> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let listener = std::os::unix::net::UnixListener::from(socket);
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Accepts for ever.
pub(super) async fn listen(listener: UnixListener, news: mpsc::Sender<News>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::task::spawn_local(serve(stream, news.clone()));
            }
            // Out of descriptors, most likely: whoever asks will ask again.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: UnixStream, news: mpsc::Sender<News>) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(LONGEST));
    let Ok(Ok(_)) = timeout(PATIENCE, reader.read_line(&mut line)).await else {
        return;
    };
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => {
            let (answer, answered) = oneshot::channel();
            if news.send(News::Asked(request, answer)).await.is_err() {
                return;
            }
            answered.await.unwrap_or_else(|_| Reply {
                error: Some("the supervisor ends".into()),
                ..Reply::default()
            })
        }
        Err(error) => Reply {
            error: Some(format!("request not understood: {error}")),
            ..Reply::default()
        },
    };
    if let Ok(mut bytes) = serde_json::to_vec(&reply) {
        bytes.push(b'\n');
        let _ = timeout(PATIENCE, write.write_all(&bytes)).await;
    }
}

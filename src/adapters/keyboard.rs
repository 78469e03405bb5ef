//! The keyboard, key by key and without the terminal's own echo, for as long as one line is typed.
//!
//! Only so does whoever writes below know what has been typed already, and can repeat it after news. Where standard
//! input is no terminal, bytes are read as they come and nothing is changed.

use std::io::BufRead as _;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use tokio::sync::mpsc;

/// Bytes that wait to be read at most.
const WAITING: usize = 256;

/// The keyboard while a line is typed; dropped, the terminal is as it was.
#[derive(Debug)]
pub struct Keyboard {
    before: Option<Termios>,
    bytes: mpsc::Receiver<u8>,
}

impl Keyboard {
    /// Takes the keyboard for one line.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn take() -> std::io::Result<Self> {
        let before = rustix::termios::tcgetattr(std::io::stdin()).ok();
        if let Some(before) = &before {
            let mut modes = before.clone();
            // Ctrl-C stays a signal, and what is written is still a terminal's.
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            let _ = rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &modes);
        }
        let (sender, bytes) = mpsc::channel(WAITING);
        let keyboard = Self { before, bytes };
        std::thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || read_line(&sender))?;
        Ok(keyboard)
    }

    /// Tells whether the terminal shows nothing by itself of what is typed.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.before.is_some()
    }

    /// Waits for the next byte; `None` at the end of the input.
    pub async fn next(&mut self) -> Option<u8> {
        self.bytes.recv().await
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Passes on the bytes of one line; what comes after it is for whoever reads next.
fn read_line(sender: &mpsc::Sender<u8>) {
    loop {
        let mut stdin = std::io::stdin().lock();
        let Ok(Some(byte)) = stdin.fill_buf().map(|bytes| bytes.first().copied()) else {
            return;
        };
        stdin.consume(1);
        drop(stdin);
        if sender.blocking_send(byte).is_err() || matches!(byte, b'\n' | b'\r' | 4) {
            return;
        }
    }
}

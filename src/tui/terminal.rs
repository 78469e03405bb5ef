//! The terminal: taken over by a guard that gives it back on every way out, and read by a thread that cannot spin.
//!
//! crossterm's own reader goes round for ever when the terminal is gone (a read of nothing, or of an error, is
//! simply tried again). So a thread of ours waits on the terminal first and only lets crossterm read what is
//! really there; a hang-up ends the thread with a message instead.

use std::io::{self, IsTerminal, Stdout, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc;

/// Whether the terminal is ours just now; the panic hook asks, too.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while the panel has it. Dropping it gives it back.
pub struct Screen {
    terminal: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It is none, or it is gone.
    pub fn take() -> io::Result<Self> {
        // With NO_COLOR set, crossterm writes "reset everything" for a change of colour, and so wipes the
        // highlight out. Our own theme without colours says all by modifiers; crossterm is to keep out of it.
        crossterm::style::force_color_output(true);
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        take_over()?;
        let terminal = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()));
        match terminal {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Draws a frame, all at once where the terminal can.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub fn draw(&mut self, render: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(render).map(|_| ());
        execute!(io::stdout(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Forgets what is on the screen, so that the next frame draws all of it.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Puts a text into the terminal's clipboard.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub fn copy(&self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Gives the terminal back, stops this process as the shell's job control does, and takes it again.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        let stopped =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        take_over()?;
        self.terminal.clear()?;
        stopped.map_err(io::Error::from)
    }

    /// Takes the terminal again after somebody else stopped and continued the process.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn retake(&mut self) -> io::Result<()> {
        // Whoever stopped us may have set the terminal's modes; crossterm believes its own are still on.
        let _ = disable_raw_mode();
        take_over()?;
        self.terminal.clear()
    }

    /// Returns columns and rows.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take_over() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let taken = execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        Hide
    );
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Undoes every mode that was set. May be called at any time and any number of times.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Nothing can be done about a terminal that takes no more bytes, and every step is tried for itself.
    let mut out = io::stdout();
    let _ = execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, Show);
    let _ = execute!(out, LeaveAlternateScreen);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// What came from the terminal.
#[derive(Debug)]
pub enum Read {
    /// A key, pasted text, or a new size.
    Event(Event),
    /// The terminal is gone.
    Lost,
}

/// Reads the terminal on a thread of its own; dropping it ends the thread.
#[derive(Debug)]
pub struct Reader {
    events: mpsc::Receiver<Read>,
    _alive: UnixStream,
}

impl Reader {
    /// Starts reading.
    ///
    /// # Errors
    /// There is no terminal, or no thread to be had.
    pub fn start() -> io::Result<Self> {
        let (alive, ended) = UnixStream::pair()?;
        let (sender, events) = mpsc::channel(256);
        let terminal = terminal()?;
        std::thread::Builder::new()
            .name("terminal".into())
            .spawn(move || read(&terminal, &ended, &sender))?;
        Ok(Self {
            events,
            _alive: alive,
        })
    }

    /// Waits for what comes next.
    pub async fn next(&mut self) -> Read {
        self.events.recv().await.unwrap_or(Read::Lost)
    }
    /// Takes what has come already.
    pub fn waiting(&mut self) -> Option<Read> {
        self.events.try_recv().ok()
    }
}

/// Opens what crossterm reads: standard input, or the controlling terminal.
fn terminal() -> io::Result<std::fs::File> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return stdin.as_fd().try_clone_to_owned().map(Into::into);
    }
    std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
}

fn read(terminal: &impl AsFd, ended_by: &impl AsFd, events: &mpsc::Sender<Read>) {
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    loop {
        let mut waits = [
            PollFd::new(terminal, PollFlags::IN),
            PollFd::new(ended_by, PollFlags::IN),
        ];
        match poll(&mut waits, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => break,
        }
        let [terminal, ended] = waits.map(|wait| wait.revents());
        if !ended.is_empty() {
            return;
        }
        if terminal.intersects(gone) {
            break;
        }
        match pass_on(events) {
            Ok(0) => {
                // Something is there that crossterm is not told about until more comes; do not go round at full speed.
                let pause = rustix::event::Timespec {
                    tv_sec: 0,
                    tv_nsec: 10_000_000,
                };
                let _ = poll(&mut [PollFd::new(ended_by, PollFlags::IN)], Some(&pause));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let _ = events.blocking_send(Read::Lost);
}

/// Hands on everything crossterm has ready; returns how many there were.
fn pass_on(events: &mpsc::Sender<Read>) -> io::Result<usize> {
    let mut passed = 0;
    while crossterm::event::poll(Duration::ZERO)? {
        let event = crossterm::event::read()?;
        if events.blocking_send(Read::Event(event)).is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        passed += 1;
    }
    Ok(passed)
}

//! The terminal: taken over by a guard that gives it back on every way out, and read by a thread that cannot spin.
//!
//! crossterm's reader can go round for ever when the terminal is gone (a read of nothing is simply tried again), and
//! its default one is told of new input once only, so that a key beside a change of size waits for the next key.
//! So its other one is used (`use-dev-tty`), and a thread of ours waits on the terminal first and lets crossterm
//! read only what is really there; a hang-up ends the thread with a message.

use std::io::{self, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
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
use ratatui::layout::{Position, Rect};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc;

/// Whether the terminal is ours just now; the panic hook asks, too.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while the panel has it. Dropping it gives it back.
pub struct Screen {
    /// Never dropped: its own drop shows the cursor, which [`give_back`] does, and panics where that cannot be
    /// written and neither can the complaint about it.
    terminal: ManuallyDrop<ratatui::Terminal<CrosstermBackend<Stdout>>>,
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
        // From here on dropping the guard gives the terminal back. Once, everything is cleared: who was killed
        // before us may have left the alternate screen on, with something in it.
        let cleared = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))
            .map(|terminal| Self {
                terminal: ManuallyDrop::new(terminal),
            })
            .and_then(|mut screen| screen.clear().map(|()| screen));
        if cleared.is_err() {
            give_back();
        }
        cleared
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
        // Not `Terminal::clear`: that asks the terminal where its cursor is, and the answer would have to get past
        // our own reader; a terminal that never answers would hold everything up for two seconds.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
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
        self.clear()?;
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
        self.clear()
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

/// How often there may be nothing to read although something is announced: then it is the end of the input.
/// A part of a key counts as nothing too, but never so many times in a row.
const EMPTY_READS: u32 = 8;

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

fn read(terminal: &impl AsFd, ended: &impl AsFd, events: &mpsc::Sender<Read>) {
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    let mut empty = 0;
    while empty < EMPTY_READS {
        let mut waits = [
            PollFd::new(terminal, PollFlags::IN),
            PollFd::new(ended, PollFlags::IN),
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
            Ok(0) => empty += 1,
            Ok(_) => empty = 0,
            Err(_) => break,
        }
    }
    let _ = events.blocking_send(Read::Lost);
}

/// Hands on everything crossterm has ready; returns how many there were.
fn pass_on(events: &mpsc::Sender<Read>) -> io::Result<usize> {
    let mut passed = 0;
    // A wait of nothing at all would read nothing at all.
    while crossterm::event::poll(Duration::from_millis(1))? {
        let event = crossterm::event::read()?;
        if events.blocking_send(Read::Event(event)).is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        passed += 1;
    }
    Ok(passed)
}

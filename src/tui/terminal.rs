//! The terminal: taken over by a guard that gives it back on every way out, and read by a thread that cannot spin.
//!
//! crossterm's reader can go round for ever when the terminal is gone (a read of nothing is simply tried again), and
//! its default one is told of new input once only, so that a key beside a change of size waits for the next key.
//! So its other one is used (`use-dev-tty`), and a thread of ours waits on the terminal first and lets crossterm
//! read only what is really there; a hang-up ends the thread with a message.

use std::cell::Cell;
use std::io::{self, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command as _, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, Termios};
use tokio::sync::mpsc;

/// Whether the terminal is ours just now; the panic hook asks, too.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is ours while the terminal is.
static MOUSE: AtomicBool = AtomicBool::new(false);
/// Presses and drags with exact places. Not every motion: a moving mouse would flood us.
const MOUSE_ON: &str = "\u{1b}[?1000h\u{1b}[?1002h\u{1b}[?1006h";
/// Undoes it.
const MOUSE_OFF: &str = "\u{1b}[?1006l\u{1b}[?1002l\u{1b}[?1000l";
static HOOK: Once = Once::new();

/// The terminal while the panel has it. Dropping it gives it back.
pub struct Screen {
    /// Never dropped: its own drop shows the cursor, which [`give_back`] does, and panics where that cannot be
    /// written and neither can the complaint about it.
    terminal: ManuallyDrop<ratatui::Terminal<CrosstermBackend<Out>>>,
    /// Bytes written in frames.
    written: Rc<Cell<u64>>,
    /// How the terminal was before a program got it.
    lent: Option<Termios>,
}

/// The way out: a whole frame is written at once, and bytes are counted.
pub struct Out {
    to: Stdout,
    waiting: Vec<u8>,
    written: Rc<Cell<u64>>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        let length = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        let written = self.to.write_all(&self.waiting);
        self.waiting.clear();
        written?;
        self.written.set(self.written.get().saturating_add(length));
        self.to.flush()
    }
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
        let written = Rc::new(Cell::new(0));
        let out = Out {
            to: io::stdout(),
            waiting: Vec::new(),
            written: Rc::clone(&written),
        };
        let cleared = ratatui::Terminal::new(CrosstermBackend::new(out))
            .map(|terminal| Self {
                terminal: ManuallyDrop::new(terminal),
                written,
                lent: None,
            })
            .and_then(|mut screen| screen.clear().map(|()| screen));
        if cleared.is_err() {
            give_back();
        }
        cleared
    }

    /// Draws a frame, all at once where the terminal can; returns how many bytes that took.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub fn draw(&mut self, render: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<u64> {
        let before = self.written.get();
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(render).map(|_| ());
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        drawn.map(|()| self.written.get().saturating_sub(before))
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

    /// Puts a text into the terminal's clipboard; inside tmux also past it, into the terminal around it.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub fn copy(&self, text: &str, tmux: bool) -> io::Result<()> {
        let mut sequence = String::new();
        CopyToClipboard::to_clipboard_from(text)
            .write_ansi(&mut sequence)
            .map_err(io::Error::other)?;
        let mut out = io::stdout();
        out.write_all(sequence.as_bytes())?;
        if tmux {
            let inner = sequence.replace('\u{1b}', "\u{1b}\u{1b}");
            out.write_all(format!("\u{1b}Ptmux;{inner}\u{1b}\\").as_bytes())?;
        }
        out.flush()
    }

    /// Takes the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        let before = MOUSE.swap(on, Ordering::SeqCst);
        if before == on {
            return Ok(());
        }
        let mut out = io::stdout();
        out.write_all(if on { MOUSE_ON } else { MOUSE_OFF }.as_bytes())?;
        out.flush()
    }

    /// Gives the terminal to a program; nothing may be drawn or read until [`Screen::reclaim`].
    pub fn lend(&mut self) {
        give_back();
        self.lent = rustix::termios::tcgetattr(io::stdin()).ok();
    }

    /// Takes the terminal back from a program, whatever state it left it in.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn reclaim(&mut self) -> io::Result<()> {
        if let Some(lent) = self.lent.take() {
            // What the program forgot to undo is undone; a terminal that refuses is found out about below.
            let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Now, &lent);
        }
        let mut out = io::stdout();
        // A program that was killed may leave the alternate screen, the mouse or the colours on. Not by 1049: that
        // would put the cursor back to where it was before the program, and what is printed later over its output.
        out.write_all(b"\x1b[?47l\x1b[m")?;
        out.write_all(MOUSE_OFF.as_bytes())?;
        take_over()?;
        self.clear()
    }

    /// Stops this process while a program has the terminal and was stopped itself.
    ///
    /// # Errors
    /// The process cannot be stopped.
    pub fn stop_beside(&self) -> io::Result<()> {
        stop()
    }

    /// Gives the terminal back, stops this process as the shell's job control does, and takes it again.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        let stopped = stop();
        take_over()?;
        self.clear()?;
        stopped
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

/// Tells whether somebody would continue this process if it stopped: a shell with job control.
#[must_use]
pub fn may_stop() -> bool {
    use rustix::process::{getpgrp, getppid, getsid};
    let (Ok(session), group) = (getsid(None), getpgrp()) else {
        return false;
    };
    let parent = getppid().and_then(|parent| getsid(Some(parent)).ok());
    is_controlled(
        group.as_raw_nonzero().get(),
        session.as_raw_nonzero().get(),
        parent.map(|parent| parent.as_raw_nonzero().get()),
    )
}

/// A shell with job control gives every job a group of its own, within its own session. Whoever is in the group that
/// leads the session was started by no such shell; and a parent in another session does not wait for stopped children.
fn is_controlled(group: i32, session: i32, parents: Option<i32>) -> bool {
    group != session && parents == Some(session)
}

/// Stops this process, and the others of its job where it was not the one that was started.
fn stop() -> io::Result<()> {
    use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group, kill_process};
    let stopped = if getpgrp() == getpid() {
        kill_process(getpid(), Signal::STOP)
    } else {
        kill_current_process_group(Signal::STOP)
    };
    stopped.map_err(io::Error::from)
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
    let taken = taken.and_then(|()| {
        if MOUSE.load(Ordering::SeqCst) {
            io::stdout().write_all(MOUSE_ON.as_bytes())?;
            io::stdout().flush()?;
        }
        Ok(())
    });
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
    if MOUSE.load(Ordering::SeqCst) {
        let _ = out.write_all(MOUSE_OFF.as_bytes());
    }
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
    alive: UnixStream,
    thread: JoinHandle<()>,
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
        let thread = std::thread::Builder::new()
            .name("terminal".into())
            .spawn(move || read(&terminal, &ended, &sender))?;
        Ok(Self {
            events,
            alive,
            thread,
        })
    }

    /// Stops reading, and returns only when not one byte more will be taken: a program that gets the terminal next
    /// would miss it.
    pub fn stop(self) {
        let Self {
            events,
            alive,
            thread,
        } = self;
        drop(events);
        drop(alive);
        // A thread that panicked reads no more either.
        let _ = thread.join();
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

#[cfg(test)]
mod tests {
    use super::is_controlled;

    #[test]
    fn only_a_job_of_a_shell_may_stop() {
        for (group, session, parents, wanted) in [
            // Started by a shell with job control.
            (20, 10, Some(10), true),
            // The only thing in a new window: `sh -c nkapp`, or the leader itself.
            (10, 10, Some(10), false),
            (10, 10, Some(1), false),
            // The shell is gone.
            (20, 10, Some(1), false),
            (20, 10, None, false),
        ] {
            let found = is_controlled(group, session, parents);
            assert_eq!(found, wanted, "{group} {session} {parents:?}");
        }
    }
}

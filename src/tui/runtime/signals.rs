//! The signals the panel answers.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals the panel answers.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    resize: Signal,
    stop: Signal,
    resume: Signal,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caught {
    /// TERM.
    End,
    /// INT from outside: the terminal itself sends none while it is ours.
    Interrupt,
    /// HUP.
    Hangup,
    /// WINCH.
    Resize,
    /// TSTP.
    Stop,
    /// CONT.
    Resume,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let raw = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            resize: signal(SignalKind::window_change())?,
            stop: signal(raw(rustix::process::Signal::TSTP))?,
            resume: signal(raw(rustix::process::Signal::CONT))?,
        })
    }

    pub(super) async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.terminate.recv() => Caught::End,
            _ = self.interrupt.recv() => Caught::Interrupt,
            _ = self.hangup.recv() => Caught::Hangup,
            _ = self.resize.recv() => Caught::Resize,
            _ = self.stop.recv() => Caught::Stop,
            _ = self.resume.recv() => Caught::Resume,
        }
    }
}

//! What the kernel knows about the terminal behind standard error.

/// Returns its width in columns, if it has one.
#[must_use]
pub fn width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}

//! Where an HTTP/1.1 message ends, on a connection that is read as far as that and no further.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Longest head that is read.
const HEAD: usize = 256 << 10;

/// One end of a connection, with what was read of it and not yet used.
pub(super) struct Wire {
    pub(super) stream: UnixStream,
    pub(super) left: Vec<u8>,
}

/// The head of a message.
pub(super) struct Head {
    /// Its bytes, the empty line included.
    pub(super) bytes: Vec<u8>,
    /// Request or status line.
    pub(super) line: String,
    fields: Vec<(String, String)>,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// After so many bytes.
    Length(usize),
    /// After a chunk of no bytes.
    Chunked,
    /// When the connection ends; until then both sides may write.
    Open,
}

impl Head {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
    /// Status of a reply.
    pub(super) fn status(&self) -> u16 {
        let status = self.line.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }
    /// The body behind a request.
    pub(super) fn request_body(&self) -> Body {
        self.declared().unwrap_or(Body::Length(0))
    }
    /// The body behind the reply to `method`.
    pub(super) fn reply_body(&self, method: &str) -> Body {
        match self.status() {
            101 => Body::Open,
            204 | 304 | 100..200 => Body::Length(0),
            _ if method == "HEAD" => Body::Length(0),
            _ => self.declared().unwrap_or(Body::Open),
        }
    }
    fn declared(&self) -> Option<Body> {
        if self
            .field("transfer-encoding")
            .is_some_and(|v| v.contains("chunked"))
        {
            return Some(Body::Chunked);
        }
        let length = self.field("content-length")?;
        Some(Body::Length(length.parse().unwrap_or(0)))
    }
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            left: Vec::new(),
        }
    }
    /// Reads more; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 << 10];
        let read = self.stream.read(&mut buffer)?;
        self.left.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }
    /// Reads the next head; `None` when the connection ended before one.
    pub(super) fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.left, b"\r\n\r\n") {
                let bytes: Vec<u8> = self.left.drain(..end + 4).collect();
                return Ok(Some(parse(bytes)));
            }
            if self.left.len() > HEAD {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }
    /// Reads a whole body, as it is on the wire.
    pub(super) fn body(&mut self, body: Body) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        let mut end = End::of(body);
        while !end.reached() {
            if self.left.is_empty() && !self.more()? {
                break;
            }
            let used = end.advance(&self.left);
            whole.extend(self.left.drain(..used));
        }
        Ok(whole)
    }
    /// Takes what there is of a body, reading once if nothing is left over; `None` at the end.
    pub(super) fn piece(&mut self, end: &mut End) -> io::Result<Option<Vec<u8>>> {
        if end.reached() || (self.left.is_empty() && !self.more()?) {
            return Ok(None);
        }
        let used = end.advance(&self.left);
        Ok(Some(self.left.drain(..used).collect()))
    }
    /// Waits until the other side closes, at most `limit`; `true` when it did (or wrote what nobody asked for).
    pub(super) fn closes_within(&self, limit: Option<Duration>) -> bool {
        let timeout = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        let mut ends = [PollFd::new(&self.stream, PollFlags::IN)];
        poll(&mut ends, timeout.as_ref()).is_ok_and(|ready| ready > 0)
    }
}

/// Waits until one of two ends has something; tells which of them.
pub(super) fn either(one: &Wire, other: &Wire) -> io::Result<(bool, bool)> {
    let mut ends = [
        PollFd::new(&one.stream, PollFlags::IN),
        PollFd::new(&other.stream, PollFlags::IN),
    ];
    poll(&mut ends, None)?;
    let ready = |end: &PollFd<'_>| !end.revents().is_empty();
    Ok((ready(&ends[0]), ready(&ends[1])))
}

/// Follows a body to its end.
pub(super) struct End {
    body: Body,
    left: usize,
    size: Vec<u8>,
    trailer: bool,
    reached: bool,
}

impl End {
    pub(super) fn of(body: Body) -> Self {
        let left = match body {
            Body::Length(length) => length,
            Body::Chunked | Body::Open => 0,
        };
        Self {
            body,
            left,
            size: Vec::new(),
            trailer: false,
            reached: body == Body::Length(0),
        }
    }
    pub(super) fn reached(&self) -> bool {
        self.reached
    }
    /// Takes what belongs to the body and returns how much that is.
    fn advance(&mut self, bytes: &[u8]) -> usize {
        match self.body {
            Body::Open => bytes.len(),
            Body::Length(_) => {
                let used = self.left.min(bytes.len());
                self.left -= used;
                self.reached = self.left == 0;
                used
            }
            Body::Chunked => {
                let mut used = 0;
                while used < bytes.len() && !self.reached {
                    used += self.chunk(&bytes[used..]);
                }
                used
            }
        }
    }
    fn chunk(&mut self, bytes: &[u8]) -> usize {
        if self.left > 0 {
            let used = self.left.min(bytes.len());
            self.left -= used;
            return used;
        }
        self.size.push(bytes[0]);
        if !self.size.ends_with(b"\r\n") {
            return 1;
        }
        let line = std::mem::take(&mut self.size);
        let text = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
        if self.trailer {
            self.reached = text.is_empty();
            return 1;
        }
        // The line break behind a chunk's data is an empty line here.
        if !text.is_empty() {
            let size = text.split(';').next().unwrap_or_default().trim();
            match usize::from_str_radix(size, 16) {
                Ok(0) => self.trailer = true,
                Ok(size) => self.left = size,
                Err(_) => self.reached = true,
            }
        }
        1
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn parse(bytes: Vec<u8>) -> Head {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let fields = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Head {
        bytes,
        line,
        fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_body_is_found_however_it_is_cut_up() {
        let cases: [(Body, &[u8], usize); 3] = [
            (Body::Length(5), b"hellonext", 5),
            (
                Body::Chunked,
                b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\nnext",
                27,
            ),
            (Body::Chunked, b"0\r\nTrailer: x\r\n\r\nnext", 17),
        ];
        for (body, bytes, length) in cases {
            for step in 1..=bytes.len() {
                let mut end = End::of(body);
                let mut used = 0;
                for piece in bytes.chunks(step) {
                    used += end.advance(piece);
                    if end.reached() {
                        break;
                    }
                }
                assert_eq!(used, length, "{body:?} by {step}");
                assert!(end.reached());
            }
        }
    }
}

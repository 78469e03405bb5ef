//! A container's output as the engine kept it.
//!
//! The engine keeps a line over 16 KB in pieces and, asked for times, puts one in front of each; only the first is one
//! of a line.

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt as _;

use crate::adapters::providers::docker::exec::split;
use crate::adapters::providers::docker::fault::{Cause, Fault, READ};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::event::Stream;
use crate::ports::provider::{InstanceRef, LogQuery};
use crate::ports::sink::Sink;

impl DockerProvider {
    /// Hands out a log; following ends with the container.
    pub(super) async fn read_log(
        &self,
        target: &InstanceRef,
        query: LogQuery,
        sink: &dyn Sink,
    ) -> Result<(), Fault> {
        let tail = query
            .tail
            .map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .follow(query.follow)
            .timestamps(query.timestamps)
            .tail(&tail)
            .build();
        let mut lines = self.docker.logs(target.id.as_str(), Some(options));
        let mut times = Times::default();
        loop {
            let next = if query.follow {
                lines.next().await
            } else {
                tokio::time::timeout(READ, lines.next())
                    .await
                    .map_err(|_| Fault {
                        call: "read the log of",
                        subject: target.name.clone(),
                        cause: Cause::Lost("no more of it within 30 s".to_owned()),
                    })?
            };
            match next {
                None => return Ok(()),
                Some(Ok(item)) => {
                    let (stream, bytes) = split(&item);
                    let bytes = if query.timestamps {
                        times.once_a_line(stream, bytes)
                    } else {
                        bytes
                    };
                    sink.output(stream, bytes);
                }
                Some(Err(error)) => {
                    return Err(Fault::of("read the log of", &target.name, &error));
                }
            }
        }
    }
}

/// Knows of each stream whether a line is open.
#[derive(Debug, Default)]
struct Times {
    open: [bool; 2],
}

impl Times {
    /// Takes the time off a piece that goes on with a line.
    fn once_a_line<'a>(&mut self, stream: Stream, piece: &'a [u8]) -> &'a [u8] {
        let [out, err] = &mut self.open;
        let open = match stream {
            Stream::Stdout | Stream::Engine => out,
            Stream::Stderr => err,
        };
        let text = if *open { without_time(piece) } else { piece };
        if let Some(last) = piece.last() {
            *open = *last != b'\n';
        }
        text
    }
}

/// Returns what is after `2026-11-21T07:26:00.123456789Z `; everything when that is not in front.
fn without_time(piece: &[u8]) -> &[u8] {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000000Z ";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        sign => byte == sign,
    };
    match piece.split_at_checked(SHAPE.len()) {
        Some((time, text)) if time.iter().zip(SHAPE).all(fits) => text,
        _ => piece,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_pieces_has_one_time() {
        const TIME: &str = "2026-11-21T07:26:00.123456789Z ";
        let mut times = Times::default();
        let pieces = [
            (
                Stream::Stdout,
                format!("{TIME}one\n"),
                format!("{TIME}one\n"),
            ),
            (
                Stream::Stdout,
                format!("{TIME}long "),
                format!("{TIME}long "),
            ),
            (
                Stream::Stderr,
                format!("{TIME}err\n"),
                format!("{TIME}err\n"),
            ),
            (Stream::Stdout, format!("{TIME}and "), "and ".to_owned()),
            (Stream::Stdout, "no time ".to_owned(), "no time ".to_owned()),
            (Stream::Stdout, format!("{TIME}on\n"), "on\n".to_owned()),
            (
                Stream::Stdout,
                format!("{TIME}two\n"),
                format!("{TIME}two\n"),
            ),
        ];
        for (stream, piece, expected) in pieces {
            let kept = times.once_a_line(stream, piece.as_bytes());
            assert_eq!(String::from_utf8_lossy(kept), expected, "{piece:?}");
        }
    }
}

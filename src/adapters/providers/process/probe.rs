//! Asking once whether something answers: a TCP connection that opens, an HTTP GET that answers 200 to 399.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Opens a connection to this machine.
pub(super) async fn tcp(port: u16, limit: Duration) -> Result<(), String> {
    connect(port, limit).await.map(drop)
}

async fn connect(port: u16, limit: Duration) -> Result<TcpStream, String> {
    match timeout(limit, TcpStream::connect(("127.0.0.1", port))).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(format!("connecting to port {port}: {error}")),
        Err(_) => Err(format!("connecting to port {port} takes too long")),
    }
}

/// Asks for a path and judges by the status line alone.
pub(super) async fn http(port: u16, path: &str, limit: Duration) -> Result<(), String> {
    let ask = async {
        let mut stream = connect(port, limit).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: nanokit\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
        stream
            .write_all(request.as_bytes())
            .await
            .map_err(|error| format!("asking port {port}: {error}"))?;
        let mut head = Vec::new();
        let mut chunk = [0_u8; 512];
        while !head.contains(&b'\n') && head.len() < 4096 {
            match stream.read(&mut chunk).await {
                Ok(0) => break,
                Ok(count) => head.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) => return Err(format!("reading from port {port}: {error}")),
            }
        }
        let text = String::from_utf8_lossy(&head);
        judge(text.lines().next().unwrap_or_default())
            .map_err(|answer| format!("GET {path} on port {port}: {answer}"))
    };
    timeout(limit, ask)
        .await
        .unwrap_or_else(|_| Err(format!("GET {path} on port {port} takes too long")))
}

fn judge(status_line: &str) -> Result<(), String> {
    let mut words = status_line.split_ascii_whitespace();
    let version = words.next().unwrap_or_default();
    let code = words.next().and_then(|word| word.parse::<u16>().ok());
    match code {
        Some(200..=399) if version.starts_with("HTTP/") => Ok(()),
        Some(code) if version.starts_with("HTTP/") => Err(format!("status {code}")),
        _ => Err("the answer is not HTTP".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_hundreds_and_three_hundreds_are_healthy() {
        let cases = [
            ("HTTP/1.1 200 OK", true),
            ("HTTP/1.0 302 Found", true),
            ("HTTP/1.1 399", true),
            ("HTTP/1.1 404 Not Found", false),
            ("HTTP/1.1 500", false),
            ("SSH-2.0 200", false),
            ("", false),
        ];
        for (line, healthy) in cases {
            assert_eq!(judge(line).is_ok(), healthy, "{line}");
        }
    }
}

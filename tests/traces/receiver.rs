//! A receiver of OTLP that keeps what it gets and reads it with the official messages; or misbehaves on purpose.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How a receiver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It takes everything.
    Takes,
    /// It takes everything but the first request, which it answers with 503.
    TakesTheSecond,
    /// It answers with this status.
    Answers(u16),
    /// It never answers.
    Hangs,
    /// It answers with something that is no protocol.
    Garbage,
    /// It answers without end.
    Endless,
}

/// What was received.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) spans: Vec<Span>,
    pub(crate) logs: Vec<LogRecord>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) resource: Vec<String>,
    /// Everything as it came, heads of requests included.
    pub(crate) raw: Vec<u8>,
    pub(crate) requests: usize,
}

impl Kept {
    fn take(&mut self, path: &str, body: &[u8]) {
        let text = |value: &opentelemetry_proto::tonic::common::v1::KeyValue| format!("{value:?}");
        if path.contains("trace") {
            let request = ExportTraceServiceRequest::decode(body).expect("a request with spans");
            for of in request.resource_spans {
                let resource = of.resource.expect("a resource");
                self.resource.extend(resource.attributes.iter().map(text));
                self.spans
                    .extend(of.scope_spans.into_iter().flat_map(|s| s.spans));
            }
        } else if path.contains("logs") {
            let request = ExportLogsServiceRequest::decode(body).expect("a request with logs");
            let scopes = request
                .resource_logs
                .into_iter()
                .flat_map(|of| of.scope_logs);
            self.logs.extend(scopes.flat_map(|scope| scope.log_records));
        } else {
            let request =
                ExportMetricsServiceRequest::decode(body).expect("a request with metrics");
            let scopes = request
                .resource_metrics
                .into_iter()
                .flat_map(|of| of.scope_metrics);
            self.metrics.extend(scopes.flat_map(|scope| scope.metrics));
        }
    }
}

/// A receiver on a thread of its own, which ends with the process.
pub(crate) struct Receiver {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Receiver {
    /// Starts one that speaks HTTP.
    pub(crate) fn http(manner: Manner) -> Self {
        Self::start(move |stream, kept| http(stream, kept, manner))
    }

    /// Starts one that speaks gRPC, and takes everything.
    pub(crate) fn grpc() -> Self {
        Self::start(grpc)
    }

    fn start<F, S>(serve: F) -> Self
    where
        F: Fn(TcpStream, Arc<Mutex<Kept>>) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let kept = Arc::<Mutex<Kept>>::default();
        let shared = Arc::clone(&kept);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&shared)));
                }
            });
        });
        Self { address, kept }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what was received; whoever sent has ended by then.
    pub(crate) fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("what was kept")
    }
}

async fn http(mut stream: TcpStream, kept: Arc<Mutex<Kept>>, manner: Manner) {
    let mut read = Vec::new();
    let (head, length) = loop {
        let mut part = [0; 4096];
        let Ok(n @ 1..) = stream.read(&mut part).await else {
            return;
        };
        read.extend_from_slice(&part[..n]);
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
            .unwrap_or(0);
        break (head, end + 4 + length);
    };
    while read.len() < length {
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let first = {
        let mut kept = kept.lock().expect("what was kept");
        kept.requests += 1;
        kept.raw.extend_from_slice(&read);
        let first = kept.requests == 1;
        if manner == Manner::Takes || (manner == Manner::TakesTheSecond && !first) {
            kept.take(&path, &read[length - body_length(&head)..length]);
        }
        first
    };
    let answer = match manner {
        Manner::TakesTheSecond if first => status(503),
        Manner::Takes | Manner::TakesTheSecond => status(200),
        Manner::Answers(code) => status(code),
        Manner::Garbage => b"\x00\xff\x1b[31mnot a protocol\r\n\r\n".to_vec(),
        Manner::Hangs => {
            std::future::pending::<()>().await;
            return;
        }
        Manner::Endless => {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
                .await;
            let lines = vec![0x0a; 65_536];
            while stream.write_all(&lines).await.is_ok() {}
            return;
        }
    };
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

fn body_length(head: &str) -> usize {
    head.lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0)
}

fn status(code: u16) -> Vec<u8> {
    format!("HTTP/1.1 {code} so\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

async fn grpc(stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, mut answer))) = connection.accept().await {
        let (head, mut body) = request.into_parts();
        let kept = Arc::clone(&kept);
        tokio::spawn(async move {
            let mut read = Vec::new();
            while let Some(Ok(part)) = body.data().await {
                read.extend_from_slice(&part);
                let _ = body.flow_control().release_capacity(part.len());
            }
            {
                let mut kept = kept.lock().expect("what was kept");
                kept.requests += 1;
                kept.raw.extend_from_slice(format!("{head:?}").as_bytes());
                kept.raw.extend_from_slice(&read);
                kept.take(head.uri.path(), &read[5..]);
            }
            let ok = http::Response::builder()
                .header("content-type", "application/grpc")
                .body(())
                .expect("an answer");
            let Ok(mut stream) = answer.send_response(ok, false) else {
                return;
            };
            let _ = stream.send_data(bytes::Bytes::from_static(&[0; 5]), false);
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            let _ = stream.send_trailers(trailers);
        });
    }
}

//! OTLP over gRPC: one unary call over HTTP/2. The whole protocol for that is a frame of five bytes in front of the
//! message, and a status in the trailers, so no framework is needed.

use ::http::header::{CONTENT_TYPE, HeaderMap, TE, USER_AGENT};
use ::http::{Method, Request, Uri, Version};
use bytes::Bytes;
use h2::RecvStream;

use crate::adapters::otlp::address::Address;
use crate::adapters::otlp::client::{ANSWER, Fault, Kind};
use crate::adapters::otlp::http::AGENT;
use crate::adapters::otlp::stream::Stream;
use crate::formats::otlp::answer::{Refused, refused};

/// Bytes in front of a message: whether it is compressed, and its length.
const FRAME: usize = 5;

/// Statuses that ask for another try: cancelled, deadline exceeded, aborted, out of range, unavailable, data loss.
const AGAIN: [u32; 6] = [1, 4, 10, 11, 14, 15];

/// Sends one request over a fresh connection.
pub(super) async fn exchange(
    to: &Address,
    kind: Kind,
    stream: Box<dyn Stream>,
    body: Vec<u8>,
) -> Result<Refused, Fault> {
    let (sender, connection) = h2::client::Builder::new()
        .max_header_list_size(16 * 1024)
        .enable_push(false)
        .handshake::<_, Bytes>(stream)
        .await
        .map_err(Fault::connection)?;
    let connection = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    let request = request(to, kind).map_err(|error| Fault::Never(error.to_string()))?;
    let body = framed(&body).ok_or_else(|| Fault::Never("the request is too long".to_owned()))?;
    let answer = async {
        let mut sender = sender.ready().await.map_err(Fault::connection)?;
        let (answer, mut sending) = sender
            .send_request(request, false)
            .map_err(Fault::connection)?;
        sending.send_data(body, true).map_err(Fault::connection)?;
        let answer = answer.await.map_err(Fault::connection)?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            return Err(Fault::Never(format!(
                "the receiver answered {status}; it may not speak gRPC"
            )));
        }
        // A refusal may come without a body: its status then stands in the head.
        let early = status(answer.headers());
        let mut incoming = answer.into_body();
        let read = read(&mut incoming).await?;
        let trailers = incoming.trailers().await.map_err(Fault::connection)?;
        let (code, said) = trailers
            .as_ref()
            .and_then(status)
            .or(early)
            .ok_or_else(|| Fault::Never("the receiver's answer has no status".to_owned()))?;
        verdict(code, &said)?;
        Ok(refused(read.get(FRAME..).unwrap_or_default()))
    };
    tokio::select! {
        biased;
        done = answer => done,
        () = connection => Err(Fault::connection("the connection ended")),
    }
}

fn request(to: &Address, kind: Kind) -> Result<Request<()>, ::http::Error> {
    let service = match kind {
        Kind::Traces => "trace.v1.TraceService",
        Kind::Logs => "logs.v1.LogsService",
        Kind::Metrics => "metrics.v1.MetricsService",
    };
    let uri = Uri::builder()
        .scheme(if to.secure { "https" } else { "http" })
        .authority(to.authority.as_str())
        .path_and_query(format!("/opentelemetry.proto.collector.{service}/Export"))
        .build()?;
    let mut request = Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(uri)
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, AGENT);
    for (name, value) in &to.headers {
        request = request.header(name, value);
    }
    request.body(())
}

fn framed(body: &[u8]) -> Option<Bytes> {
    let length = u32::try_from(body.len()).ok()?;
    let mut framed = Vec::with_capacity(FRAME + body.len());
    framed.push(0);
    framed.extend(length.to_be_bytes());
    framed.extend_from_slice(body);
    Some(framed.into())
}

/// Reads an answer, but not an endless one.
async fn read(incoming: &mut RecvStream) -> Result<Vec<u8>, Fault> {
    let mut read = Vec::new();
    while let Some(part) = incoming.data().await {
        let part = part.map_err(Fault::connection)?;
        if read.len() + part.len() > ANSWER {
            return Err(Fault::Never("the receiver's answer is too long".to_owned()));
        }
        read.extend_from_slice(&part);
        incoming
            .flow_control()
            .release_capacity(part.len())
            .map_err(Fault::connection)?;
    }
    Ok(read)
}

fn status(headers: &HeaderMap) -> Option<(u32, String)> {
    let code = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
    let said = headers.get("grpc-message");
    let said = said.and_then(|value| value.to_str().ok()).unwrap_or("");
    Some((code, said.chars().take(256).collect()))
}

fn verdict(code: u32, said: &str) -> Result<(), Fault> {
    if code == 0 {
        return Ok(());
    }
    let why = format!("the receiver answered with gRPC status {code}: {said}");
    if AGAIN.contains(&code) {
        Err(Fault::Again(why, None))
    } else {
        Err(Fault::Never(why))
    }
}

//! OTLP over HTTP: one POST with a protobuf body.

use std::time::Duration;

use ::http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use ::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::adapters::otlp::address::Address;
use crate::adapters::otlp::client::{ANSWER, Fault};
use crate::adapters::otlp::stream::Stream;
use crate::formats::otlp::answer::{Refused, refused};

/// Name of this program in requests.
pub(super) const AGENT: &str = concat!("nanokit/", env!("CARGO_PKG_VERSION"));

/// Sends one request over a fresh connection.
pub(super) async fn exchange(
    to: &Address,
    stream: Box<dyn Stream>,
    body: Vec<u8>,
) -> Result<Refused, Fault> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(ANSWER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(Fault::connection)?;
    // Whether it went well is the request's to say: a receiver may close as soon as it has answered.
    let connection = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    let request = request(to, body).map_err(|error| Fault::Never(error.to_string()))?;
    let answer = async {
        let answer = sender
            .send_request(request)
            .await
            .map_err(Fault::connection)?;
        let (head, body) = answer.into_parts();
        let after = head.headers.get(RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
        verdict(head.status, after.map(Duration::from_secs))?;
        // It was taken; an answer that is too long or breaks off changes nothing about that.
        let read = Limited::new(body, ANSWER).collect().await;
        Ok(read.map_or_else(|_| Refused::default(), |read| refused(&read.to_bytes())))
    };
    tokio::select! {
        biased;
        done = answer => done,
        () = connection => Err(Fault::connection("the connection ended")),
    }
}

fn request(to: &Address, body: Vec<u8>) -> Result<Request<Full<Bytes>>, ::http::Error> {
    let mut request = Request::post(&to.path)
        .header(HOST, &to.authority)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/x-protobuf");
    for (name, value) in &to.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(Bytes::from(body)))
}

/// Says what a status means by the rules of OTLP: four of them ask for another try, nothing else does.
fn verdict(status: StatusCode, after: Option<Duration>) -> Result<(), Fault> {
    if status.is_success() {
        return Ok(());
    }
    let why = format!("the receiver answered {}", status.as_u16());
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Err(Fault::Again(why, after)),
        _ => Err(Fault::Never(why)),
    }
}

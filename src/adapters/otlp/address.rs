//! Where a receiver is, taken apart.

use ::http::Uri;
use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

use crate::domain::project::telemetry::Protocol;
use crate::domain::trace::settings::Endpoint;

/// A receiver for one kind of signal.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) protocol: Protocol,
    pub(super) secure: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// `host:port` as it stands in requests.
    pub(super) authority: String,
    /// Path of HTTP requests.
    pub(super) path: String,
    /// Values are marked sensitive, so that no debug print shows them.
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
}

impl Address {
    /// Reads an endpoint, or says why it is none.
    pub(super) fn read(endpoint: &Endpoint) -> Result<Self, String> {
        let bad = |why: &str| format!("traces are not sent to `{}`: {why}", shown(&endpoint.url));
        let uri: Uri = endpoint
            .url
            .parse()
            .map_err(|_| bad("it must be an address such as `http://localhost:4318`"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") if cfg!(feature = "otlp-tls") => true,
            Some("https") => {
                return Err(bad(
                    "`https` needs a build with `--features otlp-tls`; a collector beside you takes `http`",
                ));
            }
            Some(_) | None => {
                return Err(bad("it must be an address such as `http://localhost:4318`"));
            }
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| bad("it names no host"))?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let mut headers = HeaderMap::new();
        for (name, value) in &endpoint.headers {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| bad("a header has a name that cannot be sent"))?;
            let mut value = HeaderValue::try_from(value.expose())
                .map_err(|_| bad(&format!("the value of the header `{name}` cannot be sent")))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(Self {
            protocol: endpoint.protocol,
            secure,
            authority: format!("{host}:{port}"),
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            path: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
            headers,
            timeout: endpoint.timeout,
        })
    }
}

/// Returns an address without what may be a password in it.
fn shown(url: &str) -> String {
    let hidden = url.rsplit_once('@').and_then(|(before, host)| {
        let (scheme, _) = before.split_once("://")?;
        Some(format!("{scheme}://{host}"))
    });
    hidden
        .unwrap_or_else(|| url.to_owned())
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect()
}

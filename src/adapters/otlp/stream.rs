//! A connection to a receiver, plain or with TLS.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::adapters::otlp::address::Address;

/// Any connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects.
pub(super) async fn connect(to: &Address) -> io::Result<Box<dyn Stream>> {
    let plain = TcpStream::connect((to.host.as_str(), to.port)).await?;
    plain.set_nodelay(true)?;
    if to.secure {
        return secured(to, plain).await;
    }
    Ok(Box::new(plain))
}

#[cfg(feature = "otlp-tls")]
async fn secured(to: &Address, plain: TcpStream) -> io::Result<Box<dyn Stream>> {
    use std::sync::Arc;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

    use crate::domain::project::telemetry::Protocol;

    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if to.protocol == Protocol::Grpc {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    let name = ServerName::try_from(to.host.clone()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, plain)
        .await?;
    Ok(Box::new(stream))
}

#[cfg(not(feature = "otlp-tls"))]
#[expect(clippy::unused_async, reason = "the other build waits here")]
async fn secured(_: &Address, _: TcpStream) -> io::Result<Box<dyn Stream>> {
    Err(io::Error::other("this build speaks no TLS"))
}

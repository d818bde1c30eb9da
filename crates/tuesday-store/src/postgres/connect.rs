//! How a connection is made: plain, or with TLS where the address says `sslmode=require`.
//!
//! The certificate is then always checked against the system's authorities, with the host's name;
//! there is no mode that encrypts without knowing to whom. Without `sslmode` nothing is negotiated,
//! because a fallback that depends on the server's mood protects nobody.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::str::FromStr as _;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Config, Socket};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::error::OpenError;

/// A parsed address and how to encrypt the way to it.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
}

impl Address {
    /// Reads the address.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        let mut config = Config::from_str(url)?;
        if config.get_application_name().is_none() {
            config.application_name("tuesday");
        }
        let tls = if config.get_ssl_mode() == SslMode::Require {
            Tls(Some(connector()?))
        } else {
            config.ssl_mode(SslMode::Disable);
            Tls(None)
        };
        Ok(Self { config, tls })
    }
}

fn connector() -> Result<TlsConnector, OpenError> {
    let failed = |e: &dyn std::fmt::Display| OpenError::Database(format!("TLS: {e}"));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(failed(
            &"this machine has no certificate authorities (package ca-certificates)",
        ));
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// TLS with a checked certificate, or none at all.
#[derive(Clone)]
pub(crate) struct Tls(Option<TlsConnector>);

/// A handshake with one host.
pub(crate) struct Handshake(Option<TlsConnector>, ServerName<'static>);

/// An encrypted connection.
pub(crate) struct Encrypted(Box<tokio_rustls::client::TlsStream<Socket>>);

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Encrypted;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        let name = match &self.0 {
            Some(_) => ServerName::try_from(domain.to_owned()).map_err(io::Error::other)?,
            // Never used: a connection without TLS makes no handshake. A socket's path is no name.
            None => ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
        };
        Ok(Handshake(self.0.clone(), name))
    }
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move {
            let connector = self
                .0
                .ok_or_else(|| io::Error::other("TLS was not asked for"))?;
            let stream = connector.connect(self.1, stream).await?;
            Ok(Encrypted(Box::new(stream)))
        })
    }
}

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn only_an_address_that_requires_it_is_encrypted() {
        let plain = Address::parse("postgres://u@db.example.com/t").unwrap();
        assert_eq!(plain.config.get_ssl_mode(), SslMode::Disable);
        assert!(plain.tls.0.is_none());
        let safe = Address::parse("postgres://u@db.example.com/t?sslmode=require").unwrap();
        assert_eq!(safe.config.get_ssl_mode(), SslMode::Require);
        assert!(safe.tls.0.is_some());
        assert!(Address::parse("postgres://u@db.example.com/t?sslmode=maybe").is_err());
    }
}

//! One keep-alive connection of HTTP/1.1, with as little work for each request as there can be: the
//! load generator shares its cores with what it measures.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::fault::BenchError;

/// Where to, taken apart once.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    authority: String,
    host: HeaderValue,
    path: Uri,
}

impl Address {
    /// Takes `http://host:port/path` apart.
    pub(crate) fn parse(text: &str) -> Result<Self, BenchError> {
        let bad = || BenchError::Address(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        if uri.scheme_str() != Some("http") || uri.port().is_none() {
            return Err(bad());
        }
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        Ok(Self {
            authority: authority.as_str().to_owned(),
            host: HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?,
            path: path.parse().map_err(|_| bad())?,
        })
    }
}

/// An open connection; it is good for one request at a time.
pub(crate) struct Connection {
    to: Address,
    sender: SendRequest<Full<Bytes>>,
}

/// A whole answer.
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Heard {
    /// The start of the body, for an error.
    pub(crate) fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body)
            .chars()
            .take(200)
            .collect()
    }
}

impl Connection {
    pub(crate) async fn open(to: &Address) -> Result<Self, BenchError> {
        let fault = |detail: String| BenchError::Connection {
            to: to.authority.clone(),
            detail,
        };
        let stream = TcpStream::connect(&to.authority)
            .await
            .map_err(|e| fault(e.to_string()))?;
        stream.set_nodelay(true).map_err(|e| fault(e.to_string()))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| fault(e.to_string()))?;
        // What the connection ends with is told to the request that waits for it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            to: to.clone(),
            sender,
        })
    }

    /// The next requests go to this path of the same server.
    pub(crate) fn turn_to(&mut self, path: &str) -> Result<(), BenchError> {
        self.to.path = path
            .parse()
            .map_err(|_| BenchError::Address(path.to_owned()))?;
        Ok(())
    }

    pub(crate) async fn get(&mut self) -> Result<Heard, BenchError> {
        self.get_with(&[]).await
    }

    pub(crate) async fn get_with(
        &mut self,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Heard, BenchError> {
        self.send(Method::GET, headers, Bytes::new()).await
    }

    pub(crate) async fn post(
        &mut self,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Heard, BenchError> {
        self.send(Method::POST, headers, body).await
    }

    async fn send(
        &mut self,
        method: Method,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Heard, BenchError> {
        let has_body = !body.is_empty();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.to.path.clone();
        request.headers_mut().insert(HOST, self.to.host.clone());
        if has_body {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in headers {
            request.headers_mut().insert(name, value.clone());
        }
        let fault = |e: hyper::Error| BenchError::Connection {
            to: self.to.authority.clone(),
            detail: e.to_string(),
        };
        self.sender.ready().await.map_err(fault)?;
        let answer = self.sender.send_request(request).await.map_err(fault)?;
        let status = answer.status().as_u16();
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(fault)?
            .to_bytes();
        Ok(Heard { status, body })
    }
}

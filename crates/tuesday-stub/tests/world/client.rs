//! A served world and a plain client for it.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tuesday_stub::World;

/// A world that is being served; it ends with the test's runtime.
pub(crate) struct Served {
    pub(crate) world: World,
    pub(crate) at: SocketAddr,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// How far a request came that brought no whole answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Broken {
    NoHead,
    NoBody,
}

pub(crate) async fn serve(world: World) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(tuesday_stub::serve(
        listener,
        world.clone(),
        std::future::pending(),
    ));
    Served { world, at }
}

impl Served {
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Heard, Broken> {
        let stream = TcpStream::connect(self.at).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "stub");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let answer = sender
            .send_request(request)
            .await
            .map_err(|_| Broken::NoHead)?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| Broken::NoBody)?.to_bytes();
        Ok(Heard {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Heard {
        self.call("GET", path, &[], "").await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &str) -> Result<Heard, Broken> {
        self.call(
            "POST",
            path,
            &[("idempotency-key", key), ("x-tuesday-run", "run_1")],
            body,
        )
        .await
    }

    /// Gives an order to a control path.
    pub(crate) async fn order(&self, path: &str, body: &str) {
        let heard = self.call("POST", path, &[], body).await.unwrap();
        assert_eq!(heard.status, 204, "{heard:?}");
    }
}

//! A provider that does exactly what a test tells it to, byte by byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes one by one, this long apart.
    Drip(Vec<u8>, Duration),
    /// Sends nothing more and keeps the connection open.
    Hang,
    /// Resets the connection.
    Reset,
}

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let mut lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    }
}

/// The running server; ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    /// Answers the n-th request with the n-th script; the last script is used again.
    pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let server = Self {
            url,
            seen: Arc::clone(&seen),
            connections: Arc::clone(&connections),
        };
        let scripts = Arc::new(scripts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, Arc::clone(&scripts), Arc::clone(&seen)));
            }
        });
        server
    }

    pub(crate) async fn once(bytes: Vec<u8>) -> Self {
        Self::start(vec![vec![Step::Send(bytes)]]).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

async fn serve(mut stream: TcpStream, scripts: Arc<Vec<Vec<Step>>>, seen: Arc<Mutex<Vec<Seen>>>) {
    while let Some(request) = receive(&mut stream).await {
        let place = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            usize::min(seen.len(), scripts.len()) - 1
        };
        for step in &scripts[place] {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                Step::Drip(bytes, apart) => {
                    for byte in bytes {
                        if stream.write_all(&[*byte]).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(*apart).await;
                    }
                }
                Step::Hang => std::future::pending().await,
                Step::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
            }
        }
        let closes = |step: &Step| matches!(step, Step::Send(bytes) if String::from_utf8_lossy(bytes).contains("connection: close"));
        if scripts[place].iter().any(closes) {
            return;
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut seen = Seen {
        head,
        body: bytes[end..].to_vec(),
    };
    let length: usize = seen
        .header("content-length")
        .map_or(0, |l| l.parse().unwrap());
    while seen.body.len() < length {
        if stream.read_buf(&mut seen.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(seen)
}

/// A whole answer with a length.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: &Value) -> Vec<u8> {
    reply(
        status,
        &[
            ("content-type", "application/json"),
            ("x-request-id", "req-77"),
        ],
        body.to_string(),
    )
}

/// The head of an answer whose body ends when the connection does, or is cut short of a declared length.
pub(crate) fn head(extra: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{extra}\r\n\r\n").into_bytes()
}

/// A whole event stream.
pub(crate) fn stream(events: &[&str]) -> Vec<u8> {
    let body: String = events.iter().map(|event| format!("{event}\n\n")).collect();
    reply(
        200,
        &[("content-type", "text/event-stream; charset=utf-8")],
        body,
    )
}

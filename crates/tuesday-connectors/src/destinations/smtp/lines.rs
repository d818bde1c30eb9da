//! Reads and writes the lines of an SMTP connection, plain or inside TLS.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

/// Longest answer of a server, in bytes; real ones have a few hundred.
const MOST: usize = 16 * 1024;

/// Either kind of connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An answer: three digits and the text of all its lines.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        let text = self.lines.join(" / ");
        let plain: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(400)
            .collect();
        format!("{} {plain}", self.code)
    }
}

pub(super) struct Lines {
    stream: BufReader<Box<dyn Stream>>,
}

impl Lines {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Gives the connection up for TLS. Text that is already buffered would have been sent before
    /// the handshake, by whoever sits in between, so it is an error.
    pub(super) fn into_stream(self) -> Result<Box<dyn Stream>, String> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err("text before the TLS handshake".to_owned())
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let io = |e: std::io::Error| e.kind().to_string();
        self.stream.get_mut().write_all(bytes).await.map_err(io)?;
        self.stream.get_mut().flush().await.map_err(io)
    }

    pub(super) async fn read(&mut self) -> Result<Answer, String> {
        let mut lines = Vec::new();
        let mut total = 0;
        loop {
            let mut line = Vec::new();
            loop {
                let chunk = self
                    .stream
                    .fill_buf()
                    .await
                    .map_err(|e| e.kind().to_string())?;
                if chunk.is_empty() {
                    return Err("the connection was closed".to_owned());
                }
                let (used, ended) = chunk
                    .iter()
                    .position(|&b| b == b'\n')
                    .map_or((chunk.len(), false), |i| (i + 1, true));
                line.extend_from_slice(&chunk[..used]);
                self.stream.consume(used);
                total += used;
                if total > MOST {
                    return Err("the answer is too long".to_owned());
                }
                if ended {
                    break;
                }
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code = line
                .get(..3)
                .and_then(|c| c.parse::<u16>().ok())
                .filter(|c| (200..600).contains(c));
            let code = code.ok_or("the answer is not SMTP")?;
            let more = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if !more {
                return Ok(Answer { code, lines });
            }
        }
    }

    pub(super) async fn ask(&mut self, command: &str) -> Result<Answer, String> {
        self.write(format!("{command}\r\n").as_bytes()).await?;
        self.read().await
    }
}

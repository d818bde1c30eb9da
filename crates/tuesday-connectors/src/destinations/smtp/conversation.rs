//! One SMTP conversation that always knows how far it came.
//!
//! The last line of a message, a single dot, is the point of no return. Before it is written the
//! server must discard whatever it has (RFC 5321, 4.1.1.4 and 3.8), so a failure is clean. From then
//! on only the server's own answer says what happened; a lost one stays unclear for ever (RFC 1047).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tuesday_domain::port::SendFault;
use zeroize::Zeroizing;

use super::lines::{Answer, Lines};
use crate::sources::tls::connector;

/// How the connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tls {
    None,
    Upgrade,
    Implicit,
}

/// A mail server and how to log in.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    pub(crate) login: Option<(String, Zeroizing<Vec<u8>>)>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}:{} {:?})", self.host, self.port, self.tls)
    }
}

/// How a conversation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MailFault {
    /// Nothing was taken, and it may pass.
    ForNow(&'static str, String),
    /// Nothing was taken, and it will not pass by itself.
    ForGood(&'static str, String),
    /// The dot was sent and no clear answer came.
    Unclear(String),
}

impl MailFault {
    pub(crate) fn into_send_fault(self) -> SendFault {
        match self {
            Self::ForNow(code, detail) => SendFault::RefusedForNow {
                code,
                detail,
                retry_after: None,
            },
            Self::ForGood(code, detail) => SendFault::RefusedForGood { code, detail },
            Self::Unclear(detail) => SendFault::Unclear {
                code: "unclear_after_data",
                detail,
            },
        }
    }
}

impl fmt::Display for MailFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForNow(code, detail) | Self::ForGood(code, detail) => {
                write!(f, "{code}: {detail}")
            }
            Self::Unclear(detail) => write!(f, "unclear: {detail}"),
        }
    }
}

impl Server {
    /// `address` is `host:port`; `tls` is `none`, `starttls` (when absent) or `tls`.
    pub(crate) fn new(
        address: &str,
        tls: Option<&str>,
        user: Option<String>,
        password: Option<Vec<u8>>,
    ) -> Result<Self, String> {
        let (host, port) = address
            .rsplit_once(':')
            .ok_or("`server` must be `host:port`")?;
        let port = port.parse().map_err(|_| "`server` must be `host:port`")?;
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let tls = match tls {
            None | Some("starttls") => Tls::Upgrade,
            Some("tls") => Tls::Implicit,
            Some("none") => Tls::None,
            Some(_) => return Err("`tls` must be none, starttls or tls".to_owned()),
        };
        let login = match (user, password) {
            (Some(user), Some(password)) => Some((user, Zeroizing::new(password))),
            (None, None) => None,
            _ => return Err("`user` and `auth` belong together".to_owned()),
        };
        let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if tls == Tls::None && login.is_some() && !local {
            return Err("a password is never sent without TLS; set `tls`".to_owned());
        }
        Ok(Self {
            host,
            port,
            tls,
            login,
        })
    }
}

/// Hands one message over. The answer is the server's last line.
pub(crate) async fn deliver(
    server: &Server,
    from: &str,
    to: &str,
    message: &[u8],
    timeout: Duration,
) -> Result<String, MailFault> {
    let dot_sent = AtomicBool::new(false);
    match tokio::time::timeout(timeout, converse(server, from, to, message, &dot_sent)).await {
        Ok(result) => result,
        Err(_) if dot_sent.load(Ordering::SeqCst) => Err(MailFault::Unclear(format!(
            "no answer to the message within {timeout:?}"
        ))),
        Err(_) => Err(MailFault::ForNow(
            "timeout",
            format!("not handed over within {timeout:?}"),
        )),
    }
}

async fn converse(
    server: &Server,
    from: &str,
    to: &str,
    message: &[u8],
    dot_sent: &AtomicBool,
) -> Result<String, MailFault> {
    let lost = |e: String| MailFault::ForNow("connection", e);
    let mut lines = greet(server).await?;
    expect(
        lines
            .ask(&format!("MAIL FROM:<{from}>"))
            .await
            .map_err(lost)?,
        &[250],
        "sender_refused",
    )?;
    expect(
        lines.ask(&format!("RCPT TO:<{to}>")).await.map_err(lost)?,
        &[250, 251],
        "recipient_refused",
    )?;
    expect(
        lines.ask("DATA").await.map_err(lost)?,
        &[354],
        "data_refused",
    )?;
    lines.write(&stuffed(message)).await.map_err(lost)?;
    dot_sent.store(true, Ordering::SeqCst);
    let unclear = |e: String| MailFault::Unclear(format!("after the whole message was sent: {e}"));
    lines.write(b".\r\n").await.map_err(unclear)?;
    let answer = lines.read().await.map_err(unclear)?;
    if !(answer.code == 250 || (400..600).contains(&answer.code)) {
        return Err(MailFault::Unclear(format!(
            "the message was answered with {}",
            answer.text()
        )));
    }
    let answer = expect(answer, &[250], "message_refused")?;
    // A farewell nobody waits for: the message is already taken.
    if let Err(e) = lines.write(b"QUIT\r\n").await {
        tracing::debug!(error = %e, "the mail server closed before QUIT");
    }
    Ok(answer.text())
}

/// Connects, secures the connection, says hello and logs in.
async fn greet(server: &Server) -> Result<Lines, MailFault> {
    let lost = |e: String| MailFault::ForNow("connection", e);
    let stream = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|e| {
            MailFault::ForNow(
                "connect",
                format!("{}:{}: {}", server.host, server.port, e.kind()),
            )
        })?;
    let mut lines = if server.tls == Tls::Implicit {
        Lines::new(secured(server, Box::new(stream)).await?)
    } else {
        Lines::new(Box::new(stream))
    };
    expect(lines.read().await.map_err(lost)?, &[220], "greeting")?;
    let mut hello = expect(
        lines.ask("EHLO tuesday.local").await.map_err(lost)?,
        &[250],
        "hello_refused",
    )?;
    if server.tls == Tls::Upgrade {
        if !offers(&hello, "STARTTLS") {
            return Err(MailFault::ForGood(
                "no_starttls",
                "the server does not offer STARTTLS".to_owned(),
            ));
        }
        expect(
            lines.ask("STARTTLS").await.map_err(lost)?,
            &[220],
            "starttls_refused",
        )?;
        let plain = lines
            .into_stream()
            .map_err(|e| MailFault::ForGood("tls", e))?;
        lines = Lines::new(secured(server, plain).await?);
        // What was offered before TLS could have been written by anybody, so it is asked again.
        hello = expect(
            lines.ask("EHLO tuesday.local").await.map_err(lost)?,
            &[250],
            "hello_refused",
        )?;
    }
    if let Some((user, password)) = &server.login {
        log_in(&mut lines, &hello, user, password).await?;
    }
    Ok(lines)
}

async fn log_in(
    lines: &mut Lines,
    hello: &Answer,
    user: &str,
    password: &[u8],
) -> Result<(), MailFault> {
    let lost = |e: String| MailFault::ForNow("connection", e);
    let methods = hello
        .lines
        .iter()
        .find_map(|l| {
            l.to_ascii_uppercase()
                .strip_prefix("AUTH ")
                .map(str::to_owned)
        })
        .unwrap_or_default();
    let has = |name: &str| methods.split_whitespace().any(|m| m == name);
    let answer = if has("PLAIN") {
        let mut token = Zeroizing::new(format!("\0{user}\0").into_bytes());
        token.extend_from_slice(password);
        let line = Zeroizing::new(format!("AUTH PLAIN {}", BASE64.encode(&*token)));
        lines.ask(&line).await.map_err(lost)?
    } else if has("LOGIN") {
        expect(
            lines.ask("AUTH LOGIN").await.map_err(lost)?,
            &[334],
            "login_refused",
        )?;
        expect(
            lines.ask(&BASE64.encode(user)).await.map_err(lost)?,
            &[334],
            "login_refused",
        )?;
        let line = Zeroizing::new(BASE64.encode(password));
        lines.ask(&line).await.map_err(lost)?
    } else {
        return Err(MailFault::ForGood(
            "no_login",
            "the server offers neither AUTH PLAIN nor AUTH LOGIN".to_owned(),
        ));
    };
    // The server's text is left out: some repeat what was sent.
    if answer.code == 235 {
        return Ok(());
    }
    let detail = format!("login answered {}", answer.code);
    Err(if answer.code < 500 {
        MailFault::ForNow("login_refused", detail)
    } else {
        MailFault::ForGood("login_refused", detail)
    })
}

async fn secured(
    server: &Server,
    stream: Box<dyn super::lines::Stream>,
) -> Result<Box<dyn super::lines::Stream>, MailFault> {
    let bad = |e: String| MailFault::ForGood("tls", e);
    let connector = connector().map_err(bad)?;
    let name = ServerName::try_from(server.host.clone()).map_err(|e| bad(e.to_string()))?;
    let secured = connector.connect(name, stream).await;
    // A wrong certificate does not pass by itself, but an expired one is renewed: try again later.
    secured
        .map(|s| Box::new(s) as Box<dyn super::lines::Stream>)
        .map_err(|e| MailFault::ForNow("tls", e.to_string()))
}

fn offers(hello: &Answer, what: &str) -> bool {
    hello
        .lines
        .iter()
        .any(|l| l.trim().eq_ignore_ascii_case(what))
}

/// The answer when its code is one of `good`; else a clean refusal, for now or for good as SMTP says.
fn expect(answer: Answer, good: &[u16], code: &'static str) -> Result<Answer, MailFault> {
    if good.contains(&answer.code) {
        return Ok(answer);
    }
    let text = answer.text();
    Err(if (400..500).contains(&answer.code) {
        MailFault::ForNow(code, text)
    } else {
        MailFault::ForGood(code, text)
    })
}

/// The message with CRLF line ends and doubled leading dots, ending in CRLF.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|&b| b == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        let bare = line
            .strip_suffix(b"\n")
            .map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l));
        out.extend_from_slice(bare);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_message_can_end_it() {
        assert_eq!(stuffed(b"a\n.\r\n..b\nend"), b"a\r\n..\r\n...b\r\nend\r\n");
    }

    #[test]
    fn passwords_need_tls_and_are_not_printed() {
        let login = || (Some("u".to_owned()), Some(b"canary".to_vec()));
        let (user, password) = login();
        assert!(Server::new("mail.example:25", Some("none"), user, password).is_err());
        let (user, password) = login();
        let server = Server::new("mail.example:587", None, user, password).unwrap();
        assert!(!format!("{server:?}").contains("canary"));
    }
}

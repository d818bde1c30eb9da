//! A small SMTP server that keeps what it accepts, and misbehaves as scripted.
//!
//! Scripts name the system `mail` and as method the command: `MAIL`, `RCPT` or `DATA`. A `status`
//! (from 400) refuses; `drop: before_apply` closes the connection without keeping the message;
//! `drop: after_apply` keeps it and closes before the 250, the gap that no sender can tell apart.
//! There is no TLS, and any sign-in is accepted.

use std::future::Future;
use std::io;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::clock;
use crate::fault::StubError;
use crate::ledger::Entry;
use crate::record::Record;
use crate::script::Script;
use crate::serve::is_of_one_connection;
use crate::world::World;

/// Largest message, bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// The path that scripts match.
const PATH: &str = "/mail/messages";

/// Serves until `shutdown` resolves. Accepted messages are records of `mail/messages` and entries
/// of the ledger `mail`, with the `Message-ID` as key.
///
/// # Errors
/// When the listener fails for another reason than one connection.
pub async fn serve(
    listener: TcpListener,
    world: World,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    tokio::pin!(shutdown);
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return Ok(()),
        };
        match accepted {
            Ok((stream, _)) => {
                let world = world.clone();
                sessions.spawn(async move {
                    // A session that breaks off leaves what it had delivered; there is nobody to tell.
                    let _ = session(stream, &world).await;
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
        while sessions.try_join_next().is_some() {}
    }
}

#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

/// What to do after a command.
enum Next {
    Say(String),
    Close,
}

fn say(line: &str) -> Next {
    Next::Say(format!("{line}\r\n"))
}

async fn session(stream: TcpStream, world: &World) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut envelope = Envelope::default();
    write.write_all(b"220 stub ESMTP\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if read.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end();
        let verb = command.get(..4).unwrap_or(command).to_ascii_uppercase();
        if verb == "QUIT" {
            return write.write_all(b"221 goodbye\r\n").await;
        }
        let next = match (verb.as_str(), &envelope.from) {
            ("DATA", Some(_)) if !envelope.to.is_empty() => {
                write.write_all(b"354 end with a dot\r\n").await?;
                let Some(message) = message(&mut read).await? else {
                    return Ok(());
                };
                data(world, std::mem::take(&mut envelope), message).await
            }
            _ => simple(world, &verb, command, &mut envelope).await,
        };
        match next {
            Next::Say(answer) => write.write_all(answer.as_bytes()).await?,
            Next::Close => return Ok(()),
        }
    }
}

async fn simple(world: &World, verb: &str, command: &str, envelope: &mut Envelope) -> Next {
    if matches!(verb, "MAIL" | "RCPT")
        && let Some(script) = world.scripts().take("mail", PATH, verb)
    {
        tokio::time::sleep(script.delay()).await;
        if script.is_silent() {
            return Next::Close;
        }
        if !script.applies() {
            return say(&refusal(&script));
        }
    }
    match (verb, address(command)) {
        ("EHLO", _) => say("250-stub\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-AUTH PLAIN\r\n250 OK"),
        ("HELO" | "NOOP", _) => say("250 OK"),
        ("RSET", _) => {
            *envelope = Envelope::default();
            say("250 OK")
        }
        ("AUTH", _) => say("235 accepted"),
        ("MAIL", Some(from)) => {
            *envelope = Envelope {
                from: Some(from),
                to: Vec::new(),
            };
            say("250 OK")
        }
        ("RCPT", Some(to)) if envelope.from.is_some() => {
            envelope.to.push(to);
            say("250 OK")
        }
        ("DATA" | "RCPT", _) => say("503 bad sequence of commands"),
        ("MAIL", None) => say("501 an address in <> is needed"),
        _ => say("502 not known here"),
    }
}

/// Takes the message in, unless a script says otherwise.
async fn data(world: &World, envelope: Envelope, raw: Vec<u8>) -> Next {
    let script = world.scripts().take("mail", PATH, "DATA");
    let kept = keep(world, envelope, &raw, script.as_deref());
    if let Some(script) = &script {
        tokio::time::sleep(script.delay()).await;
    }
    match (kept, script) {
        (Err(_), _) => say("451 the ledger cannot be written"),
        (Ok(_), Some(script)) if script.is_silent() => Next::Close,
        (Ok(_), Some(script)) if !script.applies() => say(&refusal(&script)),
        (Ok(id), _) => say(&format!("250 OK kept as {id}")),
    }
}

fn keep(
    world: &World,
    envelope: Envelope,
    raw: &[u8],
    script: Option<&Script>,
) -> Result<String, StubError> {
    let text = String::from_utf8_lossy(raw);
    let now = clock::text(world.now());
    let header = |name: &str| header(&text, name);
    let (message_id, run) = (header("message-id"), header("x-tuesday-run"));
    let applied = script.is_none_or(Script::applies);
    let body = json!({
        "from": envelope.from,
        "to": envelope.to,
        "subject": header("subject"),
        "message_id": message_id,
        "raw": text,
    });
    let system = world.system("mail");
    let mut state = system.lock();
    let mut record_id = None;
    if applied && let Value::Object(fields) = &body {
        let messages = state.collection("messages");
        record_id = Some(messages.create("messages", Record::clone(fields), &now).0);
    }
    let entry = Entry {
        seq: world.next_seq(),
        at: now,
        system: "mail".to_owned(),
        collection: "messages".to_owned(),
        record_id: record_id.clone(),
        method: "SMTP".to_owned(),
        idempotency_key: message_id,
        run,
        status: script.and_then(|s| s.status).unwrap_or(250),
        applied,
        answered: !script.is_some_and(Script::is_silent),
        replayed: false,
        body: Bytes::from(body.to_string()),
    };
    let entered = world.enter(&mut state, entry);
    drop(state);
    if applied {
        world.count_applied();
        let mut folders = world.mailboxes().lock();
        if folders.open {
            folders.put("INBOX", Bytes::copy_from_slice(raw));
        }
    }
    entered.map(|()| record_id.unwrap_or_default())
}

fn refusal(script: &Script) -> String {
    let words = script
        .body
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or("refused by a script");
    format!("{} {words}", script.status.unwrap_or(451))
}

/// Reads up to the final dot, with the doubled dots undone. None when the sender went away.
async fn message(read: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let (mut whole, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if read.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        if line == b".\r\n" || line == b".\n" {
            return Ok(Some(whole));
        }
        whole.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        if whole.len() > MOST_BYTES {
            return Err(io::Error::other("the message is too large"));
        }
    }
}

fn address(command: &str) -> Option<String> {
    let (_, rest) = command.split_once('<')?;
    rest.split_once('>').map(|(address, _)| address.to_owned())
}

/// A header of a message, with folded lines put together.
fn header(message: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in message.lines().take_while(|line| !line.is_empty()) {
        match (&mut value, line.starts_with([' ', '\t'])) {
            (Some(value), true) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            (Some(_), false) => break,
            (None, _) => {
                let found = line
                    .split_once(':')
                    .filter(|(n, _)| n.eq_ignore_ascii_case(name));
                value = found.map(|(_, v)| v.trim().to_owned());
            }
        }
    }
    value
}

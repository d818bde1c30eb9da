//! One IMAP conversation: sign in, look, read without marking, or move what was taken.
//!
//! Nothing is deleted that was not copied before. Where the server knows no MOVE a mail is copied and then
//! marked as deleted; what is marked so is never read again, so a conversation that breaks in between
//! leaves a second copy in the folder and nothing else.

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_imap::error::Error;
use async_imap::imap_proto::{MailboxDatum, Response, Status};
use async_imap::types::Capabilities;
use async_imap::{Client, Session};
use futures::TryStreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tuesday_domain::mailbox::{Mail, MailboxFault};

use super::parse::parse;
use crate::destinations::smtp::{Server, Tls};
use crate::sources::tls::connector;

/// Most bytes of a mail that are read.
const MOST_BYTES: u32 = 10 * 1024 * 1024;

/// Either kind of connection.
trait Link: AsyncRead + AsyncWrite + Unpin + Debug + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Debug + Send> Link for T {}

type Talk = Session<Box<dyn Link>>;

fn fault(detail: impl Into<String>) -> MailboxFault {
    MailboxFault {
        refused: false,
        detail: detail.into(),
    }
}

/// What went wrong at which command; the server's own text is kept short and plain.
fn failed(at: &'static str) -> impl Fn(Error) -> MailboxFault {
    move |e| {
        let words: String = e.to_string().chars().filter(|c| !c.is_control()).collect();
        fault(format!(
            "{at}: {}",
            words.chars().take(200).collect::<String>()
        ))
    }
}

async fn secured(server: &Server, plain: Box<dyn Link>) -> Result<Box<dyn Link>, MailboxFault> {
    let connector = connector().map_err(fault)?;
    let name = ServerName::try_from(server.host.clone()).map_err(|e| fault(e.to_string()))?;
    let secured = connector.connect(name, plain).await;
    let secured = secured.map_err(|e| fault(format!("TLS: {e}")))?;
    Ok(Box::new(secured))
}

async fn sign_in(server: &Server) -> Result<Talk, MailboxFault> {
    let at = format!("{}:{}", server.host, server.port);
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await;
    let stream = stream.map_err(|e| fault(format!("{at}: {}", e.kind())))?;
    let mut link: Box<dyn Link> = Box::new(stream);
    if server.tls == Tls::Implicit {
        link = secured(server, link).await?;
    }
    let mut client = Client::new(link);
    let greeting = client.read_response().await;
    let greeting = greeting.map_err(|e| fault(format!("{at}: greeting: {}", e.kind())))?;
    if greeting.is_none() {
        return Err(fault(format!("{at} closed the connection at once")));
    }
    if server.tls == Tls::Upgrade {
        let begun = client.run_command_and_check_ok("STARTTLS", None).await;
        begun.map_err(failed("STARTTLS"))?;
        // Whatever was sent before the handshake is dropped with the old reader.
        let link = secured(server, client.into_inner()).await?;
        client = Client::new(link);
    }
    let (user, password) = server
        .login
        .as_ref()
        .ok_or_else(|| fault("a mailbox needs a login"))?;
    let password = std::str::from_utf8(password)
        .map_err(|_| fault("the password of the mailbox is not text"))?;
    client
        .login(user, password)
        .await
        .map_err(|(e, _)| refused(&e))
}

/// The server's text is left out: some repeat what was sent.
fn refused(e: &Error) -> MailboxFault {
    match e {
        Error::No(said) if said.to_ascii_uppercase().contains("UNAVAILABLE") => {
            fault("the server cannot check the login at the moment")
        }
        Error::No(_) | Error::Bad(_) | Error::Validate(_) => MailboxFault {
            refused: true,
            detail: "the login was refused".to_owned(),
        },
        Error::Io(e) => fault(format!("login: {}", e.kind())),
        _ => fault("login: the connection was lost"),
    }
}

/// Ends the conversation politely; nothing depends on it.
async fn leave(mut talk: Talk) {
    if let Err(e) = talk.logout().await {
        tracing::debug!(error = %e, "the mail server closed before LOGOUT");
    }
}

/// Selects the mailbox; its uids hold as long as the number that is answered stays.
async fn select(talk: &mut Talk, mailbox: &str) -> Result<u32, MailboxFault> {
    let selected = talk.select(mailbox).await;
    let selected = selected.map_err(failed("SELECT"))?;
    Ok(selected.uid_validity.unwrap_or_default())
}

/// The library takes a refused SEARCH for one that found nothing, so its answer is read here: a mailbox
/// that cannot be looked into is not empty.
async fn uids(talk: &mut Talk) -> Result<Vec<u32>, MailboxFault> {
    let asked = talk.run_command("UID SEARCH UNDELETED").await;
    let asked = asked.map_err(failed("SEARCH"))?;
    let mut uids = Vec::new();
    loop {
        let answer = talk.read_response().await;
        let answer = answer.map_err(|e| fault(format!("SEARCH: {}", e.kind())))?;
        let answer = answer.ok_or_else(|| fault("SEARCH: the connection was lost"))?;
        match answer.parsed() {
            Response::MailboxData(MailboxDatum::Search(found)) => uids.extend(found),
            Response::Done {
                tag,
                status,
                information,
                ..
            } if *tag == asked => {
                if *status != Status::Ok {
                    let why = information.as_deref().unwrap_or("no reason given");
                    let why: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
                    return Err(fault(format!("SEARCH was refused: {why}")));
                }
                uids.sort_unstable();
                uids.dedup();
                return Ok(uids);
            }
            _ => {}
        }
    }
}

/// The library takes a connection that breaks within an answer for the end of the answer, so every
/// conversation that reads ends with a command whose own answer counts.
async fn still_there(talk: &mut Talk) -> Result<(), MailboxFault> {
    talk.noop().await.map_err(failed("the connection broke"))
}

/// How many mails wait.
pub(super) async fn count(server: &Server, mailbox: &str) -> Result<usize, MailboxFault> {
    let mut talk = sign_in(server).await?;
    select(&mut talk, mailbox).await?;
    let uids = uids(&mut talk).await?;
    still_there(&mut talk).await?;
    leave(talk).await;
    Ok(uids.len())
}

/// The oldest mails, unmarked.
pub(super) async fn read(
    server: &Server,
    mailbox: &str,
    limit: usize,
) -> Result<Vec<Mail>, MailboxFault> {
    let mut talk = sign_in(server).await?;
    let validity = select(&mut talk, mailbox).await?;
    let (mut mails, mut missing) = (Vec::new(), Vec::new());
    for uid in uids(&mut talk).await?.into_iter().take(limit) {
        // One by one: only the text of a mail is kept while the next one is read.
        let query = format!("(UID RFC822.SIZE BODY.PEEK[]<0.{MOST_BYTES}>)");
        let fetched = talk.uid_fetch(uid.to_string(), query).await;
        let fetched: Vec<_> = fetched
            .map_err(failed("FETCH"))?
            .try_collect()
            .await
            .map_err(failed("FETCH"))?;
        let found = fetched.iter().find(|f| f.uid == Some(uid));
        let Some((found, bytes)) = found.and_then(|f| Some((f, f.body()?))) else {
            missing.push(uid);
            continue;
        };
        let size = found.size.map_or(bytes.len() as u64, u64::from);
        mails.push(parse(bytes, size, format!("{validity}.{uid}")));
    }
    still_there(&mut talk).await?;
    // Taken by somebody else meanwhile, or the server does not hand it out: that must not stay unseen.
    if mails.is_empty() && !missing.is_empty() {
        let there = uids(&mut talk).await?;
        if missing.iter().any(|uid| there.contains(uid)) {
            return Err(fault(
                "FETCH: the server does not hand out a mail that it lists",
            ));
        }
    }
    leave(talk).await;
    Ok(mails)
}

/// Moves mails to their folders.
pub(super) async fn put_away(
    server: &Server,
    mailbox: &str,
    moves: &[(&str, &str)],
) -> Result<(), MailboxFault> {
    let mut talk = sign_in(server).await?;
    let can = talk.capabilities().await.map_err(failed("CAPABILITY"))?;
    let validity = select(&mut talk, mailbox).await?;
    // What a conversation before this one has moved or marked is not copied a second time.
    let there = uids(&mut talk).await?;
    let mut sets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (handle, folder) in moves {
        // A mailbox that was made anew has other uids: its mails are read again and found known.
        if let Some((of, uid)) = handle.split_once('.')
            && of == validity.to_string()
            && uid.parse().is_ok_and(|uid: u32| there.contains(&uid))
        {
            sets.entry(folder).or_default().push(uid);
        }
    }
    let mut moved = Vec::new();
    for (folder, of_folder) in sets {
        let set = of_folder.join(",");
        moved.extend(of_folder);
        match carry(&mut talk, &can, &set, folder).await {
            Err(Error::No(_)) => {
                // The folder is missing, or was made by another node in between.
                if let Err(e) = talk.create(folder).await {
                    tracing::debug!(error = %e, folder, "the folder was not made");
                }
                let again = carry(&mut talk, &can, &set, folder).await;
                again.map_err(failed("moving to the folder"))?;
            }
            other => other.map_err(failed("moving to the folder"))?,
        }
    }
    let left = uids(&mut talk).await?;
    still_there(&mut talk).await?;
    leave(talk).await;
    // The library does not tell a refused STORE; without this a mail would be copied again and again unseen.
    let stays = |uid: &&str| uid.parse().is_ok_and(|uid: u32| left.contains(&uid));
    if moved.iter().any(stays) {
        return Err(fault(
            "mails were put into their folder, and the mailbox keeps them too",
        ));
    }
    Ok(())
}

async fn carry(talk: &mut Talk, can: &Capabilities, set: &str, folder: &str) -> Result<(), Error> {
    if can.has_str("MOVE") {
        return talk.uid_mv(set, folder).await;
    }
    talk.uid_copy(set, folder).await?;
    let marked = talk.uid_store(set, "+FLAGS (\\Deleted)").await?;
    let _lines: Vec<_> = marked.try_collect().await?;
    // Without UIDPLUS an EXPUNGE would take what somebody else marked, so the marked ones stay.
    if can.has_str("UIDPLUS") {
        let gone = talk.uid_expunge(set).await?;
        let _lines: Vec<_> = gone.try_collect().await?;
    }
    Ok(())
}

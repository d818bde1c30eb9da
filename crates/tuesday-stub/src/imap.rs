//! A small IMAP server over the world's mailboxes (RFC 3501, with MOVE of RFC 6851 and UIDPLUS of RFC
//! 4315), which misbehaves as scripted.
//!
//! Scripts name the system `mailbox`, the path `/mailbox/FOLDER` and as method the command: `LOGIN`,
//! `SELECT`, `CREATE`, `SEARCH`, `FETCH`, `STORE`, `COPY`, `MOVE` or `EXPUNGE`. A `status` (from 400) is a
//! `NO`; `drop: before_apply` closes the connection without an effect, `drop: after_apply` after it.
//! There is no TLS, and any sign-in is accepted. What the SMTP server takes lands in `INBOX` as soon as
//! this server runs.

use std::fmt::Write as _;
use std::future::Future;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::mailbox::{Folders, Letter};
use crate::serve::is_of_one_connection;
use crate::world::World;

/// Longest command, literals included.
const MOST_BYTES: usize = 64 * 1024;
/// There is one generation of uids.
const VALIDITY: u32 = 1;

/// Serves until `shutdown` resolves.
///
/// # Errors
/// When the listener fails for another reason than one connection.
pub async fn serve(
    listener: TcpListener,
    world: World,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    world.mailboxes().lock().open = true;
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
                    // A session that breaks off has nobody to tell.
                    let _ = session(stream, world).await;
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
        while sessions.try_join_next().is_some() {}
    }
}

struct Session {
    world: World,
    signed_in: bool,
    folder: Option<String>,
}

/// What a command led to.
enum Outcome {
    /// Untagged lines, and the words after `OK`.
    Ok(Vec<u8>, &'static str),
    No(&'static str),
    Bad(&'static str),
    Close,
}

async fn session(stream: TcpStream, world: World) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut session = Session {
        world,
        signed_in: false,
        folder: None,
    };
    write.write_all(b"* OK stub IMAP4rev1\r\n").await?;
    while let Some(words) = command(&mut read, &mut write).await? {
        let mut words = words.into_iter();
        let tag = words.next().unwrap_or_default();
        let mut verb = words.next().unwrap_or_default().to_ascii_uppercase();
        if verb == "UID" {
            verb = format!(
                "UID {}",
                words.next().unwrap_or_default().to_ascii_uppercase()
            );
        }
        let words: Vec<String> = words.collect();
        let last = verb == "LOGOUT";
        let outcome = session.scripted(&verb, &words).await;
        let end = match outcome {
            Outcome::Close => return Ok(()),
            Outcome::Ok(lines, said) => {
                write.write_all(&lines).await?;
                format!("{tag} OK {said}\r\n")
            }
            Outcome::No(why) => format!("{tag} NO {why}\r\n"),
            Outcome::Bad(why) => format!("{tag} BAD {why}\r\n"),
        };
        write.write_all(end.as_bytes()).await?;
        if last {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads a command with its literals; the words of it, or nothing when the client went away.
async fn command(
    read: &mut BufReader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> io::Result<Option<Vec<String>>> {
    let mut words = Vec::new();
    let mut total = 0;
    loop {
        let mut line = String::new();
        let got = read.read_line(&mut line).await?;
        total += got;
        if got == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        let literal = line
            .strip_suffix('}')
            .and_then(|l| l.rsplit_once('{'))
            .and_then(|(rest, n)| Some((rest, n.parse::<usize>().ok()?)));
        let (text, literal) = literal.map_or((line, None), |(rest, n)| (rest, Some(n)));
        split(text, &mut words);
        let Some(n) = literal else {
            return Ok(Some(words));
        };
        total += n;
        if total > MOST_BYTES {
            return Err(io::Error::other("the command is too long"));
        }
        write.write_all(b"+ go on\r\n").await?;
        let mut bytes = vec![0; n];
        read.read_exact(&mut bytes).await?;
        words.push(String::from_utf8_lossy(&bytes).into_owned());
    }
}

/// Atoms, quoted strings, and lists in parentheses as they stand.
fn split(text: &str, words: &mut Vec<String>) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut word = String::new();
        match c {
            ' ' => continue,
            '"' => {
                while let Some(c) = chars.next().filter(|&c| c != '"') {
                    word.push(if c == '\\' {
                        chars.next().unwrap_or(c)
                    } else {
                        c
                    });
                }
            }
            '(' => {
                let mut depth = 1;
                for c in chars.by_ref() {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    if depth == 0 {
                        break;
                    }
                    word.push(c);
                }
            }
            _ => {
                word.push(c);
                while let Some(c) = chars.next_if(|&c| c != ' ') {
                    word.push(c);
                }
            }
        }
        words.push(word);
    }
}

impl Session {
    /// The command, unless a script says otherwise.
    async fn scripted(&mut self, verb: &str, words: &[String]) -> Outcome {
        let bare = verb.strip_prefix("UID ").unwrap_or(verb);
        let named = match bare {
            "SELECT" | "EXAMINE" | "CREATE" => words.first().map(String::as_str),
            _ => self.folder.as_deref(),
        };
        let path = format!("/mailbox/{}", named.unwrap_or_default());
        let Some(script) = self.world.scripts().take("mailbox", &path, bare) else {
            return self.carry_out(verb, words);
        };
        tokio::time::sleep(script.delay()).await;
        let outcome = script.applies().then(|| self.carry_out(verb, words));
        if script.is_silent() {
            return Outcome::Close;
        }
        outcome.unwrap_or(Outcome::No("refused by a script"))
    }

    fn carry_out(&mut self, verb: &str, words: &[String]) -> Outcome {
        let arg = |n: usize| words.get(n).map_or("", String::as_str);
        match verb {
            "CAPABILITY" => Outcome::Ok(self.capabilities(), "done"),
            "NOOP" => Outcome::Ok(Vec::new(), "done"),
            "LOGOUT" => Outcome::Ok(b"* BYE goodbye\r\n".to_vec(), "done"),
            "LOGIN" if words.len() == 2 => {
                self.signed_in = true;
                Outcome::Ok(Vec::new(), "signed in")
            }
            _ if !self.signed_in => Outcome::Bad("sign in first"),
            "SELECT" | "EXAMINE" => self.select(arg(0)),
            "CREATE" => self.create(arg(0)),
            _ if self.folder.is_none() => Outcome::Bad("select a mailbox first"),
            "UID SEARCH" => self.search(words),
            "UID FETCH" => self.fetch(arg(0), arg(1)),
            "UID STORE" => self.store(arg(0), arg(1), arg(2)),
            "UID COPY" => self.carry(arg(0), arg(1), false),
            "UID MOVE" if self.world.mailboxes().lock().extensions => {
                self.carry(arg(0), arg(1), true)
            }
            "EXPUNGE" => self.expunge(None),
            "UID EXPUNGE" if self.world.mailboxes().lock().extensions => self.expunge(Some(arg(0))),
            _ => Outcome::Bad("not known here"),
        }
    }

    fn capabilities(&self) -> Vec<u8> {
        let more = if self.world.mailboxes().lock().extensions {
            " MOVE UIDPLUS"
        } else {
            ""
        };
        format!("* CAPABILITY IMAP4rev1{more}\r\n").into_bytes()
    }

    fn select(&mut self, name: &str) -> Outcome {
        let folders = self.world.mailboxes().lock();
        let Some(letters) = folders.by_name.get(name) else {
            self.folder = None;
            return Outcome::No("there is no such mailbox");
        };
        let lines = format!(
            "* FLAGS (\\Seen \\Deleted)\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {VALIDITY}] uids\r\n",
            letters.len()
        );
        drop(folders);
        self.folder = Some(name.to_owned());
        Outcome::Ok(lines.into_bytes(), "[READ-WRITE] selected")
    }

    fn create(&self, name: &str) -> Outcome {
        let mut folders = self.world.mailboxes().lock();
        if name.is_empty() || folders.by_name.contains_key(name) {
            return Outcome::No("it is there already");
        }
        folders.by_name.insert(name.to_owned(), Vec::new());
        Outcome::Ok(Vec::new(), "created")
    }

    fn here<T>(&self, look: impl FnOnce(&mut Vec<Letter>) -> T) -> Option<T> {
        let mut folders = self.world.mailboxes().lock();
        let name = self.folder.as_deref()?;
        folders.by_name.get_mut(name).map(look)
    }

    fn search(&self, words: &[String]) -> Outcome {
        let fits = |l: &Letter| {
            words.iter().all(|w| match w.to_ascii_uppercase().as_str() {
                "ALL" => true,
                "UNSEEN" => !l.flags.contains("\\SEEN"),
                "UNDELETED" => !l.flags.contains("\\DELETED"),
                _ => false,
            })
        };
        let known = ["ALL", "UNSEEN", "UNDELETED"];
        let is_known = |w: &String| known.contains(&w.to_ascii_uppercase().as_str());
        if !words.iter().all(is_known) {
            return Outcome::Bad("only ALL, UNSEEN and UNDELETED are known here");
        }
        let found = self.here(|letters| {
            let uids = letters.iter().filter(|l| fits(l)).map(|l| l.uid);
            uids.fold(String::new(), |mut out, uid| {
                let _ = write!(out, " {uid}");
                out
            })
        });
        let line = format!("* SEARCH{}\r\n", found.unwrap_or_default());
        Outcome::Ok(line.into_bytes(), "done")
    }

    fn fetch(&self, set: &str, items: &str) -> Outcome {
        let items = items.to_ascii_uppercase();
        let found = self.here(|letters| {
            let mut out = Vec::new();
            for (n, letter) in letters.iter_mut().enumerate() {
                if in_set(set, letter.uid) {
                    out.extend_from_slice(format!("* {} FETCH (", n + 1).as_bytes());
                    out.extend(described(letter, &items));
                    out.extend_from_slice(b")\r\n");
                }
            }
            out
        });
        Outcome::Ok(found.unwrap_or_default(), "done")
    }

    fn store(&self, set: &str, how: &str, flags: &str) -> Outcome {
        let how = how.to_ascii_uppercase();
        if !matches!(how.as_str(), "+FLAGS" | "+FLAGS.SILENT") {
            return Outcome::Bad("only +FLAGS is known here");
        }
        let flags: Vec<String> = flags.split(' ').map(str::to_ascii_uppercase).collect();
        let lines = self.here(|letters| {
            let mut out = Vec::new();
            for (n, letter) in letters.iter_mut().enumerate() {
                if in_set(set, letter.uid) {
                    letter.flags.extend(flags.iter().cloned());
                    if how == "+FLAGS" {
                        out.extend_from_slice(format!("* {} FETCH (", n + 1).as_bytes());
                        out.extend(described(letter, "UID FLAGS"));
                        out.extend_from_slice(b")\r\n");
                    }
                }
            }
            out
        });
        Outcome::Ok(lines.unwrap_or_default(), "done")
    }

    /// Copies or moves.
    fn carry(&self, set: &str, to: &str, moves: bool) -> Outcome {
        let mut folders = self.world.mailboxes().lock();
        let Some(from) = self.folder.clone() else {
            return Outcome::Bad("select a mailbox first");
        };
        if !folders.by_name.contains_key(to) {
            return Outcome::No("[TRYCREATE] there is no such mailbox");
        }
        let letters = folders.by_name.get(&from);
        let carried: Vec<Bytes> = letters
            .into_iter()
            .flatten()
            .filter(|l| in_set(set, l.uid))
            .map(|l| l.raw.clone())
            .collect();
        for raw in carried {
            folders.put(to, raw);
        }
        let lines = if moves {
            gone(&mut folders, &from, |l| in_set(set, l.uid))
        } else {
            Vec::new()
        };
        Outcome::Ok(lines, "done")
    }

    fn expunge(&self, set: Option<&str>) -> Outcome {
        let mut folders = self.world.mailboxes().lock();
        let from = self.folder.clone().unwrap_or_default();
        let lines = gone(&mut folders, &from, |l| {
            l.flags.contains("\\DELETED") && set.is_none_or(|set| in_set(set, l.uid))
        });
        Outcome::Ok(lines, "done")
    }
}

/// Removes what fits; the lines that say so, with the numbers as they are after each one.
fn gone(folders: &mut Folders, from: &str, fits: impl Fn(&Letter) -> bool) -> Vec<u8> {
    let Some(letters) = folders.by_name.get_mut(from) else {
        return Vec::new();
    };
    let (mut lines, mut number) = (String::new(), 1);
    letters.retain(|l| {
        let goes = fits(l);
        if goes {
            let _ = write!(lines, "* {number} EXPUNGE\r\n");
        } else {
            number += 1;
        }
        !goes
    });
    lines.into_bytes()
}

/// The items of one mail that were asked for.
fn described(letter: &mut Letter, items: &str) -> Vec<u8> {
    let mut out = format!("UID {}", letter.uid).into_bytes();
    if items.contains("RFC822.SIZE") {
        out.extend_from_slice(format!(" RFC822.SIZE {}", letter.raw.len()).as_bytes());
    }
    if items.contains("FLAGS") {
        let flags: Vec<&str> = letter.flags.iter().map(String::as_str).collect();
        out.extend_from_slice(format!(" FLAGS ({})", flags.join(" ")).as_bytes());
    }
    let peeks = items.contains("BODY.PEEK[]");
    if peeks || items.contains("BODY[]") {
        let part = items
            .split_once("[]<")
            .and_then(|(_, rest)| rest.split_once('>'))
            .and_then(|(part, _)| part.split_once('.'))
            .and_then(|(from, n)| Some((from.parse::<usize>().ok()?, n.parse::<usize>().ok()?)));
        let (from, most) = part.unwrap_or((0, usize::MAX));
        let from = from.min(letter.raw.len());
        let bytes = &letter.raw[from..letter.raw.len().min(from.saturating_add(most))];
        let origin = part.map(|_| format!("<{from}>")).unwrap_or_default();
        out.extend_from_slice(format!(" BODY[]{origin} {{{}}}\r\n", bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
        if !peeks {
            letter.flags.insert("\\SEEN".to_owned());
        }
    }
    out
}

/// `1,3:5,7:*`.
fn in_set(set: &str, uid: u32) -> bool {
    set.split(',').any(|part| {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        let number = |t: &str| {
            if t == "*" {
                Some(u32::MAX)
            } else {
                t.parse().ok()
            }
        };
        match (number(from), number(to)) {
            (Some(from), Some(to)) => (from.min(to)..=from.max(to)).contains(&uid),
            _ => false,
        }
    })
}

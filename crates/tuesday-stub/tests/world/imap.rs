//! Mailboxes over IMAP: what is delivered is shown, moved and expunged as RFC 3501 says, or refused.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tuesday_stub::{Cut, Script, World, imap};

async fn served(world: &World) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(imap::serve(listener, world.clone(), std::future::pending()));
    at
}

/// Says each command in turn; the whole conversation as far as it went.
async fn said(at: SocketAddr, commands: &[&str]) -> String {
    let (read, mut write) = TcpStream::connect(at).await.unwrap().into_split();
    let mut lines = BufReader::new(read).lines();
    let mut all = lines.next_line().await.unwrap().unwrap();
    for (n, command) in commands.iter().enumerate() {
        write
            .write_all(format!("t{n} {command}\r\n").as_bytes())
            .await
            .unwrap();
        while let Some(line) = lines.next_line().await.unwrap_or(None) {
            all.push('\n');
            all.push_str(&line);
            if line.starts_with(&format!("t{n} ")) {
                break;
            }
        }
    }
    all
}

#[tokio::test]
async fn a_mail_is_shown_in_part_and_moved() {
    let world = World::new();
    let at = served(&world).await;
    world.deliver("Subject: one\r\n\r\nfirst\r\n");
    world.deliver("Subject: two\r\n\r\nsecond\r\n");
    let all = said(
        at,
        &[
            "LOGIN \"a\\\"b\" pass",
            "SELECT INBOX",
            "UID SEARCH UNDELETED",
            "UID FETCH 1 (UID RFC822.SIZE BODY.PEEK[]<0.12>)",
            "UID MOVE 1 \"taken\"",
            "CREATE \"taken\"",
            "UID MOVE 1 \"taken\"",
            "UID SEARCH ALL",
        ],
    )
    .await;
    let expected = [
        "* OK stub IMAP4rev1",
        "t0 OK signed in",
        "* FLAGS (\\Seen \\Deleted)",
        "* 2 EXISTS",
        "* 0 RECENT",
        "* OK [UIDVALIDITY 1] uids",
        "t1 OK [READ-WRITE] selected",
        "* SEARCH 1 2",
        "t2 OK done",
        "* 1 FETCH (UID 1 RFC822.SIZE 23 BODY[]<0> {12}",
        "Subject: one)",
        "t3 OK done",
        "t4 NO [TRYCREATE] there is no such mailbox",
        "t5 OK created",
        "* 1 EXPUNGE",
        "t6 OK done",
        "* SEARCH 2",
        "t7 OK done",
    ];
    assert_eq!(all, expected.join("\n"));
    assert_eq!(world.folder("taken").len(), 1);
}

#[tokio::test]
async fn without_extensions_a_mail_is_copied_marked_and_expunged() {
    let world = World::new();
    world.plain_imap();
    let at = served(&world).await;
    world.deliver("Subject: one\r\n\r\n");
    let all = said(
        at,
        &[
            "CAPABILITY",
            "LOGIN a b",
            "SELECT INBOX",
            "UID MOVE 1 INBOX",
            "CREATE taken",
            "UID COPY 1 taken",
            "UID STORE 1 +FLAGS (\\Deleted)",
            "UID SEARCH UNDELETED",
            "EXPUNGE",
        ],
    )
    .await;
    for line in [
        "* CAPABILITY IMAP4rev1\n",
        "t3 BAD not known here",
        "* 1 FETCH (UID 1 FLAGS (\\DELETED))",
        "* SEARCH\n",
        "* 1 EXPUNGE",
    ] {
        assert!(all.contains(line), "{line}: {all}");
    }
    assert_eq!(
        (world.folder("INBOX").len(), world.folder("taken").len()),
        (0, 1)
    );
}

#[tokio::test]
async fn scripts_refuse_and_cut() {
    let world = World::new();
    let at = served(&world).await;
    let order = |method: &str| Script {
        system: Some("mailbox".into()),
        method: Some(method.into()),
        ..Script::default()
    };
    world
        .script(Script {
            status: Some(500),
            ..order("LOGIN")
        })
        .unwrap();
    let all = said(at, &["LOGIN a b", "SELECT INBOX"]).await;
    assert!(all.contains("t0 NO refused by a script"), "{all}");
    assert!(all.contains("t1 BAD sign in first"), "{all}");
    world.deliver("Subject: one\r\n\r\n");
    world
        .script(Script {
            drop: Some(Cut::AfterApply),
            ..order("COPY")
        })
        .unwrap();
    let all = said(at, &["LOGIN a b", "SELECT INBOX", "UID COPY 1 INBOX"]).await;
    assert!(!all.contains("t2"), "{all}");
    assert_eq!(world.folder("INBOX").len(), 2, "the copy was made");
}

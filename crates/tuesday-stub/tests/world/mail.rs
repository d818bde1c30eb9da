//! Mail: what is accepted is kept, and the gap before the 250 can be opened.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tuesday_stub::{Cut, Script, World, smtp};

const MESSAGE: &str = "Message-ID: <m1@stub>\r\nX-Tuesday-Run: run_7\r\nSubject: A long\r\n subject\r\n\r\n..dot\r\n.\r\n";

async fn served(world: &World) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(smtp::serve(listener, world.clone(), std::future::pending()));
    at
}

/// Delivers a message; gives the first answer that is not a success, or the last.
async fn deliver(at: SocketAddr) -> Option<String> {
    let (read, mut write) = TcpStream::connect(at).await.unwrap().into_split();
    let mut lines = BufReader::new(read).lines();
    lines.next_line().await.unwrap().unwrap();
    let commands = [
        "HELO test",
        "MAIL FROM:<a@example.com>",
        "RCPT TO:<b@example.com>",
        "DATA",
        MESSAGE,
    ];
    let mut answer = None;
    for command in commands {
        let end = if command == MESSAGE { "" } else { "\r\n" };
        write
            .write_all(format!("{command}{end}").as_bytes())
            .await
            .unwrap();
        answer = lines.next_line().await.unwrap_or(None);
        if !answer
            .as_deref()
            .is_some_and(|line| line.starts_with(['2', '3']))
        {
            break;
        }
    }
    answer
}

#[tokio::test]
async fn a_message_is_kept_with_its_id_and_run() {
    let world = World::new();
    let at = served(&world).await;
    assert_eq!(
        deliver(at).await.as_deref(),
        Some("250 OK kept as messages-1")
    );
    let kept = &world.records("mail", "messages")[0];
    assert_eq!(
        (&kept["to"][0], &kept["subject"]),
        (&"b@example.com".into(), &"A long subject".into())
    );
    assert!(
        kept["raw"].as_str().unwrap().ends_with("\r\n\r\n.dot\r\n"),
        "doubled dots are undone"
    );
    let entry = &world.entries("mail")[0];
    assert_eq!(entry.idempotency_key.as_deref(), Some("<m1@stub>"));
    assert_eq!(
        (entry.run.as_deref(), entry.applied, entry.answered),
        (Some("run_7"), true, true)
    );
}

#[tokio::test]
async fn the_gap_before_the_250_makes_a_resend_a_duplicate() {
    let world = World::new();
    let at = served(&world).await;
    for cut in [Cut::BeforeApply, Cut::AfterApply] {
        let method = Some("DATA".to_owned());
        world
            .script(Script {
                method,
                drop: Some(cut),
                ..Script::default()
            })
            .unwrap();
    }
    assert_eq!(deliver(at).await, None);
    assert_eq!(world.records("mail", "messages").len(), 0);
    assert_eq!(deliver(at).await, None);
    assert_eq!(world.records("mail", "messages").len(), 1);
    assert_eq!(world.ledger_counts().total.duplicates, 0);
    assert!(deliver(at).await.unwrap().starts_with("250"));
    assert_eq!(
        world.ledger_counts().total.duplicates,
        1,
        "the ledger tells on a blind resend"
    );
}

#[tokio::test]
async fn recipients_and_messages_can_be_refused() {
    let world = World::new();
    let at = served(&world).await;
    let order = |method: &str, status| Script {
        system: Some("mail".to_owned()),
        method: Some(method.to_owned()),
        status: Some(status),
        body: Some("not now".into()),
        ..Script::default()
    };
    world.script(order("RCPT", 550)).unwrap();
    assert_eq!(deliver(at).await.as_deref(), Some("550 not now"));
    world.script(order("DATA", 451)).unwrap();
    assert_eq!(deliver(at).await.as_deref(), Some("451 not now"));
    assert!(world.records("mail", "messages").is_empty());
    assert!(deliver(at).await.unwrap().starts_with("250"));
}

//! The mailbox for reports against an IMAP server that refuses, breaks off and knows no extensions.

use tokio::net::TcpListener;
use tuesday_connectors::mailbox::{ImapMailbox, MailboxSettings};
use tuesday_domain::mailbox::{Mail, Mailbox as _, PutAway};
use tuesday_domain::record::MailOutcome;
use tuesday_stub::{Cut, Script, World, imap};

use crate::{CANARY, vault};

const MAIL: &str = "From: Kim <kim@example.com>\r\nTo: reports+deals@example.com\r\nMessage-ID: <m1@example.com>\r\n\
    Subject: Wrong\r\n\r\nT-1 is wrong.\r\n";

async fn world() -> (World, String) {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    tokio::spawn(imap::serve(listener, world.clone(), std::future::pending()));
    (world, at)
}

fn settings(server: &str) -> MailboxSettings {
    MailboxSettings {
        server: server.into(),
        tls: Some("none".into()),
        user: "reports@example.com".into(),
        password: "env:CANARY".into(),
        address: None,
        mailbox: "INBOX".into(),
        taken: "taken".into(),
        aside: "aside".into(),
        every: None,
    }
}

fn mailbox(server: &str) -> ImapMailbox {
    ImapMailbox::new(settings(server), vault(&[])).unwrap()
}

fn end(mail: &Mail, outcome: MailOutcome) -> PutAway {
    PutAway {
        handle: mail.handle.clone(),
        outcome,
    }
}

fn order(method: &str) -> Script {
    Script {
        system: Some("mailbox".into()),
        method: Some(method.into()),
        ..Script::default()
    }
}

#[tokio::test]
async fn mails_are_read_unmarked_oldest_first_and_moved_to_their_folders() {
    for plain in [false, true] {
        let (world, at) = world().await;
        if plain {
            world.plain_imap();
        }
        let mailbox = mailbox(&at);
        assert_eq!(mailbox.address(), Some("reports@example.com"));
        world.deliver(MAIL);
        world.deliver(MAIL.replace("m1@", "m2@"));
        world.deliver(MAIL.replace("m1@", "m3@"));
        assert_eq!(mailbox.probe().await, Ok(3));
        let mails = mailbox.waiting(2).await.unwrap();
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0].size_bytes, MAIL.len() as u64);
        assert_eq!(mails[0].text.trim(), "T-1 is wrong.");
        assert!(mails[0].handle < mails[1].handle);
        assert_eq!(
            mailbox.waiting(2).await.unwrap(),
            mails,
            "nothing is marked"
        );
        let over = [
            end(&mails[0], MailOutcome::Reported),
            end(&mails[1], MailOutcome::Automatic),
        ];
        mailbox.put_away(&over).await.unwrap();
        let folders = ["taken", "aside"].map(|f| world.folder(f).len());
        assert_eq!(folders, [1, 1], "plain: {plain}");
        assert_eq!(mailbox.waiting(9).await.unwrap().len(), 1);
        // Said again, as after a crash, it has no further effect.
        mailbox.put_away(&over).await.unwrap();
        assert_eq!(world.folder("taken").len(), 1, "plain: {plain}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_loses_nothing() {
    let (world, at) = world().await;
    let mailbox = mailbox(&at);
    world.deliver(MAIL);
    for method in ["LOGIN", "SELECT", "SEARCH", "FETCH"] {
        world
            .script(Script {
                drop: Some(Cut::BeforeApply),
                ..order(method)
            })
            .unwrap();
        let fault = mailbox.waiting(9).await.unwrap_err();
        assert!(!fault.refused, "{method}: {fault:?}");
        assert!(!fault.detail.contains(CANARY), "{fault:?}");
    }
    let mails = mailbox.waiting(9).await.unwrap();
    let over = [end(&mails[0], MailOutcome::Reported)];
    world
        .script(Script {
            drop: Some(Cut::BeforeApply),
            ..order("MOVE")
        })
        .unwrap();
    mailbox.put_away(&over).await.unwrap_err();
    assert_eq!(mailbox.waiting(9).await.unwrap(), mails);
    mailbox.put_away(&over).await.unwrap();
    assert_eq!(mailbox.waiting(9).await.unwrap(), []);
    assert_eq!(world.folder("taken").len(), 1);
}

/// What cannot be looked into is not empty: nobody would miss the mails in it.
#[tokio::test]
async fn a_refused_search_is_a_fault_and_no_empty_mailbox() {
    let (world, at) = world().await;
    let mailbox = mailbox(&at);
    let refuse = || {
        let search = Script {
            status: Some(500),
            ..order("SEARCH")
        };
        world.script(search).unwrap();
    };
    assert_eq!(mailbox.waiting(9).await.unwrap(), [], "empty is no fault");
    world.deliver(MAIL);
    refuse();
    let fault = mailbox.waiting(9).await.unwrap_err();
    assert_eq!(fault.detail, "SEARCH was refused: refused by a script");
    assert!(!fault.refused, "the login was not");
    refuse();
    let told = mailbox.probe().await.unwrap_err();
    assert!(told.starts_with("SEARCH was refused"), "{told}");
    let mails = mailbox.waiting(9).await.unwrap();
    let over = [end(&mails[0], MailOutcome::Reported)];
    refuse();
    mailbox.put_away(&over).await.unwrap_err();
    assert_eq!(world.folder("taken").len(), 0, "nothing was moved unseen");
    mailbox.put_away(&over).await.unwrap();
    assert_eq!(mailbox.waiting(9).await.unwrap(), []);
}

#[tokio::test]
async fn a_mail_that_the_server_keeps_is_no_success() {
    let (world, at) = world().await;
    world.plain_imap();
    let mailbox = mailbox(&at);
    world.deliver(MAIL);
    let mails = mailbox.waiting(9).await.unwrap();
    let refused = Script {
        status: Some(500),
        ..order("STORE")
    };
    world.script(refused).unwrap();
    let over = [end(&mails[0], MailOutcome::Reported)];
    let fault = mailbox.put_away(&over).await.unwrap_err();
    assert!(fault.detail.contains("keeps them too"), "{fault:?}");
    mailbox.put_away(&over).await.unwrap();
    assert_eq!(mailbox.waiting(9).await.unwrap(), []);
}

#[tokio::test]
async fn a_refused_login_is_told_apart_and_shows_no_password() {
    let (world, at) = world().await;
    world
        .script(Script {
            status: Some(500),
            ..order("LOGIN")
        })
        .unwrap();
    let fault = mailbox(&at).waiting(9).await.unwrap_err();
    assert!(fault.refused, "{fault:?}");
    assert_eq!(fault.detail, "the login was refused");
    let nobody = mailbox("127.0.0.1:1").probe().await.unwrap_err();
    assert!(!nobody.contains(CANARY), "{nobody}");
    let no_secret = MailboxSettings {
        password: "env:MISSING".into(),
        ..settings(&at)
    };
    let mailbox = ImapMailbox::new(no_secret, vault(&[])).unwrap();
    assert!(!mailbox.waiting(9).await.unwrap_err().refused);
}

#[tokio::test]
async fn what_is_larger_than_taken_is_read_at_its_beginning() {
    let (world, at) = world().await;
    world.deliver(format!("{MAIL}{}", "x".repeat(11 * 1024 * 1024)));
    let mails = mailbox(&at).waiting(9).await.unwrap();
    assert!(mails[0].cut && mails[0].readable);
    assert!(mails[0].text.starts_with("T-1 is wrong."));
    assert_eq!(mails[0].outcome(), MailOutcome::TooLarge);
}

#[test]
fn settings_that_lose_mail_or_show_a_password_are_refused() {
    let refused = |s: MailboxSettings| ImapMailbox::new(s, vault(&[])).err();
    let far = "imap.example.com:993";
    assert!(refused(settings(far)).is_some(), "a password without TLS");
    let tls = |tls: Option<&str>| MailboxSettings {
        tls: tls.map(str::to_owned),
        ..settings(far)
    };
    assert_eq!(refused(tls(None)), None);
    assert!(refused(tls(Some("ssl"))).is_some());
    let same = MailboxSettings {
        taken: "INBOX".into(),
        ..tls(None)
    };
    assert!(refused(same).is_some());
    let here = MailboxSettings {
        server: "imap.example.com".into(),
        ..tls(None)
    };
    assert!(refused(here).is_some());
}

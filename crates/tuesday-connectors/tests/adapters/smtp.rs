//! Mail against a scripted server that counts the messages it took.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tuesday_domain::port::{Destination as _, Intent, Look, ReadBack, SendFault};

use crate::{CANARY, destinations, intent};

/// What the server does at which point.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Script {
    Accept,
    RefuseRecipient,
    RefuseLogin,
    DropInData,
    RefuseMessageForNow,
    RefuseMessageForGood,
    /// Takes the message and closes before saying so.
    TakeAndDrop,
    /// Takes the message and never says so.
    TakeAndHang,
}

pub(crate) type Box_ = Arc<Mutex<Vec<String>>>;

/// A mail server: its address and the messages it took.
pub(crate) async fn server(script: Script) -> (String, Box_) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let taken: Box_ = Arc::default();
    let log = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            tokio::spawn(async move { talk(stream, script, &log).await.unwrap_or(()) });
        }
    });
    (address, taken)
}

async fn talk(stream: TcpStream, script: Script, taken: &Box_) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 ready\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250-hello\r\n250-STARTTLS-NOT\r\n250 AUTH LOGIN PLAIN\r\n",
            "AUTH" if script == Script::RefuseLogin => "535 wrong password\r\n",
            "AUTH" => "235 fine\r\n",
            "RCPT" if script == Script::RefuseRecipient => "550 nobody here\r\n",
            "MAIL" | "RCPT" => "250 fine\r\n",
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                loop {
                    line.clear();
                    if stream.read_line(&mut line).await? == 0 {
                        return Ok(());
                    }
                    if script == Script::DropInData {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    message.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                match script {
                    Script::RefuseMessageForNow => "451 later\r\n",
                    Script::RefuseMessageForGood => "554 spam\r\n",
                    _ => {
                        taken.lock().unwrap().push(message);
                        match script {
                            Script::TakeAndDrop => return Ok(()),
                            Script::TakeAndHang => std::future::pending().await,
                            _ => "250 queued as 42\r\n",
                        }
                    }
                }
            }
            _ => "221 bye\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

fn mail(server: &str) -> Intent {
    let settings = json!({
        "kind": "smtp", "class": "send", "server": server, "from": "Desk <desk@example.com>", "tls": "none",
        "user": "desk", "auth": { "header": "password", "secret": "env:CANARY" }
    });
    let mut wish = intent(
        "tsd-77",
        "ann@example.com",
        json!({ "body": "Dear Ann,\n.\nall is well\n" }),
        settings,
    );
    wish.rendered
        .insert("subject".to_owned(), json!("Your case"));
    wish
}

async fn sent(script: Script) -> (Result<tuesday_domain::port::Delivery, SendFault>, usize) {
    let (address, taken) = server(script).await;
    let mut wish = mail(&address);
    wish.timeout_ms = 300;
    let result = destinations(Path::new(".")).send(&wish).await;
    let count = taken.lock().unwrap().len();
    (result, count)
}

#[tokio::test]
async fn a_message_arrives_whole_under_one_stable_id() {
    let (address, taken) = server(Script::Accept).await;
    let d = destinations(Path::new("."));
    let wish = mail(&address);
    let delivery = d.send(&wish).await.unwrap();
    assert_eq!(
        delivery.external_id.as_deref(),
        Some("<tsd-77@example.com>")
    );
    assert_eq!(delivery.status, "250 queued as 42");
    let message = taken.lock().unwrap()[0].clone();
    assert!(
        message.contains("Message-ID: <tsd-77@example.com>"),
        "{message}"
    );
    assert!(message.contains("\r\n.\r\nall is well"), "{message}");
    assert_eq!(
        delivery.after.as_ref().unwrap()["message"]
            .as_str()
            .unwrap()
            .trim_end(),
        message.trim_end()
    );
    assert_eq!(d.read_back(&wish, &delivery).await, ReadBack::NotOffered);
    assert!(matches!(d.look(&wish).await, Look::Unknown(_)));
    assert!(!format!("{delivery:?}").contains(CANARY));
}

#[tokio::test]
async fn a_lost_answer_after_the_dot_is_unclear_and_never_sent_again() {
    for script in [Script::TakeAndDrop, Script::TakeAndHang] {
        let (result, count) = sent(script).await;
        assert!(
            matches!(
                result,
                Err(SendFault::Unclear {
                    code: "unclear_after_data",
                    ..
                })
            ),
            "{result:?}"
        );
        assert_eq!(count, 1, "at most one message");
    }
}

#[tokio::test]
async fn what_fails_before_the_dot_is_a_clean_refusal() {
    use SendFault as F;
    type Fits = fn(&F) -> bool;
    let cases: [(Script, Fits); 5] = [
        (Script::RefuseRecipient, |f| {
            matches!(
                f,
                F::RefusedForGood {
                    code: "recipient_refused",
                    ..
                }
            )
        }),
        (Script::RefuseLogin, |f| {
            matches!(
                f,
                F::RefusedForGood {
                    code: "login_refused",
                    ..
                }
            )
        }),
        (Script::DropInData, |f| {
            matches!(f, F::RefusedForNow { .. } | F::Unclear { .. })
        }),
        (Script::RefuseMessageForNow, |f| {
            matches!(
                f,
                F::RefusedForNow {
                    code: "message_refused",
                    ..
                }
            )
        }),
        (Script::RefuseMessageForGood, |f| {
            matches!(
                f,
                F::RefusedForGood {
                    code: "message_refused",
                    ..
                }
            )
        }),
    ];
    for (i, (script, fits)) in cases.into_iter().enumerate() {
        let (result, count) = sent(script).await;
        let fault = result.unwrap_err();
        assert!(fits(&fault), "case {i}: {fault:?}");
        assert_eq!(count, 0);
        assert!(!format!("{fault:?}").contains(CANARY));
    }
    let nobody = mail("127.0.0.1:1");
    let fault = destinations(Path::new("."))
        .send(&nobody)
        .await
        .unwrap_err();
    assert!(
        matches!(
            fault,
            F::RefusedForNow {
                code: "connect",
                ..
            }
        ),
        "{fault:?}"
    );
}

#[tokio::test]
async fn mail_goes_to_one_address_and_demands_tls_unless_told_otherwise() {
    let (address, taken) = server(Script::Accept).await;
    let d = destinations(Path::new("."));
    let mut several = mail(&address);
    several.target = "ann@example.com, bob@example.com".to_owned();
    assert!(matches!(
        d.send(&several).await,
        Err(SendFault::NoUniqueTarget { .. })
    ));
    let mut secured = mail(&address);
    secured.spec.tls = None;
    assert!(matches!(
        d.send(&secured).await,
        Err(SendFault::RefusedForGood {
            code: "no_starttls",
            ..
        })
    ));
    assert!(taken.lock().unwrap().is_empty());
}

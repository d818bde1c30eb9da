//! Notices: the next channel takes over when the first is down.

use serde_json::json;
use tuesday_connectors::notifiers::{Channel, Notifiers};
use tuesday_domain::port::{Message, Notifier as _};
use tuesday_domain::signature::verify;
use tuesday_domain::time::Timestamp;

use crate::smtp::{Script, server};
use crate::stub::{Stub, ok, status};
use crate::{CANARY, client, vault};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5";

fn message() -> Message {
    Message {
        name: "Ann".into(),
        email: "ann@example.com".into(),
        title: "A case waits for you".into(),
        link: "https://tuesday.example/reviews/rev_1".into(),
        due_at: None,
        alert: None,
    }
}

fn mail(server: &str) -> Channel {
    serde_json::from_value(
        json!({ "kind": "mail", "server": server, "from": "tuesday@example.com", "tls": "none" }),
    )
    .unwrap()
}

#[tokio::test]
async fn the_first_channel_that_works_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let (address, taken) = server(Script::Accept).await;
    let secrets = vault(&[]);
    let file = Channel::File {
        path: "notices.jsonl".into(),
    };
    let n = Notifiers::new(
        vec![mail(&address), file.clone()],
        client(),
        secrets.clone(),
        dir.path(),
    );
    assert_eq!(n.notify(&message()).await, Ok("mail".to_owned()));
    assert!(taken.lock().unwrap()[0].contains("rev_1"));
    assert!(!dir.path().join("notices.jsonl").exists());

    let n = Notifiers::new(
        vec![mail("127.0.0.1:1"), file],
        client(),
        secrets.clone(),
        dir.path(),
    );
    let answer = n.notify(&message()).await.unwrap();
    assert!(answer.starts_with("file (mail failed: connect"), "{answer}");
    assert!(
        std::fs::read_to_string(dir.path().join("notices.jsonl"))
            .unwrap()
            .contains("rev_1")
    );

    let n = Notifiers::new(
        vec![mail("127.0.0.1:1")],
        client(),
        secrets.clone(),
        dir.path(),
    );
    assert!(n.notify(&message()).await.is_err());
    assert!(
        Notifiers::new(Vec::new(), client(), secrets, dir.path())
            .notify(&message())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_webhook_is_signed_and_its_address_stays_secret() {
    let stub = Stub::start(|r| {
        if r.path.contains("down") {
            status(500, &r.path)
        } else {
            ok(&json!({}))
        }
    })
    .await;
    let secrets = vault(&[
        ("env:HOOK", SECRET),
        ("env:URL", &format!("{}/down/{CANARY}", stub.url)),
    ]);
    let hook = |url: &str| Channel::Webhook {
        url: url.to_owned(),
        secret: Some("env:HOOK".into()),
        auth: None,
    };
    let dir = tempfile::tempdir().unwrap();
    let n = Notifiers::new(vec![hook(&stub.url)], client(), secrets.clone(), dir.path());
    assert_eq!(n.notify(&message()).await, Ok("webhook".to_owned()));
    let seen = stub.seen().remove(0);
    let at: i64 = seen.headers["webhook-timestamp"].parse().unwrap();
    let body = serde_json::to_vec(&seen.body).unwrap();
    let now = Timestamp::from_micros(at * 1_000_000);
    verify(
        SECRET.as_bytes(),
        &seen.headers["webhook-id"],
        &at.to_string(),
        &seen.headers["webhook-signature"],
        &body,
        now,
    )
    .unwrap();

    let n = Notifiers::new(vec![hook("env:URL")], client(), secrets, dir.path());
    let error = n.notify(&message()).await.unwrap_err();
    assert_eq!(error, "webhook failed: answered 500");
}

fn alert(over: bool) -> Message {
    Message {
        title: "[high] Model provider does not answer: acme".into(),
        link: "https://tuesday.example/incidents/inc_1".into(),
        alert: Some(tuesday_domain::port::AlertFacts {
            key: "inc_1".into(),
            category: "provider_outage",
            severity: "high",
            place: "ticket-triage".into(),
            runbook: "https://tuesday.example/runbooks/provider-outage".into(),
            over,
        }),
        ..message()
    }
}

#[tokio::test]
async fn an_alert_and_its_end_speak_pagerduty_and_alertmanager() {
    let stub = Stub::start(|_| status(202, "{}")).await;
    let secrets = vault(&[("env:KEY", CANARY)]);
    let dir = tempfile::tempdir().unwrap();
    let pagerduty = Channel::Pagerduty {
        routing_key: "env:KEY".into(),
        url: Some(format!("{}/v2/enqueue", stub.url)),
    };
    let n = Notifiers::new(
        vec![pagerduty.clone()],
        client(),
        secrets.clone(),
        dir.path(),
    );
    for over in [false, true] {
        assert_eq!(n.notify(&alert(over)).await, Ok("pagerduty".to_owned()));
    }
    let seen = stub.seen();
    assert_eq!(seen[0].body["event_action"], "trigger");
    assert_eq!(seen[1].body["event_action"], "resolve");
    assert_eq!(seen[0].body["dedup_key"], seen[1].body["dedup_key"]);
    assert_eq!(seen[0].body["routing_key"], CANARY);
    assert_eq!(seen[0].body["payload"]["severity"], "error");
    assert_eq!(
        seen[0].body["links"][1]["href"],
        "https://tuesday.example/runbooks/provider-outage"
    );

    let manager = Channel::Alertmanager {
        url: format!("{}/", stub.url),
        auth: None,
    };
    let n = Notifiers::new(vec![manager], client(), secrets.clone(), dir.path());
    for over in [false, true] {
        n.notify(&alert(over)).await.unwrap();
    }
    let seen = stub.seen();
    assert_eq!(seen[2].path, "/api/v2/alerts");
    assert_eq!(
        seen[2].body[0]["labels"], seen[3].body[0]["labels"],
        "one alert, not two"
    );
    assert!(seen[2].body[0].get("endsAt").is_none() && seen[3].body[0].get("endsAt").is_some());

    let beat = tuesday_connectors::notifiers::Heartbeat::new(client(), secrets.clone(), &stub.url);
    beat.beat().await.unwrap();
    assert_eq!(stub.seen().len(), 5);

    // A notice passes by what takes alerts only; a failed channel is told of, without its secret.
    let file = Channel::File {
        path: "n.jsonl".into(),
    };
    let down = Channel::Pagerduty {
        routing_key: "env:KEY".into(),
        url: Some("http://127.0.0.1:1/".into()),
    };
    let n = Notifiers::new(vec![down, file], client(), secrets, dir.path());
    assert_eq!(n.notify(&message()).await, Ok("file".to_owned()));
    let answer = n.notify(&alert(false)).await.unwrap();
    assert!(answer.starts_with("file (pagerduty failed"), "{answer}");
    assert!(!answer.contains(CANARY));
}

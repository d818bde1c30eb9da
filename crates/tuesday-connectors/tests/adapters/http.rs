//! REST destinations against a server with its own ledger.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tuesday_domain::port::{Destination as _, Intent, Look, ReadBack, SendFault};

use crate::stub::{Reply, Seen, Stub, ok, status};
use crate::{CANARY, destinations, intent};

fn base() -> &'static Path {
    Path::new(".")
}

fn post(stub: &Stub, ability: &str, more: Value) -> Intent {
    let mut settings = json!({ "kind": "http", "ability": ability, "method": "POST", "url": format!("{}/notes", stub.url) });
    settings
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    intent(
        "tsd-1",
        "d7",
        json!({ "text": "hello", "amount": "12.50" }),
        settings,
    )
}

async fn refused(ability: &str, reply: impl Fn() -> Reply + Send + Sync + 'static) -> SendFault {
    let stub = Stub::start(move |_| reply()).await;
    let more = if ability == "E" {
        json!({ "key_field": "ref" })
    } else {
        json!({})
    };
    destinations(base())
        .send(&post(&stub, ability, more))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_applied_write_whose_answer_is_lost_is_unclear_and_the_same_key_finds_it() {
    let ledger: Arc<Mutex<HashMap<String, Value>>> = Arc::default();
    let (book, calls) = (Arc::clone(&ledger), AtomicU32::new(0));
    let stub = Stub::start(move |request: &Seen| {
        let mut book = book.lock().unwrap();
        let known = book
            .insert(
                request.headers["idempotency-key"].clone(),
                request.body.clone(),
            )
            .is_some();
        match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Drop,
            _ => Reply::Answer(
                201,
                vec![("idempotent-replayed", known.to_string())],
                json!({"note": {"id": 9}}).to_string(),
            ),
        }
    })
    .await;
    let wish = post(&stub, "B", json!({ "external_id": "/note/id" }));
    let d = destinations(base());
    assert!(matches!(
        d.send(&wish).await,
        Err(SendFault::Unclear {
            code: "no_answer",
            ..
        })
    ));
    let delivery = d.send(&wish).await.unwrap();
    assert!(delivery.repeated);
    assert_eq!(delivery.external_id.as_deref(), Some("9"));
    assert_eq!(ledger.lock().unwrap().len(), 1, "one effect");
    let sent = &stub.seen()[1];
    assert_eq!(
        sent.body,
        json!({ "text": "hello", "amount": "12.50" }),
        "only mapped fields"
    );
    assert_eq!(sent.headers["x-tuesday-run"], crate::run().to_string());
}

#[tokio::test]
async fn refusals_are_told_apart() {
    use SendFault as F;
    assert!(matches!(
        refused("B", || status(409, "")).await,
        F::RefusedForNow {
            code: "in_progress",
            ..
        }
    ));
    let reuse = || {
        status(
            422,
            r#"{"error":"Idempotency-Key was used for another payload"}"#,
        )
    };
    assert!(matches!(
        refused("B", reuse).await,
        F::RefusedForGood {
            code: "key_reuse",
            ..
        }
    ));
    assert!(matches!(
        refused("B", || status(422, r#"{"error":"text too long"}"#)).await,
        F::RefusedForGood {
            code: "refused",
            ..
        }
    ));
    let limited = || Reply::Answer(429, vec![("retry-after", "7".to_owned())], String::new());
    let wait = Some(Duration::from_secs(7));
    assert!(
        matches!(refused("E", limited).await, F::RefusedForNow { code: "rate_limited", retry_after, .. } if retry_after == wait)
    );
    assert!(matches!(
        refused("E", || status(503, "")).await,
        F::RefusedForNow { .. }
    ));
    assert!(matches!(
        refused("E", || status(500, "")).await,
        F::Unclear { .. }
    ));
    assert!(matches!(
        refused("F", || status(502, "")).await,
        F::Unclear { .. }
    ));
    assert!(matches!(
        refused("B", || status(500, "")).await,
        F::RefusedForNow {
            code: "server_error",
            ..
        }
    ));
    let replayed = || {
        Reply::Answer(
            500,
            vec![("idempotent-replayed", "true".to_owned())],
            String::new(),
        )
    };
    assert!(matches!(
        refused("B", replayed).await,
        F::Unclear {
            code: "replayed_error",
            ..
        }
    ));
    for gone in [404, 410, 300] {
        assert!(
            matches!(
                refused("B", move || status(gone, "")).await,
                F::NoUniqueTarget { .. }
            ),
            "{gone}"
        );
    }
    for good in [400, 401, 403, 302] {
        assert!(
            matches!(
                refused("F", move || status(good, "")).await,
                F::RefusedForGood { .. }
            ),
            "{good}"
        );
    }
    assert!(matches!(
        refused("B", || Reply::Cut).await,
        F::Unclear {
            code: "cut_answer",
            ..
        }
    ));
}

#[tokio::test]
async fn only_a_request_that_never_left_is_clean() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let d = destinations(base());
    let settings = json!({ "kind": "http", "method": "POST", "url": format!("http://{closed}/x") });
    let fault = d
        .send(&intent("tsd-1", "1", json!({"a": 1}), settings))
        .await
        .unwrap_err();
    assert!(
        matches!(
            fault,
            SendFault::RefusedForNow {
                code: "connect",
                ..
            }
        ),
        "{fault:?}"
    );

    let stub = Stub::start(|_| Reply::Hang).await;
    let mut slow = post(&stub, "F", json!({}));
    slow.timeout_ms = 50;
    assert!(matches!(
        d.send(&slow).await,
        Err(SendFault::Unclear {
            code: "timeout",
            ..
        })
    ));
    assert_eq!(stub.seen().len(), 1, "never sent twice");
}

#[tokio::test]
async fn a_success_with_an_error_in_it_is_no_success() {
    let stub = Stub::start(|r| {
        if r.path == "/notes" {
            ok(&json!({"error": "quota"}))
        } else {
            ok(&json!({"id": 1}))
        }
    })
    .await;
    let fault = destinations(base())
        .send(&post(&stub, "B", json!({ "error_when": "answer.error" })))
        .await
        .unwrap_err();
    assert!(
        matches!(
            fault,
            SendFault::RefusedForGood {
                code: "error_in_success",
                ..
            }
        ),
        "{fault:?}"
    );
    let mut other = post(
        &stub,
        "B",
        json!({ "error_when": "answer.error", "external_id": "/id" }),
    );
    other.spec.url = Some(format!("{}/fine", stub.url));
    assert!(destinations(base()).send(&other).await.is_ok());
}

fn record(stub: &Stub) -> Intent {
    let url = format!("{}/deals/{{{{ target }}}}", stub.url);
    let settings =
        json!({ "kind": "http", "ability": "D", "method": "PATCH", "url": url, "read_url": url });
    intent("tsd-1", "d7", json!({ "tier": "gold" }), settings)
}

/// A record with a version that a conditional write must name.
async fn versioned() -> (Stub, Arc<Mutex<(u32, Value)>>) {
    let state = Arc::new(Mutex::new((1, json!({"tier": "silver", "owner": "ann"}))));
    let deal = Arc::clone(&state);
    let stub = Stub::start(move |r| {
        let mut deal = deal.lock().unwrap();
        if r.path != "/deals/d7" {
            return status(404, "");
        }
        if r.method == "PATCH" {
            if r.headers.get("if-match") != Some(&format!("\"{}\"", deal.0)) {
                return status(412, "");
            }
            deal.0 += 1;
            let fields = r.body.as_object().unwrap().clone();
            deal.1.as_object_mut().unwrap().extend(fields);
        }
        Reply::Answer(
            200,
            vec![("etag", format!("\"{}\"", deal.0))],
            deal.1.to_string(),
        )
    })
    .await;
    (stub, state)
}

#[tokio::test]
async fn a_changed_record_is_never_overwritten() {
    let (stub, state) = versioned().await;
    let d = destinations(base());
    let mut wish = record(&stub);
    wish.expected_version = Some("1".to_owned());
    assert_eq!(d.look(&wish).await, Look::Absent);
    let delivery = d.send(&wish).await.unwrap();
    assert_eq!(delivery.before, Some(json!({"tier": "silver"})));
    assert_eq!(
        (
            delivery.version_before.as_deref(),
            delivery.version_after.as_deref()
        ),
        (Some("\"1\""), Some("\"2\""))
    );
    assert!(matches!(
        d.read_back(&wish, &delivery).await,
        ReadBack::Equal(_)
    ));
    assert!(matches!(d.look(&wish).await, Look::Found(_)));

    state.lock().unwrap().1["tier"] = json!("bronze");
    state.lock().unwrap().0 = 3;
    assert!(
        matches!(d.send(&wish).await, Err(SendFault::TargetChanged { detail }) if detail.contains('1') && detail.contains('3'))
    );
    assert!(
        matches!(d.look(&wish).await, Look::Unknown(_)),
        "somebody else's change is not an absent effect"
    );
    assert!(matches!(
        d.read_back(&wish, &delivery).await,
        ReadBack::Differs(_)
    ));
    assert_eq!(
        stub.seen().iter().filter(|r| r.method == "PATCH").count(),
        1,
        "the second write never left"
    );

    let mut gone = record(&stub);
    gone.target = "d8".to_owned();
    assert!(matches!(
        d.send(&gone).await,
        Err(SendFault::NoUniqueTarget { .. })
    ));
}

#[tokio::test]
async fn a_searchable_effect_is_found_or_absent_only_after_the_search_has_settled() {
    let notes: Arc<Mutex<Vec<Value>>> = Arc::default();
    let book = Arc::clone(&notes);
    let stub = Stub::start(move |r| {
        if r.method == "GET" {
            return ok(&Value::Array(book.lock().unwrap().clone()));
        }
        Reply::Drop
    })
    .await;
    let more = json!({ "key_field": "ref", "lookup_url": format!("{}/notes?q={{{{ key }}}}", stub.url), "settle": "30ms" });
    let wish = post(&stub, "E", more);
    let d = destinations(base());
    assert!(matches!(
        d.send(&wish).await,
        Err(SendFault::Unclear { .. })
    ));
    let wait = match d.look(&wish).await {
        Look::NotYet(wait) => wait,
        other => panic!("{other:?}"),
    };
    assert!(wait <= Duration::from_millis(30));
    tokio::time::sleep(wait).await;
    assert_eq!(d.look(&wish).await, Look::Absent);

    let sent = stub.seen()[0].body.clone();
    assert_eq!(sent["ref"], "tsd-1", "the effect carries the key");
    let mut note = sent;
    note["id"] = json!("n1");
    notes
        .lock()
        .unwrap()
        .extend([note, json!({"id": "n0", "ref": "tsd-10"})]);
    match d.look(&wish).await {
        Look::Found(delivery) => {
            assert_eq!(delivery.external_id.as_deref(), Some("n1"));
            assert!(matches!(
                d.read_back(&wish, &delivery).await,
                ReadBack::Equal(_)
            ));
        }
        other => panic!("{other:?}"),
    }
    notes.lock().unwrap().push(json!({"id": "n2"}));
    assert!(
        matches!(d.look(&wish).await, Look::Unknown(_)),
        "a record that hides its key may be ours"
    );
}

#[tokio::test]
async fn no_value_leaves_its_place_in_an_address() {
    let (stub, _) = versioned().await;
    let mut wish = record(&stub);
    wish.rendered.insert(
        "read_url".to_owned(),
        json!(format!("{}/deals/../admin", stub.url)),
    );
    assert!(matches!(
        destinations(base()).send(&wish).await,
        Err(SendFault::RefusedForGood {
            code: "bad_address",
            ..
        })
    ));
    assert!(stub.seen().is_empty());
}

#[tokio::test]
async fn an_echoed_secret_is_not_kept() {
    let stub =
        Stub::start(|r| status(401, &format!("bad key {}", r.headers["authorization"]))).await;
    let auth = json!({ "auth": { "header": "Authorization", "prefix": "Bearer ", "secret": "env:CANARY" } });
    let wish = post(&stub, "B", auth);
    let fault = destinations(base()).send(&wish).await.unwrap_err();
    assert!(
        stub.seen()[0].headers["authorization"].contains(CANARY),
        "it was sent"
    );
    assert!(!format!("{fault:?} {wish:?}").contains(CANARY), "{fault:?}");
}

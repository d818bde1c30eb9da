//! Idempotency keys, and the ledger that counts effects by key.

use std::time::Duration;

use serde_json::json;
use tuesday_stub::{Entry, Profile, Script, World};

use crate::client::serve;

const PATH: &str = "/desk/callbacks";

#[tokio::test]
async fn a_repeated_key_brings_the_first_answer_back() {
    let served = serve(World::new()).await;
    let first = served.post(PATH, "k1", r#"{"who":"A-1"}"#).await.unwrap();
    assert_eq!(
        (first.status, first.header("location")),
        (201, Some("/desk/callbacks/callbacks-1"))
    );
    let again = served.post(PATH, "k1", r#"{"who":"A-1"}"#).await.unwrap();
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (201, Some("true"))
    );
    assert_eq!(again.body, first.body);
    let other = served.post(PATH, "k1", r#"{"who":"A-2"}"#).await.unwrap();
    assert_eq!(other.status, 422);
    assert!(
        other.json()["code"]
            .as_str()
            .unwrap()
            .contains("idempotency")
    );
    let keyless = served
        .call("POST", PATH, &[], r#"{"who":"A-1"}"#)
        .await
        .unwrap();
    assert_eq!(keyless.json()["id"], "callbacks-2");
    assert_eq!(
        served.get("/_ledger").await.json()["systems"]["desk"],
        json!({ "requests": 4, "applied": 2, "answered": 4, "replayed": 1,
                "without_key": 1, "distinct_keys": 1, "duplicates": 0 })
    );
}

#[tokio::test]
async fn a_patch_under_a_key_is_applied_once() {
    let served = serve(World::new()).await;
    served
        .call("PUT", "/desk/tickets/T-1", &[], "{}")
        .await
        .unwrap();
    for _ in 0..2 {
        let key = [("idempotency-key", "k")];
        let heard = served
            .call("PATCH", "/desk/tickets/T-1", &key, r#"{"queue":"billing"}"#)
            .await
            .unwrap();
        assert_eq!(heard.json()["version"], "2");
    }
}

#[tokio::test]
async fn a_key_in_progress_is_refused_and_then_replayed() {
    let served = serve(World::new()).await;
    served
        .world
        .script(Script {
            delay_ms: 400,
            ..Script::default()
        })
        .unwrap();
    let slow = served.post(PATH, "k", "{}");
    let early = async {
        served.world.wait_applied(1).await;
        served.post(PATH, "k", "{}").await
    };
    let (slow, early) = tokio::join!(slow, early);
    assert_eq!((slow.unwrap().status, early.unwrap().status), (201, 409));
    assert_eq!(
        served
            .post(PATH, "k", "{}")
            .await
            .unwrap()
            .header("idempotency-replayed"),
        Some("true")
    );
}

#[tokio::test]
async fn an_expired_key_shows_as_a_duplicate() {
    let served = serve(World::new()).await;
    served.post(PATH, "k", "{}").await.unwrap();
    served.call("DELETE", "/_keys/desk", &[], "").await.unwrap();
    served.post(PATH, "k", "{}").await.unwrap();
    assert_eq!(served.world.ledger_counts().total.duplicates, 1);
}

#[tokio::test]
async fn a_system_without_keys_is_judged_by_them_all_the_same() {
    let served = serve(World::new()).await;
    let profile = Profile {
        honours_keys: false,
        key_field: Some("ref".to_owned()),
        ..Profile::default()
    };
    served.world.profile("desk", profile);
    for _ in 0..3 {
        let heard = served
            .call("POST", PATH, &[], r#"{"ref":"k7"}"#)
            .await
            .unwrap();
        assert_eq!(heard.status, 201);
    }
    let counts = served.world.ledger_counts().systems["desk"];
    assert_eq!(
        (counts.applied, counts.distinct_keys, counts.duplicates),
        (3, 1, 2)
    );
    assert_eq!(
        served
            .get("/desk/callbacks?ref=k7")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn a_search_may_lag_behind() {
    let served = serve(World::new()).await;
    served
        .world
        .set_clock(Some("2026-03-03T12:00:00Z".parse().unwrap()));
    served
        .order("/_profile/desk", r#"{"search_lag_ms":2000}"#)
        .await;
    served.post(PATH, "k", "{}").await.unwrap();
    assert_eq!(served.get(PATH).await.json(), json!([]));
    served
        .order("/_clock", r#"{"now":"2026-03-03T12:00:02Z"}"#)
        .await;
    assert_eq!(served.get(PATH).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_ledger_file_holds_each_line_before_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let served = serve(World::with_file(&path).unwrap()).await;
    served
        .world
        .script(Script {
            delay_ms: 60_000,
            ..Script::default()
        })
        .unwrap();
    let lost = tokio::time::timeout(
        Duration::from_millis(300),
        served.post(PATH, "k1", "{\n\"a\": 1}"),
    );
    assert!(lost.await.is_err(), "no answer has been given");
    let line = std::fs::read_to_string(&path).unwrap();
    let entry: Entry = serde_json::from_str(line.trim_end()).unwrap();
    assert_eq!(
        (
            entry.idempotency_key.as_deref(),
            entry.applied,
            entry.run.as_deref()
        ),
        (Some("k1"), true, Some("run_1"))
    );
    assert_eq!(entry.json(), json!({ "a": 1 }));

    std::fs::write(&path, format!("{line}{{\"seq\":2,\"torn")).unwrap();
    let reopened = World::with_file(&path).unwrap();
    assert_eq!(reopened.ledger_counts().total.applied, 1);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        line,
        "a torn line is cut away"
    );
    let served = serve(reopened).await;
    served.post(PATH, "k1", "{}").await.unwrap();
    assert_eq!(
        served.world.ledger_counts().total.duplicates,
        1,
        "keys are judged over restarts"
    );
    assert_eq!(served.world.entries("desk")[1].seq, 2);

    std::fs::write(&path, "{}\n").unwrap();
    assert!(
        World::with_file(&path)
            .unwrap_err()
            .to_string()
            .contains("line 1")
    );
}

#[tokio::test]
async fn a_lean_world_judges_without_entries() {
    let served = serve(World::lean()).await;
    served.post(PATH, "k", "{}").await.unwrap();
    served.post(PATH, "k", "{}").await.unwrap();
    let counts = served.world.ledger_counts().total;
    assert_eq!(
        (counts.applied, counts.replayed, counts.duplicates),
        (1, 1, 0)
    );
    assert!(served.world.entries("desk").is_empty());
}

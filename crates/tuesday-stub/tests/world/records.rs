//! Record systems: seeds, versions, preconditions, searches.

use jiff::Timestamp;
use serde_json::{Value, json};
use tuesday_stub::World;

use crate::client::{Served, serve};

fn noon() -> Timestamp {
    "2026-03-03T12:00:00Z".parse().unwrap()
}

async fn crm() -> Served {
    let world = World::new();
    let seed = json!({ "crm/accounts": [
        { "id": "A-1", "version": "v39", "updated_at": "@-2d", "tier": "gold", "handle": "@home" },
        { "id": "A-2", "tier": "basic", "due": "@+90m", "nested": { "seen": ["@-30s"] } },
    ] });
    world.seed(&seed, noon()).unwrap();
    world.set_clock(Some(noon()));
    serve(world).await
}

#[tokio::test]
async fn a_seed_gives_times_relative_to_now() {
    let served = crm().await;
    let first = served.get("/crm/accounts/A-1").await;
    assert_eq!(first.header("etag"), Some("\"v39\""));
    assert_eq!(first.json()["updated_at"], "2026-03-01T12:00:00.000Z");
    assert_eq!(
        first.json()["handle"],
        "@home",
        "text that only begins with @ is no time"
    );
    let second = served.get("/crm/accounts/A-2").await.json();
    assert_eq!(second["due"], "2026-03-03T13:30:00.000Z");
    assert_eq!(second["nested"]["seen"][0], "2026-03-03T11:59:30.000Z");
    assert_eq!(second["version"], "1");
}

#[test]
fn a_bad_seed_is_refused_and_named() {
    let refusal = |seed: Value| World::new().seed(&seed, noon()).unwrap_err().to_string();
    assert!(refusal(json!({ "crm/a": [{ "id": "1", "at": "@-3x" }] })).contains("@-3x"));
    assert!(refusal(json!({ "crm": [] })).contains("\"crm\""));
    assert!(refusal(json!({ "crm/a": [{ "name": "n" }] })).contains("crm/a"));
    assert!(refusal(json!([])).contains("object"));
}

#[tokio::test]
async fn a_write_raises_the_version_and_an_old_one_is_refused() {
    let served = crm().await;
    let path = "/crm/accounts/A-1";
    let written = served
        .call(
            "PATCH",
            path,
            &[("if-match", "\"v39\"")],
            r#"{"tier":"silver","handle":null}"#,
        )
        .await
        .unwrap();
    assert_eq!(
        (written.status, written.header("etag")),
        (200, Some("\"v40\""))
    );
    assert_eq!(
        written.json(),
        json!({ "id": "A-1", "version": "v40", "updated_at": "2026-03-03T12:00:00.000Z", "tier": "silver" })
    );
    let late = served
        .call("PUT", path, &[("if-match", "\"v39\"")], r#"{"tier":"x"}"#)
        .await
        .unwrap();
    assert_eq!(late.status, 412);
    assert_eq!(served.get(path).await.json()["tier"], "silver");
    let missing = served
        .call("PATCH", "/crm/accounts/A-9", &[], "{}")
        .await
        .unwrap();
    assert_eq!(missing.status, 404);
    let created = served
        .call("PUT", "/crm/accounts/A-9", &[], r#"{"tier":"new"}"#)
        .await
        .unwrap();
    assert_eq!(
        (created.status, created.json()["id"].clone()),
        (201, json!("A-9"))
    );
    assert_eq!(
        served.call("DELETE", path, &[], "").await.unwrap().status,
        204
    );
    assert_eq!(served.get(path).await.status, 404);
}

#[tokio::test]
async fn a_search_answers_a_list_that_matches_exactly() {
    let served = crm().await;
    let ids = |heard: &Value| -> Vec<String> {
        heard
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(&served.get("/crm/accounts").await.json()),
        ["A-1", "A-2"]
    );
    assert_eq!(
        ids(&served
            .get("/crm/accounts?tier=gold&handle=%40home")
            .await
            .json()),
        ["A-1"]
    );
    assert!(ids(&served.get("/crm/accounts?tier=gol").await.json()).is_empty());
    let nothing_yet = served.get("/desk/callbacks?key=k").await;
    assert_eq!((nothing_yet.status, nothing_yet.json()), (200, json!([])));
}

#[tokio::test]
async fn bad_writes_have_no_effect_and_stand_in_the_ledger() {
    let served = crm().await;
    let status = async |method: &str, path: &str, body: &str| {
        served.call(method, path, &[], body).await.unwrap().status
    };
    assert_eq!(status("POST", "/crm/accounts", "{").await, 400);
    assert_eq!(status("POST", "/crm/accounts", "[1]").await, 422);
    assert_eq!(
        status("POST", "/crm/accounts", r#"{"id":"mine"}"#).await,
        422
    );
    assert_eq!(status("POST", "/crm/accounts/A-1", "{}").await, 405);
    assert_eq!(status("POST", "/a/b/c/d", "{}").await, 404);
    let ledger = served.get("/_ledger/crm").await.json();
    assert_eq!(ledger.as_array().unwrap().len(), 4);
    assert!(
        ledger
            .as_array()
            .unwrap()
            .iter()
            .all(|e| e["applied"] == false && e["answered"] == true)
    );
    assert_eq!(ledger[0]["body"], "{", "what is not JSON is kept as text");
    assert_eq!(served.world.applied(), 0);
}

#[tokio::test]
async fn a_chat_hook_takes_any_json() {
    let served = serve(World::new()).await;
    let heard = served
        .call("POST", "/chat/hook", &[], r#"{"text":"a task waits"}"#)
        .await
        .unwrap();
    assert_eq!((heard.status, &heard.body[..]), (200, &b"ok"[..]));
    assert_eq!(
        served.world.records("chat", "hook")[0]["text"],
        "a task waits"
    );
}

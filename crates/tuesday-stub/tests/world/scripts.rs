//! Misbehaviour on order.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpListener;
use tuesday_stub::{Cut, Script, World};

use crate::client::{Broken, Served, serve};

const PATH: &str = "/desk/callbacks";

#[tokio::test]
async fn a_refusal_comes_so_many_times_and_has_no_effect() {
    let served = serve(World::new()).await;
    let order = r#"{"system":"desk","method":"POST","times":2,"status":429,"retry_after":7}"#;
    served.order("/_script", order).await;
    assert_eq!(
        served.get(PATH).await.status,
        200,
        "another method is not meant"
    );
    for _ in 0..2 {
        let heard = served.post(PATH, "k", "{}").await.unwrap();
        assert_eq!(
            (heard.status, heard.header("retry-after")),
            (429, Some("7"))
        );
    }
    let heard = served.post(PATH, "k", "{}").await.unwrap();
    assert_eq!(
        (heard.status, heard.header("idempotency-replayed")),
        (201, None)
    );
    let ledger = served.get("/_ledger/desk").await.json();
    let applied: Vec<_> = ledger
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["applied"].clone())
        .collect();
    assert_eq!(applied, [json!(false), json!(false), json!(true)]);
    assert_eq!(served.get("/_script").await.json(), json!([]));
}

#[tokio::test]
async fn the_answer_can_be_lost_before_and_after_the_effect() {
    let served = serve(World::new()).await;
    served
        .order(
            "/_script",
            r#"[{"drop":"before_apply"},{"drop":"after_apply"}]"#,
        )
        .await;
    assert_eq!(
        served.post(PATH, "k", "{}").await.unwrap_err(),
        Broken::NoHead
    );
    assert_eq!(served.world.applied(), 0);
    assert_eq!(
        served.post(PATH, "k", "{}").await.unwrap_err(),
        Broken::NoHead
    );
    assert_eq!(served.world.applied(), 1);
    let third = served.post(PATH, "k", "{}").await.unwrap();
    assert_eq!(
        (third.status, third.header("idempotency-replayed")),
        (201, Some("true"))
    );
    let told: Vec<_> = served
        .world
        .entries("desk")
        .iter()
        .map(|e| (e.applied, e.answered, e.replayed))
        .collect();
    assert_eq!(
        told,
        [
            (false, false, false),
            (true, false, false),
            (false, true, true)
        ]
    );
}

#[tokio::test]
async fn a_router_loses_answers_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let world = World::new();
    let router = world.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let served = Served { world, at };
    assert_eq!(served.post(PATH, "k1", "{}").await.unwrap().status, 201);
    served
        .order(
            "/_script",
            r#"[{"drop":"after_apply"},{"drop":"half_body"}]"#,
        )
        .await;
    assert_eq!(
        served.post(PATH, "k2", "{}").await.unwrap_err(),
        Broken::NoHead
    );
    assert_eq!(
        served.post(PATH, "k3", "{}").await.unwrap_err(),
        Broken::NoBody
    );
    assert_eq!(served.world.applied(), 3);
}

#[tokio::test]
async fn half_a_body_is_seen_as_cut() {
    let served = serve(World::new()).await;
    served.order("/_script", r#"{"drop":"half_body"}"#).await;
    assert_eq!(
        served.post(PATH, "k", "{}").await.unwrap_err(),
        Broken::NoBody
    );
    assert_eq!(served.world.applied(), 1);
}

#[tokio::test]
async fn a_body_can_drip() {
    let served = serve(World::new()).await;
    let order = r#"{"status":200,"body":"abcdef","drip_ms":20,"drip_bytes":2}"#;
    served.order("/_script", order).await;
    let began = Instant::now();
    let heard = served.get(PATH).await;
    assert_eq!(&heard.body[..], b"abcdef");
    assert!(
        began.elapsed() >= Duration::from_millis(60),
        "three pieces, each 20 ms late"
    );
}

#[tokio::test]
async fn an_error_can_hide_an_effect_and_stick_to_its_key() {
    let served = serve(World::new()).await;
    served
        .order("/_script", r#"{"status":500,"apply":true,"remember":true}"#)
        .await;
    for replayed in [None, Some("true")] {
        let heard = served.post(PATH, "k", "{}").await.unwrap();
        assert_eq!(
            (heard.status, heard.header("idempotency-replayed")),
            (500, replayed)
        );
    }
    assert_eq!(served.world.applied(), 1);
    served
        .order("/_script", r#"{"status":500,"remember":true}"#)
        .await;
    for _ in 0..2 {
        assert_eq!(served.post(PATH, "k2", "{}").await.unwrap().status, 500);
    }
    assert_eq!(
        served.world.applied(),
        1,
        "a stored refusal keeps the effect away"
    );
}

#[tokio::test]
async fn a_script_meets_the_path_it_names() {
    let served = serve(World::new()).await;
    served
        .call("PUT", "/crm/accounts/A-1", &[], "{}")
        .await
        .unwrap();
    served
        .order(
            "/_script",
            r#"{"path_prefix":"/crm/accounts/A-1","status":200,"body":"<html>"}"#,
        )
        .await;
    assert_eq!(served.get("/crm/accounts/A-2").await.status, 404);
    assert_eq!(&served.get("/crm/accounts/A-1").await.body[..], b"<html>");
    assert_eq!(served.get("/crm/accounts/A-1").await.json()["id"], "A-1");
}

#[test]
fn contradictions_are_refused() {
    let refused = |script: Script| World::new().script(script).is_err();
    assert!(refused(Script {
        times: 0,
        ..Script::default()
    }));
    assert!(refused(Script {
        status: Some(42),
        ..Script::default()
    }));
    assert!(refused(Script {
        drop: Some(Cut::AfterApply),
        apply: Some(false),
        ..Script::default()
    }));
    assert!(refused(Script {
        apply: Some(false),
        ..Script::default()
    }));
    assert!(refused(Script {
        headers: [("a b".to_owned(), "c".to_owned())].into(),
        ..Script::default()
    }));
    assert!(!refused(Script::default()));
}

#[tokio::test]
async fn unknown_words_in_an_order_are_refused() {
    let served = serve(World::new()).await;
    for body in [r#"{"statsu":500}"#, r#"{"drop":"sometimes"}"#, "nonsense"] {
        assert_eq!(
            served
                .call("POST", "/_script", &[], body)
                .await
                .unwrap()
                .status,
            422,
            "{body}"
        );
    }
    assert_eq!(served.get("/_nothing").await.status, 404);
}

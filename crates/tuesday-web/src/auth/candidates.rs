//! Candidates over the API: a wrong answer names its field, two who save at once, and nobody past their rights.

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tuesday_domain::access::Role;

use super::walk::Walk;

type Who = (String, String);

async fn ask(walk: &Walk, who: &Who, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", who.1))
        .header(header::CONTENT_TYPE, "application/json");
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    let answer = walk
        .router
        .clone()
        .oneshot(request.body(body).unwrap())
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_of_the_api_name_what_is_wrong() {
    let walk = Walk::new().await;
    let owner = walk.person(Role::OperatorOwner).await;
    let at = "/api/v1/candidates/invoices";
    let first = json!({"version": 0, "title": "Invoices", "answers": {"friction_hours": "12.5", "review_hours": "3"}});
    let (status, body) = ask(&walk, &owner, "PUT", at, first.clone()).await;
    assert_eq!((status, &body["line"]["net"]), (200, &json!(950)), "{body}");

    let wrong = json!({"version": 1, "answers": {"cases": "many", "trigger": "magic"}});
    let (status, body) = ask(&walk, &owner, "PUT", at, wrong).await;
    assert_eq!(
        (status, &body["code"], &body["field"]),
        (400, &json!("bad_request"), &json!("cases"))
    );
    let fields: Vec<&Value> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["field"])
        .collect();
    assert_eq!(fields, ["cases", "trigger"]);
    let (status, body) = ask(&walk, &owner, "PUT", at, json!({"answers": {}})).await;
    assert_eq!(
        (status, &body["code"]),
        (400, &json!("bad_request")),
        "a version is needed"
    );
    let (status, body) = ask(&walk, &owner, "PUT", at, first).await;
    assert_eq!(
        (status, &body["code"], &body["version"]),
        (409, &json!("revision_moved"), &json!(1))
    );
    let (status, body) = ask(
        &walk,
        &owner,
        "PUT",
        "/api/v1/candidates/In%20voices",
        json!({"version": 0}),
    )
    .await;
    assert_eq!((status, &body["field"]), (400, &json!("name")));
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_of_the_api_are_read_by_readers_and_dropped_by_signers() {
    let walk = Walk::new().await;
    let owner = walk.person(Role::OperatorOwner).await;
    let reader = walk.person(Role::Reviewer).await;
    let at = "/api/v1/candidates/invoices";
    let first = json!({"version": 0, "answers": {"friction_hours": "12.5", "review_hours": "3"}});
    let (status, _) = ask(&walk, &owner, "PUT", at, first).await;
    assert_eq!(status, 200);
    let (status, body) = ask(&walk, &reader, "GET", "/api/v1/candidates", Value::Null).await;
    assert_eq!(
        (status, &body["candidates"][0]["name"]),
        (200, &json!("invoices"))
    );
    assert_eq!(
        body["candidates"][0]["blockers"].as_array().unwrap().len(),
        13
    );
    let (status, _) = ask(
        &walk,
        &reader,
        "PUT",
        at,
        json!({"version": 1, "title": "Mine"}),
    )
    .await;
    assert_eq!(status, 403);
    let (status, body) = ask(
        &walk,
        &owner,
        "POST",
        &format!("{at}/carrying"),
        Value::Null,
    )
    .await;
    assert_eq!((status, &body["code"]), (404, &json!("unknown_workflow")));
    let (status, _) = ask(
        &walk,
        &reader,
        "DELETE",
        &format!("{at}?version=1"),
        Value::Null,
    )
    .await;
    assert_eq!(status, 403);
    let (status, _) = ask(&walk, &owner, "DELETE", at, Value::Null).await;
    assert_eq!(status, 400, "which version is meant");
    let (status, _) = ask(
        &walk,
        &owner,
        "DELETE",
        &format!("{at}?version=1"),
        Value::Null,
    )
    .await;
    assert_eq!(status, 204);
    let (status, _) = ask(&walk, &owner, "GET", at, Value::Null).await;
    assert_eq!(status, 404);
}

//! Models in three dialects.

use serde_json::{Value, json};
use tuesday_stub::{ModelRule, World};

use crate::client::{Served, serve};

const SCHEMA: &str = r##"{"type":"object","properties":{"queue":{"enum":["billing","other"]},
    "score":{"type":"number","minimum":0.5},"tags":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/t"}}},
    "$defs":{"t":{"type":"string"}}}"##;

async fn chat(served: &Served, prompt: &str) -> Value {
    let body = format!(
        r#"{{"model":"m-1","messages":[{{"role":"user","content":"{prompt}"}}],
        "response_format":{{"type":"json_schema","json_schema":{{"schema":{SCHEMA}}}}}}}"#
    );
    served
        .post("/v1/chat/completions", "x", &body)
        .await
        .unwrap()
        .json()
}

fn content(completion: &Value) -> &Value {
    &completion["choices"][0]["message"]["content"]
}

#[tokio::test]
async fn without_orders_the_schema_is_echoed_the_same_each_time() {
    let served = serve(World::new()).await;
    let first = chat(&served, "hello").await;
    let answer: Value = serde_json::from_str(content(&first).as_str().unwrap()).unwrap();
    assert_eq!(
        answer,
        json!({ "queue": "billing", "score": 0.5, "tags": ["text"] })
    );
    assert_eq!(content(&chat(&served, "hello").await), content(&first));
    assert_eq!(first["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        (&first["model"], &first["usage"]["prompt_tokens"]),
        (&json!("m-1"), &json!(2))
    );
}

#[tokio::test]
async fn orders_are_used_up_in_turn() {
    let served = serve(World::new()).await;
    let orders = json!([
        { "answer": { "queue": "other" } },
        { "text": "As you wish:", "times": 1 },
        { "refusal": "I cannot help with that.", "contains": "forbidden" },
    ]);
    served.order("/_model", &orders.to_string()).await;
    assert_eq!(content(&chat(&served, "first").await), "As you wish:");
    assert_eq!(
        content(&chat(&served, "second").await),
        r#"{"queue":"other"}"#
    );
    let refused = chat(&served, "something forbidden").await;
    assert_eq!(
        refused["choices"][0]["message"]["refusal"],
        "I cannot help with that."
    );
    assert_eq!(content(&refused), &Value::Null);
    served.call("DELETE", "/_model", &[], "").await.unwrap();
    assert_ne!(
        content(&chat(&served, "third").await),
        r#"{"queue":"other"}"#
    );
}

#[tokio::test]
async fn messages_and_the_plain_form_speak_their_own_words() {
    let served = serve(World::new()).await;
    let rule = r#"{"answer":{"queue":"other"},"usage":{"input_tokens":11,"output_tokens":3},"confidence":0.75}"#;
    served.order("/_model", rule).await;
    let ask = r#"{"model":"m-2","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#;
    let message = served.post("/v1/messages", "x", ask).await.unwrap().json();
    assert_eq!(message["content"][0]["text"], r#"{"queue":"other"}"#);
    assert_eq!(message["stop_reason"], "end_turn");
    assert_eq!(
        message["usage"],
        json!({ "input_tokens": 11, "output_tokens": 3 })
    );
    let unlimited = served
        .post("/v1/messages", "x", r#"{"messages":[{"content":"hi"}]}"#)
        .await
        .unwrap();
    assert_eq!(unlimited.status, 400, "this dialect wants max_tokens");

    let plain = served
        .post("/model", "x", r#"{"prompt":"hi","schema":{}}"#)
        .await
        .unwrap()
        .json();
    assert_eq!(plain["output"], json!({ "queue": "other" }));
    assert_eq!(plain["confidence"], 0.75);
    let named = served.get("/_ledger/model").await.json();
    assert_eq!(named["runs"]["run_1"], 3);
    assert_eq!(named["providers"]["http"]["output_tokens"], 3);
    assert_eq!(
        named["calls"][0]["body"]["model"], "m-2",
        "the request is kept as it came"
    );
}

#[tokio::test]
async fn calls_at_one_time_are_counted() {
    let served = serve(World::new()).await;
    served
        .world
        .answer(ModelRule {
            delay_ms: 200,
            ..ModelRule::default()
        })
        .unwrap();
    tokio::join!(chat(&served, "a"), chat(&served, "b"), chat(&served, "c"));
    served.world.clear_answers();
    chat(&served, "d").await;
    let counts = served.world.ledger_counts().model["openai"];
    assert_eq!(
        (counts.calls, counts.in_flight, counts.in_flight_max),
        (4, 0, 3)
    );
}

#[tokio::test]
async fn a_model_can_be_scripted_like_any_system() {
    let served = serve(World::new()).await;
    served
        .order(
            "/_script",
            r#"{"system":"model","status":529,"body":{"error":{"type":"overloaded_error"}}}"#,
        )
        .await;
    let heard = served.post("/acme/v1/messages", "x", "{}").await.unwrap();
    assert_eq!(
        (heard.status, heard.json()["error"]["type"].clone()),
        (529, json!("overloaded_error"))
    );
    let counts = served.world.ledger_counts().model["acme"];
    assert_eq!((counts.calls, counts.output_tokens), (1, 0));
}

#[test]
fn contradictory_orders_are_refused() {
    let both = ModelRule {
        text: Some("a".to_owned()),
        refusal: Some("b".to_owned()),
        ..ModelRule::default()
    };
    assert!(World::new().answer(both).is_err());
    assert!(
        World::new()
            .answer(ModelRule {
                confidence: Some(1.5),
                ..ModelRule::default()
            })
            .is_err()
    );
    assert!(
        World::new()
            .answer(ModelRule {
                times: Some(0),
                ..ModelRule::default()
            })
            .is_err()
    );
}

//! Event streams: whole ones are put together, every other one is refused with its cost.

use serde_json::json;
use tuesday_domain::record::Usage;

use crate::server::{Server, stream};
use crate::support::{CANARY, TRANSIENT, ask_kind};

fn chunk(text: &str) -> String {
    format!(
        "data: {}",
        json!({"id": "c-1", "model": "m-9", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
    )
}

fn finish() -> String {
    format!(
        "data: {}",
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    )
}

fn used(tokens: u64) -> String {
    format!(
        "data: {}",
        json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": tokens}})
    )
}

const DONE: &str = "data: [DONE]";

async fn ask(
    kind: &str,
    events: &[String],
) -> Result<(String, Option<Usage>), (String, Option<Usage>)> {
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let server = Server::once(stream(&events)).await;
    match ask_kind(kind, &server.url).await {
        Ok(answer) => {
            assert_eq!(answer.model_reported.as_deref(), Some("m-9"));
            assert_eq!(answer.incomplete, None);
            Ok((answer.text, answer.usage))
        }
        Err(fault) => {
            assert_eq!(fault.kind, TRANSIENT, "{fault:?}");
            assert!(fault.bytes_received > 0);
            Err((fault.code.to_owned(), fault.usage))
        }
    }
}

#[tokio::test]
async fn openai_streams() {
    let usage = |output_tokens| {
        Some(Usage {
            input_tokens: 7,
            output_tokens,
        })
    };
    let whole = [
        chunk("{\"a\""),
        chunk(":1}"),
        finish(),
        used(2),
        DONE.to_owned(),
    ];
    assert_eq!(
        ask("openai", &whole).await,
        Ok(("{\"a\":1}".to_owned(), usage(2)))
    );
    assert_eq!(
        ask("openai", &[chunk("{}"), finish()]).await,
        Ok(("{}".to_owned(), None)),
        "usage and end mark may be missing"
    );
    assert_eq!(
        ask("openai", &[chunk("0"), chunk("0"), finish(), used(2)]).await,
        Ok(("00".to_owned(), usage(2))),
        "the model said it twice"
    );

    let cut = |usage| Err(("cut_stream".to_owned(), usage));
    assert_eq!(
        ask("openai", &[chunk("{\"a\""), used(1)]).await,
        cut(usage(1)),
        "no end"
    );
    assert_eq!(
        ask("openai", &[chunk("1"), chunk("1"), finish(), used(1)]).await,
        cut(usage(1)),
        "repeated chunk"
    );
    assert_eq!(
        ask("openai", &[chunk("{}"), finish(), finish(), used(1)]).await,
        cut(usage(1)),
        "ends twice"
    );
    assert_eq!(
        ask("openai", &[chunk("{}"), finish(), chunk("x")]).await,
        cut(None),
        "goes on after its end"
    );
    let other = chunk("x").replace("\"index\":0", "\"index\":1");
    assert_eq!(
        ask("openai", &[chunk("{}"), other, finish()]).await,
        cut(None),
        "a second choice"
    );
    let twice = format!("id: 4\n{}", chunk("1"));
    assert_eq!(
        ask("openai", &[twice.clone(), twice, finish()]).await,
        cut(None),
        "repeated event id"
    );
    let error = format!(
        "data: {}",
        json!({"error": {"message": format!("overloaded {CANARY}")}})
    );
    assert_eq!(
        ask("openai", &[chunk("{}"), used(1), error]).await,
        cut(usage(1)),
        "error after success"
    );
    assert_eq!(
        ask("openai", &[chunk("{}"), finish()[..40].to_owned()]).await,
        cut(None),
        "cut inside JSON"
    );
    assert_eq!(
        ask("openai", &["data: <html>".to_owned()]).await,
        Err(("not_json".to_owned(), None))
    );
}

fn event(value: &serde_json::Value) -> String {
    format!("event: {}\ndata: {value}", value["type"].as_str().unwrap())
}

fn message() -> Vec<String> {
    [
        json!({"type": "message_start", "message": {"id": "m", "model": "m-9", "usage": {"input_tokens": 7, "output_tokens": 1}}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "{\"a\""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": ":1}"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .map(event)
    .collect()
}

#[tokio::test]
async fn anthropic_streams() {
    let whole = message();
    let usage = |output_tokens| {
        Some(Usage {
            input_tokens: 7,
            output_tokens,
        })
    };
    assert_eq!(
        ask("anthropic", &whole).await,
        Ok(("{\"a\":1}".to_owned(), usage(5)))
    );
    for end in 1..whole.len() {
        let wanted = if end == whole.len() - 1 {
            usage(5)
        } else {
            usage(1)
        };
        assert_eq!(
            ask("anthropic", &whole[..end]).await,
            Err(("cut_stream".to_owned(), wanted)),
            "cut after {end} events"
        );
    }
    // Every event but the ping and a piece of text gives itself away when it comes twice.
    for twice in [0, 2, 4, 5, 8, 9, 10] {
        let mut events = whole.clone();
        events.insert(twice, whole[twice].clone());
        assert_eq!(
            ask("anthropic", &events).await.unwrap_err().0,
            "cut_stream",
            "event {twice} twice"
        );
    }
    let mut failed = whole.clone();
    failed[9] =
        event(&json!({"type": "error", "error": {"type": "overloaded_error", "message": CANARY}}));
    assert_eq!(
        ask("anthropic", &failed).await,
        Err(("cut_stream".to_owned(), usage(1)))
    );
}

//! What is sent, and what a good answer brings.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tuesday_domain::port::Model;
use tuesday_domain::record::Usage;

use crate::server::{Server, json as answer, reply};
use crate::support::{CANARY, HTTP_KINDS, ask, ask_kind, models, request, spec, whole};

#[tokio::test]
async fn all_dialects_report_the_same_facts() {
    for kind in HTTP_KINDS {
        // Hidden and reordering characters reach the domain untouched, where they are judged.
        let text = "{\"label\":\"a\u{202e}\u{200b}\",\"label\":NaN,\"n\":9007199254740993}";
        let server = Server::once(answer(200, &whole(kind, text))).await;
        let got = ask_kind(kind, &server.url).await.unwrap();
        assert_eq!(got.text, text, "{kind}");
        assert_eq!(
            (got.refusal, got.incomplete.as_deref()),
            (false, None),
            "{kind}"
        );
        assert_eq!(got.model_reported.as_deref(), Some("model-1-0613"));
        assert_eq!(
            got.usage,
            Some(Usage {
                input_tokens: 11,
                output_tokens: 4
            })
        );
        assert_eq!(got.provider_id.as_deref(), Some("req-77"));
        assert_eq!(got.confidence, None);
        let seen = server.seen().remove(0);
        assert_eq!(
            got.request_hash,
            <[u8; 32]>::from(Sha256::digest(&seen.body)),
            "{kind}"
        );
        assert_eq!(
            seen.header("x-tuesday-run").as_deref(),
            Some("run_01h455vb4pex5vsknk084sn02q")
        );
        assert_eq!(
            seen.header("authorization"),
            Some(format!("Bearer {CANARY}"))
        );
        assert!(!String::from_utf8(seen.body).unwrap().contains(CANARY));
    }
}

#[tokio::test]
async fn openai_gets_a_strict_schema_and_the_case_apart_from_the_framing() {
    let server = Server::once(answer(200, &whole("openai", "{}"))).await;
    let extra =
        json!({"temperature_milli": 700, "max_tokens": 50, "confidence": {"source": "logprob"}});
    let mut asked = request(spec(
        "openai",
        &format!("{}/v1?api-version=2", server.url),
        extra,
    ));
    asked.repair = Some("label is missing".into());
    ask(&asked).await.unwrap();
    let seen = server.seen().remove(0);
    assert!(
        seen.head
            .starts_with("POST /v1/chat/completions?api-version=2 HTTP/1.1"),
        "{}",
        seen.head
    );
    let sent = seen.json();
    assert_eq!(
        sent["messages"][0],
        json!({"role": "system", "content": "Sort the ticket."})
    );
    let case = sent["messages"][1]["content"].as_str().unwrap();
    assert!(
        case.starts_with("Data of one case") && case.ends_with("\n\nIt \u{202e}broke"),
        "{case}"
    );
    assert_eq!(
        sent["messages"][2],
        json!({"role": "user", "content": "label is missing"})
    );
    assert_eq!(
        sent["response_format"]["json_schema"]["strict"],
        json!(true)
    );
    assert_eq!(
        sent["response_format"]["json_schema"]["schema"],
        json!({"type": "object", "properties": {"label": {"type": "string"}}})
    );
    assert_eq!(
        (&sent["temperature"], &sent["max_tokens"], &sent["logprobs"]),
        (&json!(0.7), &json!(50), &json!(true))
    );
}

#[tokio::test]
async fn anthropic_gets_its_version_and_output_format() {
    for (base, path) in [
        ("", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/v1/messages", "/v1/messages"),
        ("/gate", "/gate/v1/messages"),
    ] {
        let server = Server::once(answer(200, &whole("anthropic", "{}"))).await;
        ask_kind("anthropic", &format!("{}{base}", server.url))
            .await
            .unwrap();
        let seen = server.seen().remove(0);
        assert!(
            seen.head.starts_with(&format!("POST {path} HTTP/1.1")),
            "{}",
            seen.head
        );
        assert_eq!(
            seen.header("anthropic-version").as_deref(),
            Some("2023-06-01")
        );
        let sent = seen.json();
        assert_eq!(
            (&sent["system"], &sent["max_tokens"]),
            (&json!("Sort the ticket."), &json!(4096))
        );
        assert_eq!(
            sent["messages"][0]["content"][1]["text"],
            json!("It \u{202e}broke")
        );
        assert_eq!(
            sent["output_config"]["format"]["schema"]["type"],
            json!("object")
        );
    }
}

#[tokio::test]
async fn refusals_and_cut_answers_are_marked_not_parsed() {
    let edit = |kind: &str, pointer: &str, value: Value| {
        let mut body = whole(kind, "{\"label\":\"a\"}");
        *body.pointer_mut(pointer).unwrap() = value;
        (kind.to_owned(), body)
    };
    for ((kind, body), refusal, incomplete) in [
        (
            edit("openai", "/choices/0/finish_reason", json!("length")),
            false,
            Some("length"),
        ),
        (
            edit(
                "openai",
                "/choices/0/finish_reason",
                json!("content_filter"),
            ),
            false,
            Some("content_filter"),
        ),
        (
            edit("openai", "/choices/0/finish_reason", json!(null)),
            false,
            Some("the provider gave no finish reason"),
        ),
        (
            edit(
                "openai",
                "/choices/0/message",
                json!({"content": null, "refusal": "I will not."}),
            ),
            true,
            None,
        ),
        (
            edit("anthropic", "/stop_reason", json!("max_tokens")),
            false,
            Some("max_tokens"),
        ),
        (
            edit("anthropic", "/stop_reason", json!("refusal")),
            true,
            None,
        ),
        (
            edit("anthropic", "/stop_reason", json!("tool_use")),
            false,
            Some("tool_use"),
        ),
        (
            edit("anthropic", "/stop_reason", json!(null)),
            false,
            Some("the provider gave no stop reason"),
        ),
        (
            ("http".into(), json!({"refusal": "I will not."})),
            true,
            None,
        ),
        (
            (
                "http".into(),
                json!({"output": {"label": "a"}, "incomplete": "length"}),
            ),
            false,
            Some("length"),
        ),
    ] {
        let server = Server::once(answer(200, &body)).await;
        let got = ask_kind(&kind, &server.url).await.unwrap();
        assert_eq!(
            (got.refusal, got.incomplete.as_deref()),
            (refusal, incomplete),
            "{body}"
        );
    }
}

#[tokio::test]
async fn confidence_comes_from_log_probabilities_only_where_declared() {
    let mut body = whole("openai", "{}");
    body["choices"][0]["logprobs"] =
        json!({"content": [{"logprob": 0.5_f64.ln()}, {"logprob": 0.125_f64.ln()}]});
    for (source, wanted) in [("logprob", Some(0.25)), ("none", None), ("field", None)] {
        let server = Server::once(answer(200, &body)).await;
        let got = ask(&request(spec(
            "openai",
            &server.url,
            json!({"confidence": {"source": source}}),
        )))
        .await
        .unwrap();
        assert_eq!(
            got.confidence.map(|c| (c * 1e9).round() / 1e9),
            wanted,
            "{source}"
        );
    }
}

#[tokio::test]
async fn self_consistency_is_the_share_that_agrees() {
    let texts = [
        "{\"a\":1,\"b\":2}",
        "{\"a\":9}",
        "{\"b\":2, \"a\":1}",
        "prose",
    ];
    let scripts = texts
        .iter()
        .map(|text| {
            vec![crate::server::Step::Send(answer(
                200,
                &whole("openai", text),
            ))]
        })
        .collect();
    let server = Server::start(scripts).await;
    let extra = json!({"confidence": {"source": "self_consistency", "samples": 4}});
    let got = ask(&request(spec("openai", &server.url, extra)))
        .await
        .unwrap();
    assert_eq!(got.confidence, Some(0.5));
    assert!(got.text.contains("\"b\":2"), "{}", got.text);
    assert_eq!(
        got.usage,
        Some(Usage {
            input_tokens: 44,
            output_tokens: 16
        })
    );
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn one_failed_sample_fails_all_and_books_the_others() {
    let good = crate::server::Step::Send(answer(200, &whole("openai", "{}")));
    let bad = crate::server::Step::Send(answer(503, &json!({})));
    let server = Server::start(vec![vec![good.clone()], vec![bad], vec![good]]).await;
    let extra = json!({"confidence": {"source": "self_consistency", "samples": 3}});
    let fault = ask(&request(spec("openai", &server.url, extra)))
        .await
        .unwrap_err();
    assert_eq!(
        (fault.code, fault.usage),
        (
            "overloaded",
            Some(Usage {
                input_tokens: 22,
                output_tokens: 8
            })
        )
    );
    for extra in [
        json!({"source": "self_consistency"}),
        json!({"source": "self_consistency", "samples": 1}),
    ] {
        let result = ask(&request(spec(
            "openai",
            &server.url,
            json!({"confidence": extra}),
        )))
        .await;
        assert_eq!(result.unwrap_err().code, "misconfigured");
    }
}

#[tokio::test]
async fn the_plain_form_takes_envelopes_and_bare_outputs() {
    for (body, text, confidence) in [
        (
            "{\"label\": \"a\", \"label\": \"b\"}",
            "{\"label\": \"a\", \"label\": \"b\"}",
            None,
        ),
        (
            "{\"output\": {\"label\": 1.10}, \"confidence\": 0.75}",
            "{\"label\": 1.10}",
            Some(0.75),
        ),
        ("{\"output\": \"prose\"}", "prose", None),
        ("\"prose\"", "prose", None),
        (
            "{\"output\": {}, \"extra\": 1}",
            "{\"output\": {}, \"extra\": 1}",
            None,
        ),
    ] {
        let server = Server::once(reply(200, &[], body)).await;
        let got = ask(&request(spec(
            "http",
            &server.url,
            json!({"confidence": {"source": "classifier"}}),
        )))
        .await
        .unwrap();
        assert_eq!(
            (got.text.as_str(), got.confidence),
            (text, confidence),
            "{body}"
        );
    }
    for body in [
        "{\"output\": {}, \"confidence\": 1.5}",
        "{\"output\": {}, \"output\": {}}",
        "{\"output\": 1, \"confidence\": \"high\"}",
    ] {
        let server = Server::once(reply(200, &[], body)).await;
        assert_eq!(
            ask_kind("http", &server.url).await.unwrap_err().code,
            "bad_envelope",
            "{body}"
        );
    }
}

#[tokio::test]
async fn calls_in_turn_share_one_connection() {
    let server = Server::once(answer(200, &whole("openai", "{}"))).await;
    let (models, asked) = (models(), request(spec("openai", &server.url, json!({}))));
    for _ in 0..20 {
        models.generate(&asked).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.connections()), (20, 1));
}

//! The three wire forms: chat completions, messages, and one plain JSON object each way.

use serde_json::{Map, Value, json};

use super::rules::Said;
use crate::http::Reply;

/// A wire form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    ChatCompletions,
    Messages,
    Plain,
}

/// What was asked, whatever the dialect.
pub(super) struct Question {
    pub(super) prompt: String,
    pub(super) schema: Value,
    model: String,
    wants_logprobs: bool,
}

impl Dialect {
    /// The dialect and the provider a path names. A segment in front, or after `model`, names a
    /// provider of one's own.
    pub(crate) fn of<'a>(segments: &[&'a str]) -> Option<(Self, &'a str)> {
        match *segments {
            ["v1", "chat", "completions"] => Some((Self::ChatCompletions, "openai")),
            [name, "v1", "chat", "completions"] => Some((Self::ChatCompletions, name)),
            ["v1", "messages"] => Some((Self::Messages, "anthropic")),
            [name, "v1", "messages"] => Some((Self::Messages, name)),
            ["model"] => Some((Self::Plain, "http")),
            ["model", name] => Some((Self::Plain, name)),
            _ => None,
        }
    }

    pub(super) fn read(self, body: &[u8]) -> Result<Question, String> {
        let request: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        if !request.is_object() {
            return Err("the request is not a JSON object".to_owned());
        }
        let (prompt, schema) = match self {
            Self::ChatCompletions => (
                said_in(&request)?,
                request.pointer("/response_format/json_schema/schema"),
            ),
            Self::Messages => {
                if !request.get("max_tokens").is_some_and(Value::is_u64) {
                    return Err("max_tokens: field required".to_owned());
                }
                (
                    said_in(&request)?,
                    request.pointer("/output_config/format/schema"),
                )
            }
            Self::Plain => {
                let parts = ["system", "prompt", "facts", "repair"];
                let mut prompt = String::new();
                parts
                    .iter()
                    .filter_map(|name| request.get(name))
                    .for_each(|part| append(&mut prompt, part));
                (prompt, request.get("schema"))
            }
        };
        let model = request
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or("stub")
            .to_owned();
        let wants_logprobs = request
            .get("logprobs")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        Ok(Question {
            prompt,
            schema: schema.cloned().unwrap_or(Value::Null),
            model,
            wants_logprobs,
        })
    }

    pub(super) fn write(
        self,
        question: &Question,
        said: &Said,
        number: u64,
        at_seconds: i64,
    ) -> Reply {
        let model = said.model.as_deref().unwrap_or(&question.model);
        let body = match self {
            Self::ChatCompletions => completion(question, said, model, number, at_seconds),
            Self::Messages => message(said, model, number),
            Self::Plain => plain(said, model),
        };
        Reply::json(200, &body)
    }
}

fn completion(
    question: &Question,
    said: &Said,
    model: &str,
    number: u64,
    at_seconds: i64,
) -> Value {
    let text = Value::String(said.text.clone());
    let (content, refusal) = if said.is_refusal {
        (Value::Null, text)
    } else {
        (text, Value::Null)
    };
    let logprobs = question.wants_logprobs.then(|| {
        json!({ "content": [{ "token": said.text, "logprob": said.confidence.unwrap_or(0.9).ln() }] })
    });
    let tokens = said.tokens;
    json!({
        "id": format!("chatcmpl-stub-{number}"),
        "object": "chat.completion",
        "created": at_seconds,
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": content, "refusal": refusal },
            "logprobs": logprobs,
            "finish_reason": said.finish.as_deref().unwrap_or("stop"),
        }],
        "usage": {
            "prompt_tokens": tokens.input_tokens,
            "completion_tokens": tokens.output_tokens,
            "total_tokens": tokens.input_tokens + tokens.output_tokens,
        },
    })
}

fn message(said: &Said, model: &str, number: u64) -> Value {
    let ordinary = if said.is_refusal {
        "refusal"
    } else {
        "end_turn"
    };
    json!({
        "id": format!("msg_stub_{number}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{ "type": "text", "text": said.text }],
        "stop_reason": said.finish.as_deref().unwrap_or(ordinary),
        "stop_sequence": null,
        "usage": {
            "input_tokens": said.tokens.input_tokens,
            "output_tokens": said.tokens.output_tokens,
        },
    })
}

fn plain(said: &Said, model: &str) -> Value {
    let mut answer = Map::new();
    if said.is_refusal {
        answer.insert("refusal".to_owned(), said.text.as_str().into());
    } else {
        // Prose stays text; JSON is given as JSON.
        let output = serde_json::from_str(&said.text).unwrap_or_else(|_| said.text.as_str().into());
        answer.insert("output".to_owned(), output);
    }
    answer.insert("model".to_owned(), model.into());
    answer.insert("usage".to_owned(), json!(said.tokens));
    if let Some(confidence) = said.confidence {
        answer.insert("confidence".to_owned(), confidence.into());
    }
    if let Some(reason) = &said.finish {
        answer.insert("incomplete".to_owned(), reason.as_str().into());
    }
    Value::Object(answer)
}

/// All that the messages say, the system text included.
fn said_in(request: &Value) -> Result<String, String> {
    let messages = request
        .get("messages")
        .and_then(Value::as_array)
        .filter(|m| !m.is_empty());
    let messages = messages.ok_or("messages: at least one is required")?;
    let mut said = String::new();
    if let Some(system) = request.get("system") {
        append(&mut said, system);
    }
    for message in messages {
        let content = message
            .get("content")
            .ok_or("messages: content is required")?;
        match content {
            Value::Array(blocks) => {
                blocks
                    .iter()
                    .filter_map(|b| b.get("text"))
                    .for_each(|text| append(&mut said, text));
            }
            other => append(&mut said, other),
        }
    }
    Ok(said)
}

fn append(said: &mut String, part: &Value) {
    if !said.is_empty() {
        said.push('\n');
    }
    match part {
        Value::String(text) => said.push_str(text),
        Value::Null => {}
        other => said.push_str(&other.to_string()),
    }
}

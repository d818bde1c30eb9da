//! Messages with a declared output format.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tuesday_domain::port::{ModelAnswer, ModelFault, ModelRequest};

use super::anthropic_stream;
use super::exchange::{Exchange, Reply};
use super::fault::misconfigured;
use super::openai::{DATA_LABEL, temperature};
use super::usage::Tokens;
use super::wire::Schema;
use crate::net::{HeaderMap, HeaderValue};

/// The dialect that is spoken.
const VERSION: &str = "2023-06-01";
/// This provider wants a limit always; an answer that meets it is marked incomplete, never used.
const MOST_TOKENS: u32 = 4096;

/// One call.
pub(super) async fn call(exchange: &Exchange<'_>) -> Result<ModelAnswer, ModelFault> {
    let base = exchange.url("")?;
    let ending = if base.path().trim_end_matches('/').ends_with("/v1") {
        "/messages"
    } else {
        "/v1/messages"
    };
    let url = exchange.url(ending)?;
    let body =
        serde_json::to_vec(&body(exchange.request)).map_err(|e| misconfigured(e.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    let reply = exchange.post(url, headers, body).await?;
    let read = if reply.is_stream {
        anthropic_stream::read(&reply)?
    } else {
        whole(&reply)?
    };
    Ok(read.answer(&reply))
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    system: &'a str,
    messages: [Message<'a>; 1],
    output_config: OutputConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Vec<Text<'a>>,
}

#[derive(Serialize)]
struct Text<'a> {
    r#type: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    schema: Schema<'a>,
}

fn body(request: &ModelRequest) -> Body<'_> {
    let texts = [
        Some(DATA_LABEL),
        Some(request.prompt.as_str()),
        request.repair.as_deref(),
    ];
    let content = texts
        .into_iter()
        .flatten()
        .map(|text| Text {
            r#type: "text",
            text,
        })
        .collect();
    Body {
        model: &request.spec.pin,
        max_tokens: request.spec.max_tokens.unwrap_or(MOST_TOKENS),
        system: &request.system,
        messages: [Message {
            role: "user",
            content,
        }],
        output_config: OutputConfig {
            format: Format {
                r#type: "json_schema",
                schema: Schema(&request.output_schema),
            },
        },
        temperature: temperature(request),
    }
}

/// What either form of the answer says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) text: String,
    pub(super) stop: Option<String>,
    pub(super) model: Option<String>,
    pub(super) id: Option<String>,
    pub(super) tokens: Tokens,
}

impl Read {
    fn answer(self, reply: &Reply) -> ModelAnswer {
        let mut answer = reply.answer(self.text);
        match self.stop.as_deref() {
            Some("end_turn" | "stop_sequence") => {}
            Some("refusal") => answer.refusal = true,
            Some(reason) => answer.incomplete = Some(reason.to_owned()),
            None => answer.incomplete = Some("the provider gave no stop reason".to_owned()),
        }
        answer.model_reported = self.model;
        answer.usage = self.tokens.usage();
        answer.provider_id = answer.provider_id.or(self.id);
        answer
    }
}

#[derive(Deserialize)]
struct Whole<'a> {
    id: Option<String>,
    model: Option<String>,
    content: Option<Vec<Block>>,
    stop_reason: Option<String>,
    usage: Option<Tokens>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A block of the answer. Only text is the answer: thinking is not, and tools are never offered.
#[derive(Deserialize)]
struct Block {
    r#type: String,
    text: Option<String>,
}

fn whole(reply: &Reply) -> Result<Read, ModelFault> {
    let whole: Whole<'_> =
        serde_json::from_slice(&reply.body).map_err(|error| reply.unreadable(&error))?;
    if let Some(error) = whole.error {
        return Err(reply.error_inside(error.get()));
    }
    let Some(content) = whole.content else {
        return Err(reply.fault(
            tuesday_domain::port::FaultKind::Transient(None),
            "not_json",
            "the answer holds no content",
        ));
    };
    let texts = content
        .into_iter()
        .filter(|block| block.r#type == "text")
        .filter_map(|block| block.text);
    Ok(Read {
        text: texts.collect(),
        stop: whole.stop_reason,
        model: whole.model,
        id: whole.id,
        tokens: whole.usage.unwrap_or_default(),
    })
}

//! A chat completion that came as an event stream, put together only when it is certainly whole.

use serde::Deserialize;
use serde_json::value::RawValue;
use tuesday_domain::port::ModelFault;

use super::exchange::Reply;
use super::openai::{Content, Logprobs, Read};
use super::sse;
use super::usage::Tokens;

#[derive(Deserialize)]
struct Chunk<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Piece>,
    usage: Option<Tokens>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Content,
    finish_reason: Option<String>,
    logprobs: Option<Logprobs>,
}

/// Reads the stream.
///
/// A repeated piece of text cannot be told from a model that says the same twice, except where the events, the choices or
/// the reported tokens give it away; there the stream is refused.
pub(super) fn read(reply: &Reply) -> Result<Read, ModelFault> {
    let events = sse::events(&reply.body).map_err(|broken| reply.cut(broken.0))?;
    let mut read = Read::default();
    let (mut pieces, mut twins, mut done, mut before) = (0_u64, false, false, "");
    for event in &events {
        if done {
            return Err(reply.cut("the stream goes on after its end"));
        }
        if event.data == "[DONE]" {
            done = true;
            continue;
        }
        let chunk: Chunk<'_> =
            serde_json::from_str(&event.data).map_err(|error| reply.unreadable(&error))?;
        if let Some(error) = chunk.error {
            return Err(reply.error_inside(error.get()));
        }
        read.tokens = read.tokens.merge(chunk.usage.unwrap_or_default());
        read.model = read.model.or(chunk.model);
        read.id = read.id.or(chunk.id);
        if chunk.choices.len() > 1 {
            return Err(
                reply.cut("a chunk holds the same choice twice, or a choice nobody asked for")
            );
        }
        for piece in chunk.choices {
            let text = take(&mut read, piece, reply)?;
            pieces += u64::from(text);
            twins |= text && before == event.data;
        }
        before = &event.data;
    }
    if read.finish.is_none() {
        return Err(reply.cut("the stream ends before the answer does"));
    }
    // Each piece holds at least one token, so more pieces than tokens means that some came twice.
    if twins
        && read
            .tokens
            .output()
            .is_some_and(|tokens| tokens > 0 && pieces > tokens)
    {
        return Err(reply.cut("the stream repeats a chunk"));
    }
    Ok(read)
}

/// Adds one piece; says whether it held text.
fn take(read: &mut Read, piece: Piece, reply: &Reply) -> Result<bool, ModelFault> {
    let finish = piece.finish_reason.filter(|reason| !reason.is_empty());
    let text = piece.delta.content.filter(|text| !text.is_empty());
    if piece.index != 0 {
        return Err(reply.cut("the stream holds a choice nobody asked for"));
    }
    if read.finish.is_some() && (finish.is_some() || text.is_some()) {
        return Err(reply.cut("the stream goes on after the answer has finished"));
    }
    if let Some(text) = &text {
        read.text.push_str(text);
    }
    if let Some(words) = piece.delta.refusal {
        read.refusal.get_or_insert_default().push_str(&words);
    }
    read.logprobs
        .extend(piece.logprobs.into_iter().flat_map(Logprobs::values));
    read.finish = read.finish.take().or(finish);
    Ok(text.is_some())
}

//! A message that came as an event stream, put together only when every block was opened, filled and closed in order.

use serde::Deserialize;
use serde_json::value::RawValue;
use tuesday_domain::port::ModelFault;

use super::anthropic::Read;
use super::exchange::Reply;
use super::sse;
use super::usage::Tokens;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u32,
        content_block: Kind,
    },
    ContentBlockDelta {
        index: u32,
        delta: Delta,
    },
    ContentBlockStop {
        index: u32,
    },
    MessageDelta {
        delta: Stop,
        usage: Option<Tokens>,
    },
    MessageStop,
    /// `ping`, and events of a later date, which the provider asks clients to skip.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    r#type: String,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Stop {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Failed<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Where in the stream we are.
#[derive(Default)]
struct Place {
    started: bool,
    /// Blocks opened so far.
    blocks: u32,
    /// The last block is open; holds whether it is text.
    open: Option<bool>,
    stopped: bool,
}

/// Reads the stream.
pub(super) fn read(reply: &Reply) -> Result<Read, ModelFault> {
    let events = sse::events(&reply.body).map_err(|broken| reply.cut(broken.0))?;
    let (mut read, mut place) = (Read::default(), Place::default());
    for event in &events {
        let failed: Failed<'_> =
            serde_json::from_str(&event.data).map_err(|error| reply.unreadable(&error))?;
        if let Some(error) = failed.error {
            return Err(reply.error_inside(error.get()));
        }
        let event: Event =
            serde_json::from_str(&event.data).map_err(|error| reply.unreadable(&error))?;
        take(&mut read, &mut place, event).map_err(|words| reply.cut(words))?;
    }
    if !place.stopped {
        return Err(reply.cut("the stream ends before the answer does"));
    }
    Ok(read)
}

fn take(read: &mut Read, place: &mut Place, event: Event) -> Result<(), &'static str> {
    if matches!(event, Event::Other) {
        return Ok(());
    }
    if place.stopped {
        return Err("the stream goes on after its end");
    }
    if place.started == matches!(event, Event::MessageStart { .. }) {
        return Err("the stream does not start exactly once");
    }
    match event {
        Event::MessageStart { message } => {
            place.started = true;
            read.id = message.id;
            read.model = message.model;
            read.tokens = message.usage.unwrap_or_default();
        }
        Event::ContentBlockStart {
            index,
            content_block,
        } => {
            if place.open.is_some() || index != place.blocks {
                return Err("a block of the stream is out of order or comes twice");
            }
            place.blocks += 1;
            place.open = Some(content_block.r#type == "text");
            push(read, place, content_block.text);
        }
        Event::ContentBlockDelta { index, delta } => {
            if place.open.is_none() || index + 1 != place.blocks {
                return Err("a piece of the stream belongs to no open block");
            }
            push(
                read,
                place,
                delta.text.filter(|_| delta.r#type == "text_delta"),
            );
        }
        Event::ContentBlockStop { index } => {
            if place.open.take().is_none() || index + 1 != place.blocks {
                return Err("a block of the stream is closed that is not open");
            }
        }
        Event::MessageDelta { delta, usage } => {
            if read.stop.is_some() && delta.stop_reason.is_some() {
                return Err("the stream gives its stop reason twice");
            }
            read.stop = read.stop.take().or(delta.stop_reason);
            read.tokens = read.tokens.merge(usage.unwrap_or_default());
        }
        Event::MessageStop if place.open.is_some() => {
            return Err("the stream stops inside a block");
        }
        Event::MessageStop => place.stopped = true,
        Event::Other => {}
    }
    Ok(())
}

fn push(read: &mut Read, place: &Place, text: Option<String>) {
    if let (Some(true), Some(text)) = (place.open, text) {
        read.text.push_str(&text);
    }
}

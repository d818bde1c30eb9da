//! Answers reads: one record with its entity tag, or the records that match a query.

use serde_json::Value;

use crate::http::{Call, Outcome, Reply, decoded};
use crate::record::{Record, as_text, entity_tag};
use crate::script::Script;
use crate::world::World;
use crate::write::Target;

pub(crate) fn answer(
    world: &World,
    call: &Call,
    target: &Target<'_>,
    script: Option<&Script>,
) -> Outcome {
    match script {
        Some(script) if script.is_silent() => Outcome::Dropped,
        Some(script) if !script.applies() => Outcome::Reply(script.refusal()),
        Some(script) => Outcome::Reply(script.alter(plain(world, call, target))),
        None => Outcome::Reply(plain(world, call, target)),
    }
}

fn plain(world: &World, call: &Call, target: &Target<'_>) -> Reply {
    match target.id {
        Some(id) => one(world, target, id),
        None => several(world, call, target),
    }
}

fn one(world: &World, target: &Target<'_>, id: &str) -> Reply {
    let system = world.system(target.system);
    let state = system.lock();
    match state
        .collections
        .get(target.collection)
        .and_then(|c| c.get(id))
    {
        Some(record) => with_tag(200, record),
        None => not_found(),
    }
}

fn several(world: &World, call: &Call, target: &Target<'_>) -> Reply {
    let Some(wanted) = filters(call.query.as_deref().unwrap_or_default()) else {
        return Reply::problem(400, "bad_query", "the query is not of the form field=value");
    };
    let now = world.now();
    let system = world.system(target.system);
    let state = system.lock();
    let lag_ms = i64::try_from(state.profile.search_lag_ms).unwrap_or(i64::MAX);
    let shown = |record: &Record| {
        let age_ms = age(record, now).unwrap_or(i64::MAX);
        lag_ms == 0 || age_ms >= lag_ms
    };
    let matches = |record: &Record| {
        wanted
            .iter()
            .all(|(field, value)| record.get(field).and_then(as_text).as_ref() == Some(value))
    };
    let found = match state.collections.get(target.collection) {
        Some(collection) => collection.select(|record| matches(record) && shown(record)),
        // An empty list, not 404: nothing has been written here yet.
        None => Vec::new(),
    };
    Reply::json(200, &found)
}

/// Milliseconds since the record was written.
fn age(record: &Record, now: jiff::Timestamp) -> Option<i64> {
    let written: jiff::Timestamp = record.get("updated_at")?.as_str()?.parse().ok()?;
    Some(now.as_millisecond() - written.as_millisecond())
}

/// `a=1&b=2` as pairs; `+` is a space here.
fn filters(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (field, value) = pair.split_once('=')?;
            Some((
                decoded(&field.replace('+', " "))?,
                decoded(&value.replace('+', " "))?,
            ))
        })
        .collect()
}

pub(crate) fn with_tag(status: u16, record: &Record) -> Reply {
    let mut reply = Reply::json(status, record);
    if let Some(tag) = entity_tag(record) {
        reply.set_header("etag", &tag);
    }
    reply
}

pub(crate) fn not_found() -> Reply {
    Reply::problem(404, "not_found", "no such record")
}

/// A whole collection as JSON, for tests in the same process.
pub(crate) fn all(world: &World, system: &str, collection: &str) -> Vec<Value> {
    let system = world.system(system);
    let state = system.lock();
    let records = state
        .collections
        .get(collection)
        .map(|c| c.select(|_| true))
        .unwrap_or_default();
    records.into_iter().cloned().map(Value::Object).collect()
}

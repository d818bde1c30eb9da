//! Answers writes: applies them once per key, and enters each into the ledger before it is answered.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use crate::clock;
use crate::http::{Call, Outcome, Reply};
use crate::keys::{Known, fingerprint};
use crate::ledger::Entry;
use crate::read::{not_found, with_tag};
use crate::record::{Condition, Record, Refusal, as_text};
use crate::script::Script;
use crate::system::State;
use crate::world::World;

/// What the path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) system: &'a str,
    pub(crate) collection: &'a str,
    pub(crate) id: Option<&'a str>,
}

/// How a write went, before a script changes the answer.
struct Done {
    reply: Reply,
    record_id: Option<String>,
    applied: bool,
    replayed: bool,
}

impl Done {
    fn refused(reply: Reply) -> Self {
        Self {
            reply,
            record_id: None,
            applied: false,
            replayed: false,
        }
    }
}

pub(crate) fn answer(
    world: &World,
    call: &Call,
    target: &Target<'_>,
    script: Option<&Script>,
) -> Outcome {
    let now = clock::text(world.now());
    let system = world.system(target.system);
    let mut state = system.lock();
    let key = key_of(&state, call);
    let done = match script {
        Some(script) if !script.applies() => refused(&mut state, call, key.as_deref(), script),
        _ => once(&mut state, call, target, key.as_deref(), script, &now),
    };
    let is_silent = script.is_some_and(Script::is_silent);
    let reply = match script {
        Some(script) if script.applies() => script.alter(done.reply),
        _ => done.reply,
    };
    let entry = Entry {
        seq: world.next_seq(),
        at: now,
        system: target.system.to_owned(),
        collection: target.collection.to_owned(),
        record_id: done.record_id.or_else(|| target.id.map(str::to_owned)),
        method: call.method.as_str().to_owned(),
        idempotency_key: key,
        run: call.run().map(str::to_owned),
        status: reply.status,
        applied: done.applied,
        answered: !is_silent,
        replayed: done.replayed,
        body: world.kept(&call.body),
    };
    let entered = world.enter(&mut state, entry);
    drop(state);
    if done.applied {
        world.count_applied();
    }
    match entered {
        Err(error) => Outcome::Reply(Reply::problem(500, "ledger_unwritable", &error.to_string())),
        Ok(()) if is_silent => Outcome::Dropped,
        Ok(()) => Outcome::Reply(reply),
    }
}

/// A refusal ordered by a script. With `remember` it comes back for the key, as some providers do
/// even with a server error.
fn refused(state: &mut State, call: &Call, key: Option<&str>, script: &Script) -> Done {
    let reply = script.refusal();
    if let (Some(key), true) = (key, script.remember) {
        let request = fingerprint(call.method.as_str(), &call.path, &call.body);
        state.keys.keep(key, request, &reply, Duration::ZERO);
    }
    Done::refused(reply)
}

/// Applies the write unless its key is known.
fn once(
    state: &mut State,
    call: &Call,
    target: &Target<'_>,
    key: Option<&str>,
    script: Option<&Script>,
    now: &str,
) -> Done {
    let Some(key) = key.filter(|_| state.profile.honours_keys) else {
        return apply(state, call, target, now);
    };
    let request = fingerprint(call.method.as_str(), &call.path, &call.body);
    match state.keys.look(key, request) {
        Known::New => {}
        Known::InProgress => {
            let words = "a request with this idempotency key is in progress";
            return Done::refused(Reply::problem(409, "key_in_progress", words));
        }
        Known::Other => {
            let words = "this idempotency key was used with another request";
            return Done::refused(Reply::problem(422, "idempotency_key_reused", words));
        }
        Known::Same(mut reply) => {
            reply.set_header("idempotency-replayed", "true");
            return Done {
                reply,
                record_id: None,
                applied: false,
                replayed: true,
            };
        }
    }
    let done = apply(state, call, target, now);
    if done.applied {
        let altered = script
            .filter(|s| s.remember)
            .map(|s| s.alter(done.reply.clone()));
        let delay = script.map_or(Duration::ZERO, Script::delay);
        state
            .keys
            .keep(key, request, altered.as_ref().unwrap_or(&done.reply), delay);
    }
    done
}

fn apply(state: &mut State, call: &Call, target: &Target<'_>, now: &str) -> Done {
    let condition = Condition {
        if_match: call.header("if-match"),
        if_none_match: call.header("if-none-match"),
    };
    if let (&Method::DELETE, Some(id)) = (&call.method, target.id) {
        return match state.collection(target.collection).delete(id, condition) {
            Ok(()) => applied(id, Reply::bytes(204, "application/json", Bytes::new())),
            Err(refusal) => Done::refused(refusal_reply(&refusal)),
        };
    }
    let is_hook = (target.system, target.collection, target.id) == ("chat", "hook", None);
    let record = match record_of(&call.body, is_hook) {
        Ok(record) => record,
        Err(reply) => return Done::refused(reply),
    };
    let collection = state.collection(target.collection);
    match (&call.method, target.id) {
        (&Method::POST, None) if is_hook => {
            let (id, _) = collection.create(target.collection, record, now);
            applied(&id, Reply::bytes(200, "text/plain", "ok"))
        }
        (&Method::POST, None) if record.contains_key("id") => {
            let words = "this system gives ids itself; name a record with PUT";
            Done::refused(Reply::problem(422, "id_not_allowed", words))
        }
        (&Method::POST, None) => {
            let (id, record) = collection.create(target.collection, record, now);
            let mut reply = with_tag(201, record);
            reply.set_header(
                "location",
                &format!("/{}/{}/{id}", target.system, target.collection),
            );
            applied(&id, reply)
        }
        (&Method::PUT, Some(id)) => match collection.put(id, record, condition, now) {
            Ok((is_new, record)) => applied(id, with_tag(if is_new { 201 } else { 200 }, record)),
            Err(refusal) => Done::refused(refusal_reply(&refusal)),
        },
        (&Method::PATCH, Some(id)) => match collection.patch(id, record, condition, now) {
            Ok(record) => applied(id, with_tag(200, record)),
            Err(refusal) => Done::refused(refusal_reply(&refusal)),
        },
        _ => Done::refused(Reply::problem(
            405,
            "method_not_allowed",
            "not on this address",
        )),
    }
}

fn applied(id: &str, reply: Reply) -> Done {
    Done {
        reply,
        record_id: Some(id.to_owned()),
        applied: true,
        replayed: false,
    }
}

fn refusal_reply(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::NotFound => not_found(),
        Refusal::Precondition => {
            Reply::problem(412, "precondition_failed", "the record has another version")
        }
    }
}

/// A chat hook takes any JSON; everything else is a record.
fn record_of(body: &[u8], is_hook: bool) -> Result<Record, Reply> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(record)) => Ok(record),
        Ok(other) if is_hook => Ok(Record::from_iter([("message".to_owned(), other)])),
        Ok(_) => Err(Reply::problem(
            422,
            "not_an_object",
            "a record is a JSON object",
        )),
        Err(error) => Err(Reply::problem(400, "not_json", &error.to_string())),
    }
}

fn key_of(state: &State, call: &Call) -> Option<String> {
    if let Some(key) = call.header(&state.profile.key_header) {
        return Some(key.to_owned());
    }
    let field = state.profile.key_field.as_deref()?;
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    body.get(field).and_then(as_text)
}

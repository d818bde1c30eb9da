//! One request in, one answer out: reads the path and hands over to the part that is meant.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::body::{Lost, StubBody};
use crate::model::Dialect;
use crate::world::World;
use crate::{control, model, read, write};

/// Largest request body, bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A whole request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The run on whose behalf the request says it comes.
    pub(crate) fn run(&self) -> Option<&str> {
        self.header("x-tuesday-run")
    }
}

/// How the body of an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// The first half, then the connection is closed.
    Half,
    /// Pieces of so many bytes, with a pause before each.
    Drip {
        bytes: usize,
        every: Duration,
    },
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    pub(crate) end: End,
}

impl Reply {
    pub(crate) fn bytes(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self {
            status,
            headers,
            body: body.into(),
            end: End::Whole,
        }
    }

    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::bytes(status, "application/json", body),
            Err(error) => Self::bytes(500, "text/plain", error.to_string()),
        }
    }

    /// A refusal in the form of RFC 9457.
    pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Self {
        let mut reply = Self::json(
            status,
            &json!({ "status": status, "code": code, "detail": detail }),
        );
        reply.set_header("content-type", "application/problem+json");
        reply
    }

    /// Sets a header in place of one of the same name; what is no header is left out, because
    /// scripts are checked when they are given.
    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.retain(|(present, _)| present != name);
            self.headers.push((name, value));
        }
    }
}

/// What the caller gets.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Reply),
    /// The connection is closed without an answer.
    Dropped,
}

/// Answers one request.
///
/// # Errors
/// [`Lost`] when the connection is to be closed without an answer.
pub(crate) async fn handle<B>(world: World, request: Request<B>) -> Result<Response<StubBody>, Lost>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MOST_BYTES).collect().await else {
        return Ok(response(Reply::problem(
            413,
            "too_large",
            "the body is too large or broke off",
        )));
    };
    let call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body: body.to_bytes(),
    };
    match answer(&world, &call).await {
        Outcome::Reply(reply) => Ok(response(reply)),
        Outcome::Dropped => Err(Lost),
    }
}

async fn answer(world: &World, call: &Call) -> Outcome {
    let segments: Option<Vec<String>> = call.path.split('/').skip(1).map(decoded).collect();
    let Some(segments) = segments else {
        return Outcome::Reply(Reply::problem(
            400,
            "bad_path",
            "the path is not valid text",
        ));
    };
    let segments: Vec<&str> = segments
        .iter()
        .map(String::as_str)
        .filter(|s| !s.is_empty())
        .collect();
    if segments.first().is_some_and(|first| first.starts_with('_')) {
        return Outcome::Reply(control::answer(world, call, &segments));
    }
    if let Some((dialect, provider)) = Dialect::of(&segments) {
        return model::answer(world, call, dialect, provider).await;
    }
    let target = match segments[..] {
        [system, collection] => write::Target {
            system,
            collection,
            id: None,
        },
        [system, collection, id] => write::Target {
            system,
            collection,
            id: Some(id),
        },
        _ => {
            return Outcome::Reply(Reply::problem(
                404,
                "no_such_address",
                "use /{system}/{collection}/{id}",
            ));
        }
    };
    if !world.lets_in(target.system, call.header("authorization")) {
        return Outcome::Reply(Reply::problem(
            401,
            "unauthorized",
            "this credential is not known here",
        ));
    }
    let script = world
        .scripts()
        .take(target.system, &call.path, call.method.as_str());
    let outcome = match call.method {
        Method::GET | Method::HEAD => read::answer(world, call, &target, script.as_deref()),
        _ => write::answer(world, call, &target, script.as_deref()),
    };
    if let Some(delay) = script.map(|script| script.delay()).filter(|d| !d.is_zero()) {
        tokio::time::sleep(delay).await;
    }
    outcome
}

fn response(reply: Reply) -> Response<StubBody> {
    let length = reply.body.len();
    let mut response = Response::new(StubBody::new(reply.body, reply.end));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value);
    }
    if reply.end != End::Whole {
        // Announced in full, so that the reader can tell that the rest is missing.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}

/// Undoes percent-encoding; `+` stays as it is.
pub(crate) fn decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

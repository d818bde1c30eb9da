//! Events in: the hot path. No session, no log line, no copy of the body.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Scope;
use tuesday_engine::ops::{Incoming, IncomingAuth};
use utoipa::ToSchema;

use crate::auth::bearer;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// The event is durable.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedBody {
    /// The run it became.
    run_id: String,
    /// Where to ask for it.
    status_url: String,
    /// The event was known; nothing new was started.
    repeated: bool,
    /// The workflow is paused; the run waits.
    held: bool,
}

/// Receives one event. Authenticated by Standard Webhooks headers (`webhook-id`,
/// `webhook-timestamp`, `webhook-signature`) or by a token with scope `trigger`. The event's id is
/// `webhook-id`, else `Idempotency-Key`, else the field the workflow names, else the body's hash.
#[utoipa::path(post, path = "/api/v1/triggers/{workflow}", tag = "triggers", request_body = serde_json::Value,
    params(("workflow" = String, Path), ("idempotency-key" = Option<String>, Header), ("webhook-id" = Option<String>, Header),
        ("webhook-timestamp" = Option<String>, Header), ("webhook-signature" = Option<String>, Header)),
    responses((status = 202, body = AcceptedBody), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn receive(
    State(app): State<App>,
    Path(workflow): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let body = body.map_err(|e| unreadable(&e, app.config.max_body_bytes))?;
    let auth = sender(&app, &headers, &workflow).await?;
    let event_id = header(&headers, "webhook-id").or_else(|| header(&headers, "idempotency-key"));
    let incoming = Incoming {
        event_id,
        body: body.into(),
        auth,
        reference: header(&headers, "tuesday-reference"),
    };
    let accepted = app.engine.receive(&workflow, incoming).await?;
    let run_id = accepted.run.to_string();
    let status_url = format!("/api/v1/runs/{run_id}");
    Ok((
        StatusCode::ACCEPTED,
        Json(AcceptedBody {
            run_id,
            status_url,
            repeated: accepted.repeated,
            held: accepted.held,
        }),
    ))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned)
}

/// A signature wins over a token: it covers the body, a token does not.
async fn sender(app: &App, headers: &HeaderMap, workflow: &str) -> Result<IncomingAuth, Problem> {
    if let Some(signatures) = header(headers, "webhook-signature") {
        let id = header(headers, "webhook-id").unwrap_or_default();
        let timestamp = header(headers, "webhook-timestamp").unwrap_or_default();
        return Ok(IncomingAuth::Signed {
            id,
            timestamp,
            signatures,
        });
    }
    let missing = || {
        Problem::new(
            "not_signed_in",
            "the event is neither signed nor sent with a token",
        )
    };
    let token = app
        .engine
        .token(bearer(headers).ok_or_else(missing)?)
        .await?;
    let here = token.workflow.as_deref().is_none_or(|own| own == workflow);
    if here && matches!(token.scope, Scope::Trigger | Scope::Admin) {
        return Ok(IncomingAuth::Token(token));
    }
    Err(Problem::new(
        "not_allowed",
        format!("the token may not send events to `{workflow}`"),
    ))
}

fn unreadable(e: &BytesRejection, most: usize) -> Problem {
    if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            "body_too_large",
            format!("the body is larger than {most} bytes"),
        );
    }
    Problem::new("bad_request", e.to_string())
}

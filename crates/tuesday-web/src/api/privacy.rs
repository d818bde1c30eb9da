//! Retention in force, legal holds, and erasure on request.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::privacy::{Hold, HoldScope};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Erase, ErasureOf, ErasureQuery, NewHold};
use utoipa::ToSchema;

use crate::auth::{ApiAdmin, ApiReader};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// For how long each class of each workflow is kept, and up to which day it was gone through.
#[utoipa::path(get, path = "/api/v1/retention", tag = "privacy", responses((status = 200, body = Object)))]
pub(crate) async fn retention(
    State(app): State<App>,
    by: ApiReader,
) -> Result<Json<Value>, ApiError> {
    let mut rules = app.engine.retention().await?;
    rules.retain(|r| by.sees(&r.workflow).is_ok());
    Ok(Json(json!({ "items": rules })))
}

fn told(h: &Hold) -> Value {
    let lifted = h.lifted.as_ref();
    json!({"id": h.id.to_string(), "record": h.scope.record, "workflow": h.scope.workflow,
        "from": h.scope.from.map(Timestamp::rfc3339), "to": h.scope.to.map(Timestamp::rfc3339),
        "reason": h.reason, "placed_by": h.placed_by, "placed_at": h.placed_at.rfc3339(),
        "lifted_by": lifted.map(|l| &l.0), "lift_reason": lifted.map(|l| &l.1),
        "lifted_at": lifted.map(|l| l.2.rfc3339())})
}

/// Legal holds, the newest first.
#[utoipa::path(get, path = "/api/v1/holds", tag = "privacy", responses((status = 200, body = Object)))]
pub(crate) async fn holds(State(app): State<App>, by: ApiReader) -> Result<Json<Value>, ApiError> {
    by.only(None)?;
    let all = app.engine.reader().holds(None, query::MAX_PAGE).await?;
    let seen = |h: &&Hold| {
        h.scope
            .workflow
            .as_deref()
            .is_none_or(|w| by.sees(w).is_ok())
    };
    Ok(Json(
        json!({ "items": all.iter().filter(seen).map(told).collect::<Vec<_>>() }),
    ))
}

/// What a hold covers; everything that is given must fit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldBody {
    record: Option<String>,
    workflow: Option<String>,
    /// Received from here on, RFC 3339.
    from: Option<String>,
    /// Received before.
    to: Option<String>,
    #[serde(default)]
    reason: String,
}

fn moment(field: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    text.filter(|t| !t.is_empty())
        .map(|t| {
            Timestamp::parse(&t)
                .map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
        })
        .transpose()
}

/// Places a legal hold; it counts at once, for retention and for requests.
#[utoipa::path(post, path = "/api/v1/holds", tag = "privacy", request_body = HoldBody,
    responses((status = 201, body = Object), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn place(
    State(app): State<App>,
    by: ApiAdmin,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let b: HoldBody = query::body(&body)?;
    let wish = NewHold {
        scope: HoldScope {
            record: b.record,
            workflow: b.workflow,
            from: moment("from", b.from)?,
            to: moment("to", b.to)?,
        },
        reason: b.reason,
    };
    let hold = app.engine.place_hold(wish, by.person()).await?;
    Ok((StatusCode::CREATED, Json(told(&hold))))
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiftBody {
    #[serde(default)]
    reason: String,
}

/// Lifts a hold.
#[utoipa::path(post, path = "/api/v1/holds/{id}/lifting", tag = "privacy", params(("id" = String, Path)), request_body = LiftBody,
    responses((status = 200, body = Object), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn lift(
    State(app): State<App>,
    by: ApiAdmin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let b: LiftBody = query::body(&body)?;
    let hold = app
        .engine
        .lift_hold(query::id(&id)?, &b.reason, by.person())
        .await?;
    Ok(Json(told(&hold)))
}

/// Erasures that were ordered, the newest first.
#[utoipa::path(get, path = "/api/v1/erasures", tag = "privacy", responses((status = 200, body = Object)))]
pub(crate) async fn erasures(
    State(app): State<App>,
    by: ApiReader,
) -> Result<Json<Value>, ApiError> {
    by.only(None)?;
    let all = app.engine.erasures(None, query::MAX_PAGE).await?;
    let items: Vec<Value> = all
        .iter()
        .map(|e| {
            json!({"id": e.id.to_string(), "about": e.about, "policy": e.policy, "reason": e.reason,
                "runs": e.objects.split_whitespace().collect::<Vec<_>>(), "ordered_by": e.ordered_by,
                "ordered_at": e.ordered_at.rfc3339(), "done_at": e.done_at.map(Timestamp::rfc3339)})
        })
        .collect();
    Ok(Json(json!({ "items": items })))
}

/// What is named: exactly one of `customer`, `record` and `run`.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ErasureBody {
    customer: Option<String>,
    record: Option<String>,
    run: Option<String>,
    /// Runs of the list that are about somebody else.
    except: Vec<String>,
    /// The code of the list that was read.
    code: Option<String>,
    reason: String,
    /// The policy or law it is done under.
    policy: Option<String>,
    /// Open work goes to people first.
    hand_over: bool,
}

impl ErasureBody {
    fn query(&self) -> Result<ErasureQuery, Problem> {
        let of = match (&self.customer, &self.record, &self.run) {
            (Some(name), None, None) => ErasureOf::Customer(name.clone()),
            (None, Some(id), None) => ErasureOf::Record(id.clone()),
            (None, None, Some(id)) => ErasureOf::Run(query::id(id)?),
            _ => {
                return Err(Problem::new(
                    "bad_request",
                    "name a customer, a record or a run, and one of them",
                )
                .field("customer"));
            }
        };
        let except: Result<_, _> = self.except.iter().map(|id| query::id(id)).collect();
        Ok(ErasureQuery {
            of,
            except: except?,
        })
    }
}

/// What an erasure would take, what stays, and what stands in the way. Nothing happens.
#[utoipa::path(post, path = "/api/v1/erasures/plan", tag = "privacy", request_body = ErasureBody,
    responses((status = 200, body = Object), (status = 403, body = ProblemBody)))]
pub(crate) async fn plan(
    State(app): State<App>,
    by: ApiAdmin,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.whole()?;
    let b: ErasureBody = query::body(&body)?;
    let plan = Box::pin(app.engine.plan_erasure(&b.query()?, by.person())).await?;
    Ok(Json(json!(plan)))
}

/// Erases what the list names. `409` with `legal_hold` or `open_work` names what stands in the way.
#[utoipa::path(post, path = "/api/v1/erasures", tag = "privacy", request_body = ErasureBody,
    responses((status = 201, body = Object), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn erase(
    State(app): State<App>,
    by: ApiAdmin,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    by.whole()?;
    let b: ErasureBody = query::body(&body)?;
    let asked = b.query()?;
    let how = Erase {
        code: b.code,
        reason: b.reason,
        policy: b.policy,
        hand_over: b.hand_over,
    };
    let done = Box::pin(app.engine.erase(&asked, &how, by.person())).await?;
    Ok((StatusCode::CREATED, Json(json!(done))))
}

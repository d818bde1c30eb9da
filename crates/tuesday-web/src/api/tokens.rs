//! Tokens: made once and shown once, listed without their text, withdrawn.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::id::TokenId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Scope, Token};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::NewToken;
use utoipa::ToSchema;

use crate::auth::{ApiAdmin, ApiReader};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A token, without its text.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenBody {
    id: String,
    /// `trigger`, `read`, `review` or `admin`.
    scope: &'static str,
    /// Absent for all workflows.
    workflow: Option<String>,
    /// In whose name it decides.
    person: Option<String>,
    created_at: String,
    expires_at: String,
    revoked_at: Option<String>,
}

/// All tokens, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenList {
    items: Vec<TokenBody>,
}

/// A token with its text, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeToken {
    #[serde(flatten)]
    token: TokenBody,
    text: String,
}

impl From<Token> for TokenBody {
    fn from(t: Token) -> Self {
        Self {
            id: t.id.to_string(),
            scope: t.scope.word(),
            workflow: t.workflow,
            person: t.person,
            created_at: t.created_at.rfc3339(),
            expires_at: t.expires_at.rfc3339(),
            revoked_at: t.revoked_at.map(Timestamp::rfc3339),
        }
    }
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenWish {
    /// `trigger`, `read`, `review` or `admin`.
    scope: String,
    workflow: Option<String>,
    /// Needed for `review` and `admin`.
    person: Option<String>,
    /// 1 to 365; 90 when left out.
    days: Option<u64>,
}

/// Why; kept in the audit log.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenWhy {
    #[serde(default)]
    reason: String,
}

/// All tokens.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "people", responses((status = 200, body = TokenList)))]
pub(crate) async fn list(
    State(app): State<App>,
    by: ApiReader,
) -> Result<Json<TokenList>, ApiError> {
    by.whole()?;
    let all = app.engine.reader().tokens().await?;
    let items = all.into_iter().map(TokenBody::from).collect();
    Ok(Json(TokenList { items }))
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = TokenWish,
    responses((status = 201, body = MadeToken), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn create(
    State(app): State<App>,
    by: ApiAdmin,
    raw: Bytes,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    by.whole()?;
    let b: TokenWish = query::body(&raw)?;
    let none = || Problem::new("bad_request", "a scope is needed").field("scope");
    let scope: Scope = query::word("scope", Some(&b.scope))?.ok_or_else(none)?;
    let new = NewToken {
        scope,
        workflow: b.workflow,
        person: b.person,
        life: query::token_life(b.days.or(Some(90)))?,
    };
    let (text, token) = app.engine.create_token(new, &by.actor()).await?;
    let token = token.into();
    Ok((StatusCode::CREATED, Json(MadeToken { token, text })))
}

/// Withdraws a token; it stops working within a second.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/revocation", tag = "people", params(("id" = String, Path)), request_body = TokenWhy,
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    by: ApiAdmin,
    Path(id): Path<String>,
    raw: Bytes,
) -> Result<StatusCode, ApiError> {
    by.whole()?;
    let id: TokenId = query::id(&id)?;
    let b: TokenWhy = query::body(&raw)?;
    app.engine.revoke_token(id, &b.reason, &by.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
